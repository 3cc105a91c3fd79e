/** Transforms between frames, now and a moment ago. */

export interface Vector {
  x: number;
  y: number;
  z: number;
}

export interface Quaternion extends Vector {
  w: number;
}

/** Where something is and how it is turned, seen from a parent. */
export interface Pose {
  position: Vector;
  orientation: Quaternion;
}

/** Seconds and nanoseconds. */
export interface Stamp {
  sec: number;
  nanosec: number;
}

export interface TransformStamped {
  header: { stamp: Stamp; frame_id: string };
  child_frame_id: string;
  transform: { translation: Vector; rotation: Quaternion };
}

const IDENTITY: Pose = { position: { x: 0, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };

/** Transforms of a frame that are kept: two seconds at 100 Hz. */
const MAX_HISTORY = 200;
/** Most frames that are kept. */
const MAX_FRAMES = 5000;
/** A chain of more frames than this is a loop. */
const MAX_CHAIN = 200;

/** A pose at a time, in seconds. */
interface Sample {
  timeS: number;
  pose: Pose;
}

interface Frame {
  parent: string;
  /** Whether it was said once and for all. */
  isStatic: boolean;
  /** The oldest first. */
  samples: Sample[];
}

export class Transforms {
  #frames = new Map<string, Frame>();
  /** Changes with every transform. */
  revision = 0;

  add(transforms: TransformStamped[], isStatic = false): void {
    for (const { header, child_frame_id: child, transform } of transforms) {
      const frame = clean(child);
      if (this.#frames.size >= MAX_FRAMES && !this.#frames.has(frame)) {
        continue;
      }
      const parent = clean(header.frame_id);
      const sample = {
        timeS: seconds(header.stamp),
        pose: { position: transform.translation, orientation: transform.rotation },
      };
      const known = this.#frames.get(frame);
      if (known?.parent === parent && sample.timeS > (known.samples.at(-1)?.timeS ?? 0)) {
        known.samples.push(sample);
        if (known.samples.length > MAX_HISTORY) {
          known.samples.shift();
        }
      } else {
        // New, moved to another parent, or the clock was set back.
        this.#frames.set(frame, { parent, isStatic, samples: [sample] });
      }
      this.revision += 1;
    }
  }

  clear(): void {
    this.#frames.clear();
    this.revision += 1;
  }

  /** Every frame, parents and children alike. */
  names(): string[] {
    const names = new Set<string>(this.#frames.keys());
    for (const { parent } of this.#frames.values()) {
      names.add(parent);
    }
    return [...names].sort();
  }

  parent(frame: string): string | undefined {
    return this.#frames.get(clean(frame))?.parent;
  }

  /** Every frame that has a parent, with the time of its newest transform in seconds. */
  links(): { frame: string; parent: string; isStatic: boolean; timeS: number }[] {
    return [...this.#frames].map(([frame, { parent, isStatic, samples }]) => ({
      frame,
      parent,
      isStatic,
      timeS: samples.at(-1)?.timeS ?? 0,
    }));
  }

  /** The frame at the top of another one's tree: itself if it has no parent. */
  root(frame: string): string {
    return this.#chain(frame).root;
  }

  /** The root of the largest tree. */
  mainRoot(): string | undefined {
    const sizes = new Map<string, number>();
    for (const frame of this.#frames.keys()) {
      const root = this.root(frame);
      sizes.set(root, (sizes.get(root) ?? 0) + 1);
    }
    return [...sizes].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))[0]?.[0];
  }

  /**
   * The pose of `frame` seen from `from`, now or at a time in seconds; undefined if nothing connects
   * them. What is asked for outside of what is known gets the nearest that is.
   */
  pose(frame: string, from: string, timeS?: number): Pose | undefined {
    const [here, there] = [this.#chain(frame, timeS), this.#chain(from, timeS)];
    if (here.root !== there.root) {
      return undefined;
    }
    return compose(invert(there.pose), here.pose);
  }

  /** The root above a frame, and the frame's pose seen from there. */
  #chain(frame: string, timeS?: number): { root: string; pose: Pose } {
    let root = clean(frame);
    let pose = IDENTITY;
    for (let step = 0; step < MAX_CHAIN; step += 1) {
      const link = this.#frames.get(root);
      if (!link) {
        break;
      }
      pose = compose(poseAt(link.samples, timeS), pose);
      root = link.parent;
    }
    return { root, pose };
  }
}

