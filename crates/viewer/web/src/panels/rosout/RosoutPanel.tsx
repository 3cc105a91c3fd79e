/** What the robot's nodes log on /rosout, by level and text. */
import { useRef, useState } from "preact/hooks";
import { decodeMessage, useRepaint, useWatch } from "../../app/hooks";
import { clockTime, zoneName } from "../../app/time";
import { useSetting } from "../../app/workspace";
import type { PanelProps } from "../panel";
import { Hint, Tool } from "../parts";
import { Waiting } from "../Waiting";
import { LEVELS, Lines, type LogMessage, levelName } from "./lines";

const PER_SECOND = 4;
/** Lines that are shown; the search narrows them down. */
const MAX_SHOWN = 300;

export default function RosoutPanel({ place, spec, visible }: PanelProps) {
  const topic = spec.topic ?? "/rosout";
  const lines = useRef(new Lines()).current;
  const [level, setLevel] = useSetting(spec, "level", 20);
  const [text, setText] = useState("");
  const [isPaused, setPaused] = useState(false);
  useWatch(place.robot, [topic], visible && !isPaused, (channel, data) => {
    const { value } = decodeMessage(channel, data);
    if (value !== undefined) {
      lines.add(value as LogMessage);
    }
  });
  useRepaint(visible && !isPaused, PER_SECOND);
  const found = lines.find(level, text, MAX_SHOWN);
  return (
    <div class="body rosout">
      <div class="row">
        <select
          aria-label="Least level"
          value={level}
          onChange={(event) => setLevel(Number(event.currentTarget.value))}
        >
          {LEVELS.map((each) => (
            <option key={each.level} value={each.level}>
              {each.name}
            </option>
          ))}
        </select>
        <input
          type="search"
          placeholder="Find a node or text"
          aria-label="Find a node or text"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <Tool
          icon={isPaused ? "play" : "pause"}
          label={isPaused ? "Resume" : "Pause"}
          run={() => setPaused(!isPaused)}
        />
        <Tool
          icon="reset"
          label="Clear the log"
          run={() => {
            lines.clear();
            setText("");
          }}
        />
      </div>
      {lines.count === 0 ? (
        <Waiting place={place} topic={topic} />
      ) : (
        found.length === 0 && <Hint>No line of this level and text among the last ones.</Hint>
      )}
      <ol>
        {found.map((line) => (
          <li key={line.id} class={`level-${levelName(line.level)}`}>
            <small title={zoneName()}>{timeOf(line)}</small> <b>{levelName(line.level)}</b>{" "}
            <span title={`${line.file}:${line.line} ${line.function}`}>{line.name}</span>
            <p>{line.msg}</p>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** The robot's time of a line. */
function timeOf({ stamp }: LogMessage): string {
  return clockTime(1000 * stamp.sec + stamp.nanosec / 1e6, true);
}
