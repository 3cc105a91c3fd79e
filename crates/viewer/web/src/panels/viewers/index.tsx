/** Who looks at the robot, what at, and who drives. */
import { latestMessage, useRepaint, useWatch } from "../../app/hooks";
import { PATHS } from "../../app/icons";
import type { Robot } from "../../remote/robot";
import { parseViewers, type Viewer } from "../../remote/viewers";
import { topicsOf } from "../../ros/kinds";
import type { PanelProps, PanelType } from "../panel";
import { Hint } from "../parts";

export const viewers: PanelType = {
  title: "Viewers",
  icon: PATHS.viewers,
  isAddable: true,
  Body: ViewersPanel,
};

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

function ViewersPanel({ place: { robot }, visible }: PanelProps) {
  const topic = viewersTopic(robot);
  useWatch(robot, topic === undefined ? [] : [topic], visible);
  useRepaint(visible, 2);
  if (topic === undefined) {
    return (
      <div class="body">
        <Hint>The robot lists no viewers (parameter `diagnostics`).</Hint>
      </div>
    );
  }
  const all = currentViewers(robot) ?? [];
  return (
    <div class="body viewers">
      <ul>
        {all.map(({ name, watches, drives }) => (
          <li key={name} class={drives.length > 0 ? "drives-now" : ""}>
            <b>{name}</b> {drives.length > 0 && <span class="role">drives {drives.join(", ")}</span>}
            <details>
              <summary>
                {watches.length === 1 ? "watches 1 topic" : `watches ${watches.length} topics`}
              </summary>
              <ul>
                {watches.map((each) => (
                  <li key={each}>{each}</li>
                ))}
              </ul>
            </details>
          </li>
        ))}
      </ul>
      {all.length === 0 && <Hint>Nobody is there.</Hint>}
    </div>
  );
}