/** The pose at a time, between the samples around it. */
function poseAt(samples: Sample[], timeS: number | undefined): Pose {
  let index = samples.length - 1;
  const newest = samples[index]?.pose ?? IDENTITY;
  if (timeS === undefined) {
    return newest;
  }
  while (index > 0 && (samples[index]?.timeS ?? 0) > timeS) {
    index -= 1;
  }
  const [before, after] = [samples[index], samples[index + 1]];
  if (!before || !after || before.timeS >= timeS) {
    return before?.pose ?? newest;
  }
  return between(before.pose, after.pose, (timeS - before.timeS) / (after.timeS - before.timeS));
}

/** A part of the way from one pose to another, 0 to 1. */
function between(a: Pose, b: Pose, part: number): Pose {
  const mix = (from: number, to: number) => from + part * (to - from);
  const [p, q] = [a.orientation, b.orientation];
  // A quaternion and its negative are the same turn; the near one is meant.
  const sign = p.x * q.x + p.y * q.y + p.z * q.z + p.w * q.w < 0 ? -1 : 1;
  const turn = {
    x: mix(p.x, sign * q.x),
    y: mix(p.y, sign * q.y),
    z: mix(p.z, sign * q.z),
    w: mix(p.w, sign * q.w),
  };
  const size = Math.hypot(turn.x, turn.y, turn.z, turn.w) || 1;
  return {
    position: {
      x: mix(a.position.x, b.position.x),
      y: mix(a.position.y, b.position.y),
      z: mix(a.position.z, b.position.z),
    },
    orientation: { x: turn.x / size, y: turn.y / size, z: turn.z / size, w: turn.w / size },
  };
}

export function seconds({ sec, nanosec }: Stamp): number {
  return sec + nanosec / 1e9;
}

/** Some publishers still begin frame names with a slash. */
function clean(frame: string): string {
  return frame.startsWith("/") ? frame.slice(1) : frame;
}

/** The pose `inner`, given in `outer`, seen from where `outer` is seen from. */
export function compose(outer: Pose, inner: Pose): Pose {
  const turned = rotate(outer.orientation, inner.position);
  const { position } = outer;
  return {
    position: { x: position.x + turned.x, y: position.y + turned.y, z: position.z + turned.z },
    orientation: multiply(outer.orientation, inner.orientation),
  };
}

export function invert({ position, orientation }: Pose): Pose {
  const back = { x: -orientation.x, y: -orientation.y, z: -orientation.z, w: orientation.w };
  const moved = rotate(back, position);
  return { position: { x: -moved.x, y: -moved.y, z: -moved.z }, orientation: back };
}

/** The turn around the vertical axis, in radians. */
export function yaw({ x, y, z, w }: Quaternion): number {
  return Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
}

export function rotate(q: Quaternion, v: Vector): Vector {
  const tx = 2 * (q.y * v.z - q.z * v.y);
  const ty = 2 * (q.z * v.x - q.x * v.z);
  const tz = 2 * (q.x * v.y - q.y * v.x);
  return {
    x: v.x + q.w * tx + q.y * tz - q.z * ty,
    y: v.y + q.w * ty + q.z * tx - q.x * tz,
    z: v.z + q.w * tz + q.x * ty - q.y * tx,
  };
}

function multiply(a: Quaternion, b: Quaternion): Quaternion {
  return {
    x: a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
    y: a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
    z: a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
    w: a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
  };
}
