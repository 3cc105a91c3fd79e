/** Who looks at a robot and who drives it, as its bridge tells on the latched topic `~/viewers`. */
import { isObject } from "./messages";
import { list, text } from "./parse";

export interface Viewer {
  name: string;
  /** Topics. */
  watches: string[];
  publishes: string[];
  drives: string[];
}

/** The viewers in a text of that topic. Undefined if it is something else. */
export function parseViewers(json: string): Viewer[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!isObject(parsed) || !Array.isArray(parsed.viewers)) {
    return undefined;
  }
  return parsed.viewers.filter(isObject).map((viewer) => ({
    name: text(viewer.name),
    watches: list(viewer.watches).map(text),
    publishes: list(viewer.publishes).map(text),
    drives: list(viewer.drives).map(text),
  }));
}
