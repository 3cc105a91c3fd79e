/** How a robot is driven from this browser. */
import { isObject } from "../remote/messages";
import type { TwistType } from "../ros/twist";

export interface DriveSettings {
  topic: string;
  type: TwistType;
  /** Full speed in metres per second and radians per second. */
  speed: number;
  turnSpeed: number;
  /** Age of the picture, the odometry or the last answer, in milliseconds, from which on driving is locked. */
  maxAgeMs: number;
}

export const SPEED_RANGE = [0.05, 3] as const;
export const TURN_RANGE = [0.05, 4] as const;
/** The ages that can be chosen. */
export const MAX_AGES_MS = [500, 1000, 2000, 5000, 30_000];

const DEFAULTS: DriveSettings = {
  topic: "/cmd_vel",
  type: "geometry_msgs/msg/Twist",
  speed: 0.5,
  turnSpeed: 1,
  maxAgeMs: 1000,
};

/** Speeds that are often wanted. */
export const PRESETS = [
  { name: "Slow", speed: 0.2, turnSpeed: 0.5 },
  { name: "Normal", speed: 0.5, turnSpeed: 1 },
  { name: "Fast", speed: 1.5, turnSpeed: 2 },
] as const;

/** Settings as they were stored. What is missing or out of range is as it was at first. */
export function parseSettings(stored: string | null): DriveSettings {
  let given: unknown;
  try {
    given = JSON.parse(stored ?? "null");
  } catch {
    given = undefined;
  }
  if (!isObject(given)) {
    return { ...DEFAULTS };
  }
  const { topic, type, speed, turnSpeed, maxAgeMs } = given;
  return {
    topic: typeof topic === "string" && topic !== "" ? topic : DEFAULTS.topic,
    type: type === "geometry_msgs/msg/TwistStamped" ? type : DEFAULTS.type,
    speed: within(speed, SPEED_RANGE) ?? DEFAULTS.speed,
    turnSpeed: within(turnSpeed, TURN_RANGE) ?? DEFAULTS.turnSpeed,
    maxAgeMs: MAX_AGES_MS.find((each) => each === maxAgeMs) ?? DEFAULTS.maxAgeMs,
  };
}

function within(value: unknown, [least, most]: readonly [number, number]): number | undefined {
  return typeof value === "number" && value >= least && value <= most ? value : undefined;
}
