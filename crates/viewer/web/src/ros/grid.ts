/** nav_msgs/OccupancyGrid as a picture. */
import type { Pose } from "./tf";

export interface OccupancyGrid {
  header: { frame_id: string };
  info: { resolution: number; width: number; height: number; origin: Pose };
  data: Int8Array;
}

/** RGBA of a map, first row at the origin (the bottom). Unknown cells are half transparent. */
export function gridPixels(grid: OccupancyGrid): Uint8ClampedArray<ArrayBuffer> {
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
    rgba[to] = shade;
    rgba[to + 1] = shade;
    rgba[to + 2] = known ? shade + 8 : 134;
    rgba[to + 3] = known ? 255 : 70;
  }
  return rgba;
}
