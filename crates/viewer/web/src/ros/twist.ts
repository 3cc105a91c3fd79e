/** Velocity commands. */
import { encode, type MessageType, messageType } from "./schema";

const VECTOR = "float64 x\nfloat64 y\nfloat64 z\n";
const RULE = `${"=".repeat(80)}\n`;
const TWIST_FIELDS = "geometry_msgs/Vector3 linear\ngeometry_msgs/Vector3 angular\n";

const TWIST_SCHEMA = `${TWIST_FIELDS}${RULE}MSG: geometry_msgs/Vector3\n${VECTOR}`;
const TWIST_STAMPED_SCHEMA =
  `std_msgs/Header header\ngeometry_msgs/Twist twist\n` +
  `${RULE}MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n` +
  `${RULE}MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n` +
  `${RULE}MSG: geometry_msgs/Twist\n${TWIST_FIELDS}` +
  `${RULE}MSG: geometry_msgs/Vector3\n${VECTOR}`;

export type TwistType = "geometry_msgs/msg/Twist" | "geometry_msgs/msg/TwistStamped";

/** How fast: metres per second ahead and to the left, radians per second to the left. */
export interface Velocity {
  ahead: number;
  left: number;
  turn: number;
}

export const STANDSTILL: Velocity = { ahead: 0, left: 0, turn: 0 };

export function twistSchema(type: TwistType): string {
  return type === "geometry_msgs/msg/Twist" ? TWIST_SCHEMA : TWIST_STAMPED_SCHEMA;
}

/** A command as CDR; `nowMs` is the time of a stamped one. */
export function encodeTwist(type: TwistType, { ahead, left, turn }: Velocity, nowMs: number): Uint8Array {
  const twist = { linear: { x: ahead, y: left, z: 0 }, angular: { x: 0, y: 0, z: turn } };
  if (type === "geometry_msgs/msg/Twist") {
    return encode(ros2msg(TWIST_SCHEMA), twist);
  }
  const sec = Math.floor(nowMs / 1000);
  const stamp = { sec, nanosec: Math.round((nowMs - 1000 * sec) * 1e6) };
  return encode(ros2msg(TWIST_STAMPED_SCHEMA), { header: { stamp, frame_id: "base_link" }, twist });
}

function ros2msg(schema: string): MessageType {
  return messageType({ schemaEncoding: "ros2msg", schema });
}
