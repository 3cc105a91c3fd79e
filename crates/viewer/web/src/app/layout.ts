/** Which panels there are, and those that a robot starts with. */
import { isObject } from "../remote/messages";
import type { Robot } from "../remote/robot";
import { topicsOf } from "../ros/kinds";
import type { Path } from "../ros/paths";

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
  wide?: boolean;
}

/** Something of everything that the robot has, the most telling first. */
export function defaultPanels(robot: Robot): PanelSpec[] {
  const channels = [...robot.channels.values()];
  const first = (type: string) => topicsOf(channels, type, 1)[0];
  const has = (...types: string[]) => types.some((type) => first(type) !== undefined);
  const wanted: Omit<PanelSpec, "id">[] = [];
  const picture = first("sensor_msgs/CompressedImage") ?? first("sensor_msgs/Image");
  if (picture) {
    wanted.push({ kind: "picture", topic: picture });
  }
  if (has("sensor_msgs/PointCloud2", "sensor_msgs/LaserScan")) {
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

/** Panels as they were stored. Undefined if there are none, or somebody else's. */
export function parsePanels(stored: string | null): PanelSpec[] | undefined {
  try {
    const parsed: unknown = JSON.parse(stored ?? "null");
    return Array.isArray(parsed) ? parsed.filter(isPanel) : undefined;
  } catch {
    return undefined;
  }
}

function isPanel(value: unknown): value is PanelSpec {
  return (
    isObject(value) &&
    typeof value.id === "string" &&
    typeof value.kind === "string" &&
    ["string", "undefined"].includes(typeof value.topic) &&
    (value.series === undefined || Array.isArray(value.series)) &&
    (value.layers === undefined || Array.isArray(value.layers))
  );
}
