/** Draco's decoder, fetched when there is something for it. */
import { useEffect, useState } from "preact/hooks";
import { picturesHaveCome } from "../../app/firstPicture";
import type { Draco } from "../../lazy/draco";

interface Found {
  decoder?: Draco;
  /** Why there is none. */
  problem?: string;
}

let loaded: Promise<Draco> | undefined;

/** The decoder as soon as it is there, if it is `wanted`. */
export function useDraco(wanted: boolean): Found {
  const [found, setFound] = useState<Found>({});
  useEffect(() => {
    if (!wanted) {
      return undefined;
    }
    let isGone = false;
    const tell = (what: Found) => isGone || setFound(what);
    loaded ??= picturesHaveCome()
      .then(() => import("../../lazy/draco"))
      .then(({ loadDraco }) => loadDraco());
    loaded.then(
      (decoder) => tell({ decoder }),
      (error: unknown) => {
        // Another try with the next panel.
        loaded = undefined;
        tell({ problem: `The decoder for point clouds does not come: ${error}` });
      },
    );
    return () => {
      isGone = true;
    };
  }, [wanted]);
  return found;
}
