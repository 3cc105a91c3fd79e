/** How panels share the screen: a tree of splits, as places in a unit square. It knows nothing of panels. */
import { isObject } from "../remote/messages";

export type Way = "row" | "column";
export type Side = "left" | "right" | "top" | "bottom";

/** A panel's id, or two tiles side by side (row) or one above the other (column). */
export type Tile = string | Split;

export interface Split {
  way: Way;
  /** The first one's part of the room, 0 to 1. */
  at: number;
  first: Tile;
  second: Tile;
}

/** Where a tile is, in parts of the whole. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What divides two tiles. */
export interface Bar {
  /** How to find the split from the root: 0 is the first part, 1 the second. */
  path: string;
  split: Split;
  /** The room of both. */
  box: Box;
}

const WHOLE: Box = { left: 0, top: 0, width: 1, height: 1 };
/** No tile is made smaller than this part of its split. */
export const LEAST = 0.08;
/** Levels that a tree from elsewhere may have. */
const MAX_DEPTH = 40;

const WAY: Record<Side, Way> = { left: "row", right: "row", top: "column", bottom: "column" };

/** The panels of a tree in reading order. */
export function idsOf(tile: Tile | undefined): string[] {
  if (tile === undefined) {
    return [];
  }
  return typeof tile === "string" ? [tile] : [...idsOf(tile.first), ...idsOf(tile.second)];
}

export function boxesOf(tile: Tile | undefined, box = WHOLE): Map<string, Box> {
  if (tile === undefined) {
    return new Map();
  }
  if (typeof tile === "string") {
    return new Map([[tile, box]]);
  }
  const [first, second] = halves(tile, box);
  return new Map([...boxesOf(tile.first, first), ...boxesOf(tile.second, second)]);
}

export function barsOf(tile: Tile | undefined, box = WHOLE, path = ""): Bar[] {
  if (tile === undefined || typeof tile === "string") {
    return [];
  }
  const [first, second] = halves(tile, box);
  return [
    { path, split: tile, box },
    ...barsOf(tile.first, first, `${path}0`),
    ...barsOf(tile.second, second, `${path}1`),
  ];
}

/** How many tiles stand one above the other where there are most. */
export function rowsOf(tile: Tile | undefined): number {
  if (tile === undefined || typeof tile === "string") {
    return 1;
  }
  const [first, second] = [rowsOf(tile.first), rowsOf(tile.second)];
  return tile.way === "column" ? first + second : Math.max(first, second);
}

/** Divides a split elsewhere. */
export function resized(tile: Tile, path: string, at: number): Tile {
  if (typeof tile === "string") {
    return tile;
  }
  if (path === "") {
    return { ...tile, at: Math.min(1 - LEAST, Math.max(LEAST, at)) };
  }
  const part = path.startsWith("0") ? "first" : "second";
  return { ...tile, [part]: resized(tile[part], path.slice(1), at) };
}

/** Takes a panel out; its neighbour gets the room. */
export function without(tile: Tile | undefined, id: string): Tile | undefined {
  if (tile === undefined || tile === id) {
    return undefined;
  }
  if (typeof tile === "string") {
    return tile;
  }
  const [first, second] = [without(tile.first, id), without(tile.second, id)];
  return first !== undefined && second !== undefined ? { ...tile, first, second } : (first ?? second);
}

/** Puts a panel to a side of another one, with which it shares the room. */
export function beside(tile: Tile, target: string, id: string, side: Side): Tile {
  if (tile === target) {
    const isFirst = side === "left" || side === "top";
    const [first, second] = isFirst ? [id, target] : [target, id];
    return { way: WAY[side], at: 0.5, first, second };
  }
  if (typeof tile === "string") {
    return tile;
  }
  return {
    ...tile,
    first: beside(tile.first, target, id, side),
    second: beside(tile.second, target, id, side),
  };
}

/** Two panels change places. */
export function swapped(tile: Tile, one: string, other: string): Tile {
  if (typeof tile === "string") {
    return tile === one ? other : tile === other ? one : tile;
  }
  return { ...tile, first: swapped(tile.first, one, other), second: swapped(tile.second, one, other) };
}

