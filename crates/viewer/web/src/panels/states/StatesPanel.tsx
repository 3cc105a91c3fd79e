/** Values that are one of a few, over time: when each became another. */
import { useRef, useState } from "preact/hooks";
import { decodeMessage, useFrame } from "../../app/hooks";
import { Icon } from "../../app/icons";
import type { Series } from "../../app/layout";
import { updatePanel, useSetting } from "../../app/workspace";
import { pathName, valueAt } from "../../ros/paths";
import type { PanelProps } from "../panel";
import { Hint } from "../parts";
import { lineName, useArrivals, WindowSelect } from "../series";
import { History, hueOf } from "./history";

const WINDOWS_S = [30, 120, 600];
const PER_SECOND = 5;

export default function StatesPanel({ place, spec, visible }: PanelProps) {
  const lines = spec.series ?? [];
  const [windowS, setWindow] = useSetting(spec, "window_s", 120);
  const arrivals = useArrivals(place.robot, lines, visible);
  const histories = useRef(new Map<string, History>());
  const canvases = useRef(new Map<string, HTMLCanvasElement>());
  const [values, setValues] = useState<(string | undefined)[]>([]);
  useFrame(visible, PER_SECOND, () => {
    for (const { channel, data, timeS } of arrivals()) {
      const { value } = decodeMessage(channel, data);
      for (const line of lines.filter(({ topic }) => topic === channel.topic)) {
        const state = valueAt(value, line.path);
        if (state !== undefined) {
          historyOf(histories.current, line).add(timeS, String(state));
        }
      }
    }
    const nowMs = place.robot.clockMs(performance.now()) ?? Date.now();
    for (const line of lines) {
      const canvas = canvases.current.get(lineName(line));
      if (canvas) {
        draw(canvas, historyOf(histories.current, line), nowMs / 1000 - windowS, nowMs / 1000);
      }
    }
    setValues(lines.map((line) => historyOf(histories.current, line).changes.at(-1)?.value));
    return true;
  });
  if (lines.length === 0) {
    return (
      <div class="body">
        <Hint>Open a topic as a tree and choose a text or a truth value there.</Hint>
      </div>
    );
  }
  const remove = (line: Series) => updatePanel(spec.id, { series: lines.filter((each) => each !== line) });
  return (
    <div class="body states">
      <ul>
        {lines.map((line, index) => {
          const name = lineName(line);
          return (
            <li key={name}>
              <span class="name" title={name}>
                {pathName(line.path)} <small>{line.topic}</small>
              </span>
              <span class="now">{values[index] ?? "–"}</span>
              <button type="button" class="tool" aria-label={`Remove ${name}`} onClick={() => remove(line)}>
                <Icon name="close" />
              </button>
              <canvas
                role="img"
                aria-label={`${name} over time, now ${values[index] ?? "unknown"}`}
                ref={(canvas) => {
                  if (canvas) {
                    canvases.current.set(name, canvas);
                  } else {
                    canvases.current.delete(name);
                  }
                }}
              />
            </li>
          );
        })}
      </ul>
      <p class="figures">
        <WindowSelect choices={WINDOWS_S} seconds={windowS} change={setWindow} />
      </p>
    </div>
  );
}

function historyOf(histories: Map<string, History>, line: Series): History {
  const known = histories.get(lineName(line)) ?? new History();
  histories.set(lineName(line), known);
  return known;
}

/** A strip from left to right, with the value's text where there is room for it. */
function draw(canvas: HTMLCanvasElement, history: History, beginS: number, endS: number): void {
  const context = canvas.getContext("2d");
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!context || width === 0) {
    return;
  }
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  const x = (timeS: number) => ((timeS - beginS) / (endS - beginS)) * width;
  for (const { beginS: begin, endS: end, value } of history.between(beginS, endS)) {
    const [left, right] = [x(begin), x(end)];
    context.fillStyle = `hsl(${hueOf(value)} 55% 38%)`;
    context.fillRect(left, 0, Math.max(1, right - left), height);
    if (context.measureText(value).width + 8 < right - left) {
      context.fillStyle = "#ffffff";
      context.fillText(value, left + 4, height / 2);
    }
  }
}
