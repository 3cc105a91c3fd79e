/** How old what the user sees is. */
import type { Channel } from "../remote/channel";
import type { Robot } from "../remote/robot";
import { madeMs } from "../ros/stamp";

/**
 * Milliseconds since the newest message of a channel was made. As long as the robot's clock is not
 * known, those since it arrived. Undefined if there is none.
 */
export function ageMs(robot: Robot, channel: Channel, nowMs = performance.now()): number | undefined {
  if (!channel.latest) {
    return undefined;
  }
  const robotMs = robot.clockMs(nowMs);
  const age =
    robotMs === undefined
      ? nowMs - channel.arrivedMs
      : robotMs - madeMs(channel, channel.latest, channel.logTimeMs);
  return Math.max(0, age);
}