/** Equal tiles for panels in a room whose width is so many times its height. */
export function arranged(ids: string[], aspect: number): Tile | undefined {
  const [only] = ids;
  if (only === undefined || ids.length === 1) {
    return only;
  }
  const count = Math.floor(ids.length / 2);
  const at = count / ids.length;
  const way = aspect >= 1 ? "row" : "column";
  const scale = (part: number) => (way === "row" ? aspect * part : aspect / part);
  const first = arranged(ids.slice(0, count), scale(at));
  const second = arranged(ids.slice(count), scale(1 - at));
  return first !== undefined && second !== undefined ? { way, at, first, second } : (first ?? second);
}

/** Adds a panel: the largest one gives half of its room. */
export function added(tile: Tile | undefined, id: string, aspect: number): Tile {
  let largest: [string, Box] | undefined;
  for (const [each, box] of boxesOf(tile)) {
    const isLarger = !largest || box.width * box.height > largest[1].width * largest[1].height + 1e-9;
    largest = isLarger ? [each, box] : largest;
  }
  if (tile === undefined || !largest) {
    return id;
  }
  const [target, { width, height }] = largest;
  return beside(tile, target, id, width * aspect >= height ? "right" : "bottom");
}

/** Moves a panel towards a side: it changes places with its neighbour, else it gets that side of the page. */
export function moved(tile: Tile, id: string, side: Side): Tile {
  const neighbour = neighbourOf(tile, id, side);
  if (neighbour !== undefined) {
    return swapped(tile, id, neighbour);
  }
  const rest = without(tile, id);
  if (rest === undefined) {
    return tile;
  }
  const isFirst = side === "left" || side === "top";
  const way = WAY[side];
  return isFirst ? { way, at: 0.5, first: id, second: rest } : { way, at: 0.5, first: rest, second: id };
}

/** Moves the nearest bar that lies across, towards a side. */
export function stretched(tile: Tile, id: string, side: Side, by: number): Tile {
  const sign = side === "left" || side === "top" ? -1 : 1;
  const bar = barsOf(tile).findLast(({ split }) => split.way === WAY[side] && idsOf(split).includes(id));
  return bar ? resized(tile, bar.path, bar.split.at + sign * by) : tile;
}

/** The panel that is next to one on a side. */
function neighbourOf(tile: Tile, id: string, side: Side): string | undefined {
  const boxes = boxesOf(tile);
  const own = boxes.get(id);
  if (!own) {
    return undefined;
  }
  const step = 0.01;
  const x =
    side === "left" ? own.left - step : side === "right" ? own.left + own.width + step : own.left + step;
  const y =
    side === "top" ? own.top - step : side === "bottom" ? own.top + own.height + step : own.top + step;
  return tileAt(boxes, x, y);
}

/** The panel at a place. */
export function tileAt(boxes: Map<string, Box>, x: number, y: number): string | undefined {
  for (const [id, { left, top, width, height }] of boxes) {
    if (x >= left && x < left + width && y >= top && y < top + height) {
      return id;
    }
  }
  return undefined;
}

/** A tree from elsewhere with exactly these panels: others are left out, missing ones added. */
export function parseTile(value: unknown, ids: string[], aspect: number): Tile | undefined {
  const missing = new Set(ids);
  const parse = (part: unknown, depth: number): Tile | undefined => {
    if (typeof part === "string") {
      return missing.delete(part) ? part : undefined;
    }
    if (!isObject(part) || depth > MAX_DEPTH) {
      return undefined;
    }
    const [first, second] = [parse(part.first, depth + 1), parse(part.second, depth + 1)];
    if (first === undefined || second === undefined) {
      return first ?? second;
    }
    const at = typeof part.at === "number" ? Math.min(1 - LEAST, Math.max(LEAST, part.at)) : 0.5;
    return { way: part.way === "column" ? "column" : "row", at, first, second };
  };
  const tile = parse(value, 0);
  if (tile === undefined) {
    return arranged(ids, aspect);
  }
  return [...missing].reduce<Tile>((all, id) => added(all, id, aspect), tile);
}

function halves({ way, at }: Split, { left, top, width, height }: Box): [Box, Box] {
  return way === "row"
    ? [
        { left, top, width: width * at, height },
        { left: left + width * at, top, width: width * (1 - at), height },
      ]
    : [
        { left, top, width, height: height * at },
        { left, top: top + height * at, width, height: height * (1 - at) },
      ];
}
