/** What a message's definition says of a field: its type, its comment, and in which unit it is. */
import type { Path } from "./paths";
import { type Field, fieldsAlong, type MessageType } from "./schema";

export interface FieldMeaning {
  /** As definitions have it, such as `float64[3]`. */
  type: string;
  unit: string | undefined;
  comment: string | undefined;
}

/** Of fields and all that is in them, by REP 103. What says nothing of its unit itself has that of what it is in. */
const UNITS: Record<string, string> = {
  "geometry_msgs/Pose.position": "m",
  "geometry_msgs/PointStamped.point": "m",
  "geometry_msgs/Transform.translation": "m",
  "geometry_msgs/Twist.linear": "m/s",
  "geometry_msgs/Twist.angular": "rad/s",
  "geometry_msgs/Accel.linear": "m/s²",
  "geometry_msgs/Accel.angular": "rad/s²",
  "geometry_msgs/Wrench.force": "N",
  "geometry_msgs/Wrench.torque": "N·m",
  "geometry_msgs/Pose2D.x": "m",
  "geometry_msgs/Pose2D.y": "m",
  "geometry_msgs/Pose2D.theta": "rad",
  "sensor_msgs/Imu.angular_velocity": "rad/s",
  "sensor_msgs/Imu.linear_acceleration": "m/s²",
  "sensor_msgs/MagneticField.magnetic_field": "T",
  "sensor_msgs/NavSatFix.latitude": "°",
  "sensor_msgs/NavSatFix.longitude": "°",
  "sensor_msgs/NavSatFix.altitude": "m",
};
/** How comments call units. */
const WORDS: Record<string, string> = {
  meters: "m",
  metres: "m",
  seconds: "s",
  radians: "rad",
  degrees: "°",
  "degrees celsius": "°C",
  volts: "V",
  amperes: "A",
  ah: "Ah",
  pascals: "Pa",
  lux: "lx",
  newtons: "N",
};
const IN_BRACKETS = /\[([a-zµ°%]+(?:\/[a-z]+)?(?:\^?[23²³])?)\]/i;
const IN_PARENTHESES = /\((m|s|rad|A|V|W|N|Hz|Pa|K)\)/;
const IN_WORDS = new RegExp(
  `\\bin (${Object.keys(WORDS)
    .sort((a, b) => b.length - a.length)
    .join("|")})\\b`,
  "i",
);

/** The meaning of what is at a path of a message of this type, whose schema is given, too. */
export function meaningOf(
  name: string,
  type: MessageType,
  schema: string,
  path: Path,
): FieldMeaning | undefined {
  const along = fieldsAlong(type, path);
  const last = along?.at(-1);
  if (!along || !last) {
    return undefined;
  }
  let unit: string | undefined;
  for (const { owner, field } of along) {
    const comment = commentsIn(schema).get(`${owner}.${field.name}`);
    const said = UNITS[`${(owner || name).replace("/msg/", "/")}.${field.name}`];
    unit = said ?? unitIn(comment) ?? unit;
  }
  const { owner, field } = last;
  return {
    type: typeName(field),
    unit: isQuantity(field) ? unit : undefined,
    comment: commentsIn(schema).get(`${owner}.${field.name}`),
  };
}

function unitIn(comment = ""): string | undefined {
  const given = [IN_BRACKETS, IN_PARENTHESES, IN_WORDS].map((form) => form.exec(comment)?.[1]).find(Boolean);
  return given && (WORDS[given.toLowerCase()] ?? given);
}

/** Numbers that are measured; those of bytes, truth values and texts are not. */
function isQuantity({ type, isComplex }: Field): boolean {
  return isComplex !== true && /^(float|u?int)(16|32|64)$/.test(type);
}

function typeName({ type, isComplex, isArray, arrayLength }: Field): string {
  const short = isComplex ? type.replace("/msg/", "/") : type;
  return isArray ? `${short}[${arrayLength ?? ""}]` : short;
}

const MAX_CACHED = 200;
const known = new Map<string, Map<string, string>>();

/** The comments behind fields, by type and field; none in definitions that are not msg files. */
function commentsIn(schema: string): Map<string, string> {
  const before = known.get(schema);
  if (before) {
    return before;
  }
  const found = new Map<string, string>();
  let owner = "";
  for (const line of schema.split("\n")) {
    owner = /^MSG: (\S+)/.exec(line)?.[1] ?? owner;
    const [, field, comment] = /^\s*[\w/<>=[\]]+\s+([a-z]\w*)\b[^#]*#\s*(.*\S)/.exec(line) ?? [];
    if (field !== undefined && comment !== undefined) {
      found.set(`${owner}.${field}`, comment);
    }
  }
  if (known.size >= MAX_CACHED) {
    known.clear();
  }
  known.set(schema, found);
  return found;
}
