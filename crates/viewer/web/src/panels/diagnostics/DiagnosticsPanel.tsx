/** What reports on /diagnostics, the worst first. */
import { useRef, useState } from "preact/hooks";
import { duration } from "../../app/format";
import { decodeMessage, useRepaint, useWatch } from "../../app/hooks";
import { topicsOf } from "../../ros/kinds";
import type { PanelProps } from "../panel";
import { Waiting } from "../Waiting";
import { type DiagnosticStatus, LEVEL_NAMES, Statuses } from "./statuses";

const PER_SECOND = 2;

export default function DiagnosticsPanel({ place, spec, visible }: PanelProps) {
  const all = place.robot.channels.values();
  const topic =
    spec.topic ?? topicsOf(all, "diagnostic_msgs/DiagnosticArray").sort(byLength)[0] ?? "/diagnostics";
  const statuses = useRef(new Statuses()).current;
  const [text, setText] = useState("");
  useWatch(place.robot, [topic], visible, (channel, data) => {
    const { value } = decodeMessage(channel, data);
    const { status = [] } = (value ?? {}) as { status?: DiagnosticStatus[] };
    for (const each of status) {
      statuses.add(each, performance.now());
    }
  });
  useRepaint(visible, PER_SECOND);
  const now = performance.now();
  const counts = statuses.counts(now);
  const found = statuses.find(text, now);
  return (
    <div class="body diagnostics">
      <div class="row">
        <input
          type="search"
          placeholder="Find a status"
          aria-label="Find a status"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <span class="counts">
          {LEVEL_NAMES.map((name, level) => (
            <b key={name} class={`level-${name}`}>
              {counts[level]} {name}
            </b>
          ))}
        </span>
      </div>
      {found.length === 0 && text === "" && <Waiting place={place} topic={topic} />}
      <ul>
        {found.map((report) => {
          const level = LEVEL_NAMES[report.level] ?? String(report.level);
          return (
            <li key={report.name} class={`level-${level}`}>
              <details>
                <summary>
                  <b>{level}</b> {report.name}: {report.message}
                </summary>
                <dl>
                  {report.values.map(({ key, value }) => (
                    <div key={key}>
                      <dt>{key}</dt>
                      <dd>{value}</dd>
                    </div>
                  ))}
                  <div>
                    <dt>reported</dt>
                    <dd>{duration(now - report.atMs)} ago</dd>
                  </div>
                </dl>
              </details>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** /diagnostics before /robot/diagnostics_agg. */
function byLength(a: string, b: string): number {
  return a.length - b.length;
}
