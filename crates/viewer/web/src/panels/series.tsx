/** Values of topics over time, as the plot and the states draw them. */
import { useRef } from "preact/hooks";
import { useWatch } from "../app/hooks";
import type { Series } from "../app/layout";
import type { Channel } from "../remote/channel";
import type { Robot } from "../remote/robot";
import { pathName } from "../ros/paths";

/** Messages that may wait for the next drawing; the oldest go first. */
const MAX_WAITING = 500;

export interface Arrived {
  channel: Channel;
  data: Uint8Array;
  timeS: number;
}

/** Subscribes to the topics of the lines while `active`. The function returned takes what arrived since its last call. */
export function useArrivals(robot: Robot, lines: Series[], active: boolean): () => Arrived[] {
  const waiting = useRef<Arrived[]>([]);
  const topics = [...new Set(lines.map(({ topic }) => topic))];
  useWatch(robot, topics, active, (channel, data, logTimeMs) => {
    waiting.current.push({ channel, data, timeS: logTimeMs / 1000 });
    if (waiting.current.length > MAX_WAITING) {
      waiting.current.shift();
    }
  });
  return () => waiting.current.splice(0);
}

export function lineName({ topic, path }: Series): string {
  return `${topic}.${pathName(path)}`;
}

interface WindowProps {
  choices: number[];
  seconds: number;
  change: (seconds: number) => void;
}

/** Chooses how much time is drawn. */
export function WindowSelect({ choices, seconds, change }: WindowProps) {
  return (
    <label>
      last{" "}
      <select value={seconds} onChange={(event) => change(Number(event.currentTarget.value))}>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice < 60 ? `${choice} s` : `${choice / 60} min`}
          </option>
        ))}
      </select>
    </label>
  );
}
