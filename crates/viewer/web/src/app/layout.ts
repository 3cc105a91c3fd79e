/** Pages of panels: those that a robot starts with, and how they are stored. */
import { isObject } from "../remote/messages";
import type { Robot } from "../remote/robot";
import { camerasOf } from "../ros/cameras";
import { topicsOf } from "../ros/kinds";
import type { Path } from "../ros/paths";
import { arranged, parseTile, type Tile } from "./split";

/** A line of a plot. */
export interface Series {
  topic: string;
  path: Path;
}

export interface PanelSpec {
  id: string;
  /** Its name in the registry of panels. */
  kind: string;
  topic?: string;
  series?: Series[];
  /** Topics that a 3D view or map shows; what the robot has, if nothing was chosen. */
  layers?: string[];
  /** What else the user has chosen in the panel, by name. */
  settings?: Record<string, unknown>;
}

/** Something of everything that the robot has, the most telling first. */
export function defaultPanels(robot: Robot, canDecode: boolean): PanelSpec[] {
  const channels = [...robot.channels.values()];
  const first = (type: string) => topicsOf(channels, type, 1)[0];
  const has = (...types: string[]) => types.some((type) => first(type) !== undefined);
  const wanted: Omit<PanelSpec, "id">[] = [];
  const picture = camerasOf(channels, canDecode)[0]?.channels[0]?.topic;
  if (picture) {
    wanted.push({ kind: "picture", topic: picture });
  }
  if (has("sensor_msgs/PointCloud2", "foxglove_msgs/CompressedPointCloud", "sensor_msgs/LaserScan")) {
    wanted.push({ kind: "scene" });
  }
  if (has("nav_msgs/OccupancyGrid", "nav_msgs/Odometry", "nav_msgs/Path")) {
    wanted.push({ kind: "map" });
  }
  const odometry = first("nav_msgs/Odometry");
  if (odometry) {
    const twist = ["twist", "twist"];
    wanted.push({
      kind: "plot",
      series: [
        { topic: odometry, path: [...twist, "linear", "x"] },
        { topic: odometry, path: [...twist, "angular", "z"] },
      ],
    });
  }
  if (robot.info?.capabilities.includes("clientPublish")) {
    wanted.push({ kind: "teleop" });
  }
  const any = channels.map((channel) => channel.topic).sort()[0];
  if (wanted.length === 0 && any !== undefined) {
    wanted.push({ kind: "tree", topic: any });
  }
  return wanted.map((panel) => ({ ...panel, id: crypto.randomUUID() }));
}

/** Panels that share the screen. */
export interface Page {
  id: string;
  name: string;
  panels: PanelSpec[];
  tiles: Tile | undefined;
}

/** What is remembered of a robot, or shared. */
export interface Layout {
  pages: Page[];
}

/** How much wider than high the room for panels is taken to be. */
export const ASPECT = 1.3;
const MAX_PAGES = 30;
const MAX_PANELS = 60;
const MAX_NAME = 60;

/** A page with all these panels, of equal size. */
export function newPage(name: string, panels: PanelSpec[], aspect = ASPECT): Page {
  const ids = panels.map(({ id }) => id);
  return { id: crypto.randomUUID(), name, panels, tiles: arranged(ids, aspect) };
}

/** A panel for every camera. */
export function cameraPanels(robot: Robot, canDecode: boolean): PanelSpec[] {
  return camerasOf(robot.channels.values(), canDecode).flatMap(({ channels: [best] }) =>
    best ? [{ id: crypto.randomUUID(), kind: "picture", topic: best.topic }] : [],
  );
}

/** A layout as it was stored or shared. Undefined if there is none, or somebody else's. */
export function parseLayout(stored: string | null): Layout | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(stored ?? "null");
  } catch {
    return undefined;
  }
  // What was stored before there were pages is a list of panels.
  const given = Array.isArray(parsed)
    ? [{ name: "Overview", panels: parsed }]
    : isObject(parsed)
      ? parsed.pages
      : undefined;
  if (!Array.isArray(given)) {
    return undefined;
  }
  const pages = given.filter(isObject).slice(0, MAX_PAGES).map(parsePage);
  return pages.length > 0 ? { pages } : undefined;
}

function parsePage(page: Record<string, unknown>, index: number): Page {
  const all = Array.isArray(page.panels) ? page.panels.filter(isPanel).slice(0, MAX_PANELS) : [];
  const panels = all.filter(({ id }, at) => all.findIndex((each) => each.id === id) === at);
  return {
    id: typeof page.id === "string" ? page.id : crypto.randomUUID(),
    name: typeof page.name === "string" ? page.name.slice(0, MAX_NAME) : `Page ${index + 1}`,
    panels,
    tiles: parseTile(
      page.tiles,
      panels.map(({ id }) => id),
      ASPECT,
    ),
  };
}

function isPanel(value: unknown): value is PanelSpec {
  return (
    isObject(value) &&
    typeof value.id === "string" &&
    typeof value.kind === "string" &&
    ["string", "undefined"].includes(typeof value.topic) &&
    (value.series === undefined || isArrayOf(value.series, isSeries)) &&
    (value.layers === undefined || isArrayOf(value.layers, (each) => typeof each === "string")) &&
    (value.settings === undefined || isObject(value.settings))
  );
}

function isSeries(value: unknown): boolean {
  const isStep = (step: unknown) => typeof step === "string" || typeof step === "number";
  return isObject(value) && typeof value.topic === "string" && isArrayOf(value.path, isStep);
}

function isArrayOf(value: unknown, is: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}
