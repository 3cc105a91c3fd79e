/** Why driving is locked: nobody may drive by what happened a while ago. */
import { ageMs } from "../app/age";
import { duration } from "../app/format";
import type { Robot } from "../remote/robot";
import { otherSizes } from "../ros/cameras";
import { bestView, typeOf } from "../ros/kinds";

/**
 * The reason why what the user sees is too old to drive by, if it is: the robot does not answer, or a
 * picture or odometry that is shown is older than `maxAgeMs`.
 */
export function staleReason(robot: Robot, maxAgeMs: number, nowMs: number): string | undefined {
  const silentMs = nowMs - robot.answeredMs;
  if (silentMs > maxAgeMs) {
    return `Locked: the robot has not answered for ${seconds(silentMs)}`;
  }
  for (const channel of robot.channels.values()) {
    const isPicture = bestView(channel) === "picture";
    if (!(isPicture || typeOf(channel) === "nav_msgs/Odometry") || !robot.isWatched(channel.topic)) {
      continue;
    }
    // A panel that changes to a video of another size shows the last picture of the one before, until there is a new one.
    const before = otherSizes(channel, robot.channels.values()).filter(
      ({ topic }) => !robot.isWatched(topic),
    );
    const ages = [channel, ...before].map((each) => ageMs(robot, each, nowMs));
    const known = ages.filter((each) => each !== undefined);
    const age = known.length > 0 ? Math.min(...known) : undefined;
    if (age !== undefined && age > maxAgeMs) {
      const what = isPicture ? "the picture" : "the odometry";
      return `Locked: ${what} of ${channel.topic} is ${seconds(age)} old`;
    }
  }
  return undefined;
}

/** In steps that can be read. */
function seconds(ms: number): string {
  return duration(Math.max(100, Math.floor(ms / 100) * 100));
}
