/** Where a robot is to go, or where it is: what Nav2 and AMCL listen to. */
import { encode, messageType } from "./schema";

const RULE = `${"=".repeat(80)}\n`;
const HEADER =
  `${RULE}MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n` +
  `${RULE}MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n`;
const POSE =
  `${RULE}MSG: geometry_msgs/Pose\ngeometry_msgs/Point position\ngeometry_msgs/Quaternion orientation\n` +
  `${RULE}MSG: geometry_msgs/Point\nfloat64 x\nfloat64 y\nfloat64 z\n` +
  `${RULE}MSG: geometry_msgs/Quaternion\nfloat64 x\nfloat64 y\nfloat64 z\nfloat64 w\n`;

/** A place on the floor and a heading in radians. */
export interface Aim {
  x: number;
  y: number;
  yaw: number;
}

export interface AimKind {
  name: string;
  /** What its button says. */
  action: string;
  /** The topic that is usual for it. */
  topic: string;
  schemaName: string;
  schema: string;
  pose: (pose: unknown) => unknown;
}

/** Variances of an initial pose as RViz sends it: half a metre, 15 degrees. */
const COVARIANCE = Array.from({ length: 36 }, (_, index) =>
  index === 0 || index === 7 ? 0.25 : index === 35 ? (Math.PI / 12) ** 2 : 0,
);

export const GOAL: AimKind = {
  name: "Navigation goal",
  action: "Send the robot there",
  topic: "/goal_pose",
  schemaName: "geometry_msgs/msg/PoseStamped",
  schema: `std_msgs/Header header\ngeometry_msgs/Pose pose\n${HEADER}${POSE}`,
  pose: (pose) => pose,
};

export const INITIAL_POSE: AimKind = {
  name: "Initial pose",
  action: "Tell the robot that it is there",
  topic: "/initialpose",
  schemaName: "geometry_msgs/msg/PoseWithCovarianceStamped",
  schema:
    `std_msgs/Header header\ngeometry_msgs/PoseWithCovariance pose\n${HEADER}` +
    `${RULE}MSG: geometry_msgs/PoseWithCovariance\ngeometry_msgs/Pose pose\nfloat64[36] covariance\n${POSE}`,
  pose: (pose) => ({ pose, covariance: COVARIANCE }),
};

/** The message, as CDR. */
export function encodeAim(kind: AimKind, { x, y, yaw }: Aim, frame: string, nowMs: number): Uint8Array {
  const sec = Math.floor(nowMs / 1000);
  const stamp = { sec, nanosec: Math.round((nowMs - 1000 * sec) * 1e6) };
  const orientation = { x: 0, y: 0, z: Math.sin(yaw / 2), w: Math.cos(yaw / 2) };
  return encode(messageType({ schemaEncoding: "ros2msg", schema: kind.schema }), {
    header: { stamp, frame_id: frame },
    pose: kind.pose({ position: { x, y, z: 0 }, orientation }),
  });
}
