/** The viewers that the robot's bridge lists now. */
import { latestMessage } from "../../app/hooks";
import type { Robot } from "../../remote/robot";
import { parseViewers, type Viewer } from "../../remote/viewers";
import { topicsOf } from "../../ros/kinds";

/** The topic on which the bridge lists them, if it does. */
export function viewersTopic(robot: Robot): string | undefined {
  return topicsOf(robot.channels.values(), "std_msgs/String").find((topic) => topic.endsWith("/viewers"));
}

/** The viewers as of the newest message; undefined while there is none. */
export function currentViewers(robot: Robot): Viewer[] | undefined {
  const topic = viewersTopic(robot);
  const channel = topic === undefined ? undefined : robot.channel(topic);
  const message = channel && latestMessage(channel);
  const { data } = (message?.value ?? {}) as { data?: string };
  return data === undefined ? undefined : parseViewers(data);
}
