/** Map tiles around a place: squares of the Web Mercator projection, as tile servers have them. */
import type { Place } from "./geo";

/** Pixels of a tile. */
const TILE = 256;
/** Length of the equator in metres, as the projection has it. */
const EQUATOR_M = 2 * Math.PI * 6_378_137;
const MAX_ZOOM = 19;
/** Tiles of one picture at most. */
const MAX_TILES = 200;

export interface Tile {
  zoom: number;
  x: number;
  y: number;
  /** Where it lies, in pixels from the middle of the picture, and how large it is there. */
  left: number;
  top: number;
  size: number;
}

/** The tiles of a picture so many pixels wide and high, with `middle` in its middle and north up. */
export function tilesAround(middle: Place, pixelsPerMetre: number, width: number, height: number): Tile[] {
  const latitude = (Math.min(85, Math.max(-85, middle.latitude)) * Math.PI) / 180;
  // Metres of the projection are longer than those on the ground.
  const worldPixels = EQUATOR_M * Math.cos(latitude) * pixelsPerMetre;
  const zoom = Math.min(MAX_ZOOM, Math.max(0, Math.round(Math.log2(worldPixels / TILE))));
  const count = 2 ** zoom;
  const size = worldPixels / count;
  const x = ((middle.longitude + 180) / 360) * count;
  const y = ((1 - Math.asinh(Math.tan(latitude)) / Math.PI) / 2) * count;
  const [across, down] = [width / 2 / size, height / 2 / size];
  const tiles: Tile[] = [];
  for (let row = Math.max(0, Math.floor(y - down)); row <= Math.min(count - 1, y + down); row += 1) {
    for (let column = Math.floor(x - across); column <= x + across && tiles.length < MAX_TILES; column += 1) {
      tiles.push({
        zoom,
        x: ((column % count) + count) % count,
        y: row,
        left: (column - x) * size,
        top: (row - y) * size,
        size,
      });
    }
  }
  return tiles;
}

/** The address of a tile. */
export function tileUrl(template: string, { zoom, x, y }: Tile): string {
  return template.replace("{z}", `${zoom}`).replace("{x}", `${x}`).replace("{y}", `${y}`);
}

/** What is wrong with the address of a tile server, if anything is. */
export function templateProblem(template: string): string | undefined {
  const isUrl = /^https?:\/\/[^/\s]+\/\S*$/.test(template);
  return isUrl && ["{z}", "{x}", "{y}"].every((part) => template.includes(part))
    ? undefined
    : "An address such as https://tiles.example.com/{z}/{x}/{y}.png is needed";
}
