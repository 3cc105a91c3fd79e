/**
 * Tiles of the map server that the user names. The name stays in this browser: in a layout it would let
 * who made the layout see where the robot is.
 */
import { useState } from "preact/hooks";
import type { Place } from "../../ros/geo";
import { templateProblem, tilesAround, tileUrl } from "../../ros/tiles";

const STORED = "remote-access-tiles";
/** Tiles that are kept; the oldest go first. */
const MAX_IMAGES = 300;

const images = new Map<string, HTMLImageElement>();

/** The address of the tiles, with {z}, {x} and {y} in it; empty if there are none. */
export function tileTemplate(): string {
  return localStorage.getItem(STORED) ?? "";
}

/** Draws the tiles that are there, and fetches the others. The middle of the canvas is `middle`. */
export function drawTiles(
  context: CanvasRenderingContext2D,
  middle: Place,
  pixelsPerMetre: number,
  width: number,
  height: number,
): void {
  const template = tileTemplate();
  if (template === "") {
    return;
  }
  for (const tile of tilesAround(middle, pixelsPerMetre, width, height)) {
    const image = imageOf(tileUrl(template, tile));
    if (image.complete && image.naturalWidth > 0) {
      // A little larger, so that no seams are seen.
      const size = tile.size + 0.5;
      context.drawImage(image, width / 2 + tile.left, height / 2 + tile.top, size, size);
    }
  }
}

function imageOf(url: string): HTMLImageElement {
  const known = images.get(url);
  if (known) {
    return known;
  }
  const image = new Image();
  image.referrerPolicy = "no-referrer";
  image.src = url;
  images.set(url, image);
  const [oldest] = images.keys();
  if (images.size > MAX_IMAGES && oldest !== undefined) {
    images.delete(oldest);
  }
  return image;
}

/** Where the user names the server. */
export function TileSettings() {
  const [typed, setTyped] = useState(tileTemplate());
  const [problem, setProblem] = useState<string>();
  const store = () => {
    const template = typed.trim();
    const wrong = template === "" ? undefined : templateProblem(template);
    setProblem(wrong);
    if (wrong === undefined) {
      localStorage.setItem(STORED, template);
    }
  };
  return (
    <details class="tile-settings">
      <summary>Map tiles</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          store();
        }}
      >
        <label>
          Tile server
          <input
            type="text"
            value={typed}
            placeholder="https://tiles.example.com/{z}/{x}/{y}.png"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Use</button>
        <small role="status" class={problem === undefined ? "" : "error"}>
          {problem ?? "It learns where the robot is. Empty: none."}
        </small>
      </form>
    </details>
  );
}
