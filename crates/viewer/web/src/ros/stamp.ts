/** When a message was made, by the robot's clock. */
import type { ChannelInfo } from "../remote/messages";

/** A stamp that is further from the time of publishing, in milliseconds, is of another clock. */
const MOST_BEFORE_MS = 60_000;
const MOST_AFTER_MS = 1000;

const withHeader = new WeakMap<object, boolean>();

/** Whether a type begins with a std_msgs/Header, or with a time as those of Foxglove do. */
function hasHeader(channel: Pick<ChannelInfo, "schemaEncoding" | "schema">): boolean {
  let known = withHeader.get(channel);
  if (known === undefined) {
    const lines = channel.schema.split("\n").map((line) => line.replace(/#.*/, "").trim());
    const first = lines.find((line) => line !== "" && !line.includes("="));
    known =
      channel.schemaEncoding === "ros2msg" &&
      /^((std_msgs\/(msg\/)?)?Header|(builtin_interfaces\/(msg\/)?)?[Tt]ime)\s/.test(first ?? "");
    withHeader.set(channel, known);
  }
  return known;
}

/**
 * Milliseconds since 1970 of a message's stamp; where it has none that makes sense, those of
 * `publishedMs`.
 */
export function madeMs(
  channel: Pick<ChannelInfo, "encoding" | "schemaEncoding" | "schema">,
  data: Uint8Array,
  publishedMs: number,
): number {
  if (channel.encoding !== "cdr" || data.length < 12 || !hasHeader(channel)) {
    return publishedMs;
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const littleEndian = (view.getUint8(1) & 1) === 1;
  const stampMs = 1000 * view.getInt32(4, littleEndian) + view.getUint32(8, littleEndian) / 1e6;
  const before = publishedMs - stampMs;
  return before < MOST_BEFORE_MS && before > -MOST_AFTER_MS ? stampMs : publishedMs;
}
