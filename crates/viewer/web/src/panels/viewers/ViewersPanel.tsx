/** Who looks at the robot, what at, and who drives. */
import { useRepaint, useWatch } from "../../app/hooks";
import type { PanelProps } from "../panel";
import { Hint } from "../parts";
import { currentViewers, viewersTopic } from "./current";

export default function ViewersPanel({ place: { robot }, visible }: PanelProps) {
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
