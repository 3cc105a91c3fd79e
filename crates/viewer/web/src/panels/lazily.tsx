/** Panels whose code is loaded when one of them is opened first. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { PanelProps } from "./panel";

/** A panel's body that is the default export of a module. */
export function lazily(
  load: () => Promise<{ default: ComponentType<PanelProps> }>,
): ComponentType<PanelProps> {
  let Body: ComponentType<PanelProps> | undefined;
  return function Lazy(props) {
    const [failure, setFailure] = useState<unknown>();
    const [, setLoaded] = useState(Body !== undefined);
    useEffect(() => {
      let isGone = false;
      load().then(
        (module) => {
          Body = module.default;
          setLoaded(true);
        },
        (error: unknown) => isGone || setFailure(error),
      );
      return () => {
        isGone = true;
      };
    }, []);
    if (failure !== undefined) {
      // The panel's frame shows it, with a button to try again.
      throw failure;
    }
    return Body ? <Body {...props} /> : <div class="body" aria-busy="true" />;
  };
}
