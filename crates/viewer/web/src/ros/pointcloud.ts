/** Points of sensor_msgs/PointCloud2 and sensor_msgs/LaserScan for the graphics card. */

export interface PointCloud2 {
  header: { frame_id: string };
  height: number;
  width: number;
  fields: { name: string; offset: number; datatype: number; count: number }[];
  is_bigendian: boolean;
  point_step: number;
  row_step: number;
  data: Uint8Array;
}

export interface LaserScan {
  header: { frame_id: string };
  angle_min: number;
  angle_increment: number;
  range_min: number;
  range_max: number;
  ranges: Float32Array;
}

export interface Points {
  count: number;
  /** x, y, z of each. */
  positions: Float32Array;
  /** Red, green, blue of each, 0 to 1. */
  colours: Float32Array;
}

/** Most points that are drawn; of more, every second, third … is. */
const MAX_POINTS = 500_000;

type Reader = (at: number) => number;

const READERS: Record<number, (view: DataView, little: boolean) => Reader> = {
  1: (view) => (at) => view.getInt8(at),
  2: (view) => (at) => view.getUint8(at),
  3: (view, little) => (at) => view.getInt16(at, little),
  4: (view, little) => (at) => view.getUint16(at, little),
  5: (view, little) => (at) => view.getInt32(at, little),
  6: (view, little) => (at) => view.getUint32(at, little),
  7: (view, little) => (at) => view.getFloat32(at, little),
  8: (view, little) => (at) => view.getFloat64(at, little),
};
const SIZES: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 8: 8 };

/** The finite points of a cloud, coloured by their own colour, else their intensity, else their height. */
export function cloudPoints(cloud: PointCloud2): Points {
  const { data, point_step: step } = cloud;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const field = (name: string): Reader | undefined => {
    const found = cloud.fields.find((each) => each.name === name);
    const size = found && SIZES[found.datatype];
    if (!found || !size || found.offset + size > step) {
      return undefined;
    }
    const read = READERS[found.datatype]?.(view, !cloud.is_bigendian);
    return read && ((at) => read(at + found.offset));
  };
  const [x, y, z] = [field("x"), field("y"), field("z")];
  if (!x || !y || step < 1) {
    throw new Error("the point cloud has no fields x and y");
  }
  const packed = cloud.fields.find((each) => each.name === "rgb" || each.name === "rgba");
  const shade = field("intensity") ?? z;
  const total = Math.min(cloud.width * cloud.height, Math.floor(data.length / step));
  const stride = Math.max(1, Math.ceil(total / MAX_POINTS));
  const room = Math.ceil(total / stride);
  const positions = new Float32Array(3 * room);
  const colours = new Float32Array(3 * room);
  const shades = new Float32Array(room);
  let count = 0;
  for (let index = 0; index < total; index += stride) {
    const row = cloud.height > 1 ? Math.floor(index / cloud.width) : 0;
    const at = cloud.height > 1 ? row * cloud.row_step + (index - row * cloud.width) * step : index * step;
    if (at + step > data.length) {
      break;
    }
    const px = x(at);
    const py = y(at);
    const pz = z?.(at) ?? 0;
    if (!Number.isFinite(px + py + pz)) {
      continue;
    }
    // Number by number: an array for each point is what all this would cost most.
    const to = 3 * count;
    positions[to] = px;
    positions[to + 1] = py;
    positions[to + 2] = pz;
    if (packed) {
      unpack(view.getUint32(at + packed.offset, !cloud.is_bigendian), colours, to);
    } else {
      shades[count] = shade?.(at) ?? 0;
    }
    count += 1;
  }
  if (!packed) {
    paint(shades.subarray(0, count), colours);
  }
  return { count, positions: positions.subarray(0, 3 * count), colours: colours.subarray(0, 3 * count) };
}

/** The finite ones of points with their packed colours, else their intensity; without both their height counts. */
export function pointsOf(
  positions: Float32Array,
  packed: Uint32Array | undefined,
  intensities: Float32Array | undefined,
): Points {
  const total = positions.length / 3;
  const stride = Math.max(1, Math.ceil(total / MAX_POINTS));
  const colours = new Float32Array(3 * Math.ceil(total / stride));
  const shades = new Float32Array(Math.ceil(total / stride));
  let count = 0;
  for (let index = 0; index < total; index += stride) {
    const from = 3 * index;
    const [x, y, z] = [positions[from] ?? 0, positions[from + 1] ?? 0, positions[from + 2] ?? 0];
    if (!Number.isFinite(x + y + z)) {
      continue;
    }
    const to = 3 * count;
    // Never behind what is read.
    positions[to] = x;
    positions[to + 1] = y;
    positions[to + 2] = z;
    if (packed) {
      unpack(packed[index] ?? 0, colours, to);
    }
    shades[count] = intensities ? (intensities[index] ?? 0) : z;
    count += 1;
  }
  if (!packed) {
    paint(shades.subarray(0, count), colours);
  }
  return { count, positions: positions.subarray(0, 3 * count), colours: colours.subarray(0, 3 * count) };
}

/** Red, green and blue of the lower bytes of a number, to a place. */
function unpack(value: number, colours: Float32Array, to: number): void {
  colours[to] = ((value >> 16) & 255) / 255;
  colours[to + 1] = ((value >> 8) & 255) / 255;
  colours[to + 2] = (value & 255) / 255;
}

/** The points of a scan, in its own plane. */
export function scanPoints(scan: LaserScan): Points {
  const positions = new Float32Array(3 * scan.ranges.length);
  const ranges = new Float32Array(scan.ranges.length);
  let count = 0;
  scan.ranges.forEach((range, index) => {
    if (range >= scan.range_min && range <= scan.range_max) {
      const angle = scan.angle_min + index * scan.angle_increment;
      positions.set([range * Math.cos(angle), range * Math.sin(angle), 0], 3 * count);
      ranges[count] = range;
      count += 1;
    }
  });
  const colours = new Float32Array(3 * count);
  paint(ranges.subarray(0, count), colours);
  return { count, positions: positions.subarray(0, 3 * count), colours };
}

/** Colours from blue (least) by green to red (most), easy to tell apart on dark and on light. */
function paint(values: Float32Array, colours: Float32Array): void {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (Number.isFinite(value)) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  const scale = most > least ? 1 / (most - least) : 0;
  values.forEach((value, index) => {
    const part = Number.isFinite(value) ? (value - least) * scale : 0;
    const to = 3 * index;
    colours[to] = 0.2 + 0.8 * Math.max(0, 2 * part - 1);
    colours[to + 1] = 0.35 + 0.55 * (1 - Math.abs(2 * part - 1));
    colours[to + 2] = 1 - 0.85 * part;
  });
}
