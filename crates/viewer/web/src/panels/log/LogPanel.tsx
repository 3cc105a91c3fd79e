/** What the bridge says: drops, refusals, problems of the robot's topics. */

import { clockTime, zoneName } from "../../app/time";
import type { PanelProps } from "../panel";
import { Hint } from "../parts";

const LEVELS = ["info", "warning", "error"] as const;

export default function LogPanel({ place }: PanelProps) {
  const { notices, statuses } = place.robot;
  const [now, zone] = [performance.now(), zoneName()];
  if (notices.length === 0) {
    return (
      <div class="body">
        <Hint>Nothing so far. Dropped messages, refusals and problems of topics show up here.</Hint>
      </div>
    );
  }
  return (
    <div class="body log">
      <ul aria-live="polite">
        {notices.toReversed().map((notice) => (
          <li key={`${notice.atMs} ${notice.message}`} class={LEVELS[notice.level]}>
            <b>{LEVELS[notice.level]}</b> {notice.message}
            <small>
              {clockTime(Date.now() - now + notice.atMs)} {zone}
              {notice.id !== undefined && !statuses.has(notice.id) && " · over"}
            </small>
          </li>
        ))}
      </ul>
    </div>
  );
}
