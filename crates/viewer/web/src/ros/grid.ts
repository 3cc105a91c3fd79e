/** nav_msgs/OccupancyGrid as a picture. */
import type { Pose } from "./tf";

export interface OccupancyGrid {
  header: { frame_id: string };
  info: { resolution: number; width: number; height: number; origin: Pose };
  data: Int8Array;
}

/** Whether a topic is a costmap by its name, as those of Nav2 are. */
export function isCostmap(topic: string): boolean {
  return topic.includes("costmap");
}

/**
 * RGBA of a map, first row at the origin (the bottom). Unknown cells are half transparent. A costmap
 * lies over the map: free cells are not seen, costs go from blue to red, what must not be touched is purple.
 */
export function gridPixels(grid: OccupancyGrid, isCost = false): Uint8ClampedArray<ArrayBuffer> {
  const { width, height } = grid.info;
  if (width < 1 || height < 1 || grid.data.length < width * height) {
    throw new Error("the map is empty or cut off");
  }
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let index = 0; index < width * height; index += 1) {
    const value = grid.data[index] ?? -1;
    const known = value >= 0 && value <= 100;
    const shade = known ? 214 - 1.9 * value : 128;
    const to = 4 * index;
    if (isCost) {
      rgba.set(costColour(value), to);
      continue;
    }
    rgba[to] = shade;
    rgba[to + 1] = shade;
    rgba[to + 2] = known ? shade + 8 : 134;
    rgba[to + 3] = known ? 255 : 70;
  }
  return rgba;
}

/** Nav2 has 100 for an obstacle and 99 for what is within the robot's radius of one. */
function costColour(value: number): [number, number, number, number] {
  if (value < 1 || value > 100) {
    return [0, 0, 0, 0];
  }
  return value >= 99
    ? [value === 100 ? 190 : 60, 40, value === 100 ? 190 : 220, 190]
    : [2.5 * value, 40, 255 - 2.5 * value, 130];
}
