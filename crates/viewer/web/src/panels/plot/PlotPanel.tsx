/** Numbers over time. */

import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { number } from "../../app/format";
import { decodeMessage, useFrame } from "../../app/hooks";
import { Icon } from "../../app/icons";
import type { Series } from "../../app/layout";
import { saveFile } from "../../app/share";
import { clockTime, zoneName } from "../../app/time";
import { updatePanel, useSetting } from "../../app/workspace";
import { numberAt, pathName } from "../../ros/paths";
import type { PanelProps } from "../panel";
import { Hint, Tool } from "../parts";
import { type Arrived, lineName, useArrivals, WindowSelect } from "../series";
import { Waiting } from "../Waiting";
import { TimeSeries } from "./series";

const COLOURS = ["#4f9cf9", "#f5a524", "#3ecf8e", "#e5679b", "#a78bfa", "#94a3b8"];
const WINDOWS_S = [10, 30, 120, 600];
/** Redraws per second: more is not seen. */
const PER_SECOND = 20;

export default function PlotPanel({ place, spec, visible }: PanelProps) {
  const lines = spec.series ?? [];
  const [isHeld, setHeld] = useState(false);
  const [windowS, setWindow] = useSetting(spec, "window_s", 30);
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const arrivals = useArrivals(place.robot, lines, visible);
  const series = useRef(new Map<string, TimeSeries>());
  const [values, setValues] = useState<(number | undefined)[]>([]);
  // What is under the cursor, and when that was.
  const [pointed, setPointed] = useState<{ timeS: number; values: (number | undefined)[] }>();
  const key = lines.map(lineName).join("\n");

  useEffect(() => {
    const target = host.current;
    if (!target || key === "") {
      return undefined;
    }
    let isOver = false;
    const observer = new ResizeObserver(() => resize(plot.current, target));
    void import("../../lazy/uplot").then(({ default: UPlot }) => {
      if (!isOver) {
        plot.current = new UPlot(
          {
            ...options(key.split("\n"), target),
            hooks: {
              setCursor: [(chart) => setPointed(underCursor(chart))],
              // What is looked at closely stands still.
              setSelect: [(chart) => chart.select.width > 0 && setHeld(true)],
            },
          },
          [[], ...key.split("\n").map(() => [])],
          target,
        );
        observer.observe(target);
      }
    });
    return () => {
      isOver = true;
      observer.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [key]);

  useFrame(visible, PER_SECOND, () => {
    const newest = take(arrivals(), lines, series.current);
    if (isHeld || !plot.current || newest === undefined) {
      return false;
    }
    const all = lines.map((line) => series.current.get(lineName(line)) ?? new TimeSeries());
    plot.current.setData(TimeSeries.joined(all, newest - windowS), false);
    plot.current.setScale("x", { min: newest - windowS, max: newest });
    setValues(all.map((each) => each.last));
    return true;
  });

  if (lines.length === 0) {
    return (
      <div class="body">
        <Hint>Open a topic as a tree and choose a number there.</Hint>
      </div>
    );
  }
  const shown = pointed?.values ?? values;
  const saveCsv = () => {
    const all = lines.map((line) => series.current.get(lineName(line)) ?? new TimeSeries());
    const table = TimeSeries.table(all, lines.map(lineName));
    saveFile(new Blob([table], { type: "text/csv" }), `${lines[0]?.topic.slice(1) ?? "plot"}.csv`);
  };
  const remove = (line: Series) => updatePanel(spec.id, { series: lines.filter((each) => each !== line) });
  return (
    <div class="body plot">
      <ul class="legend">
        {lines.map((line, index) => (
          <li key={lineName(line)}>
            <span class="swatch" style={{ background: COLOURS[index % COLOURS.length] }} />
            <span class="name" title={lineName(line)}>
              {pathName(line.path)} <small>{line.topic}</small>
            </span>
            <span class={`now ${pointed ? "pointed" : ""}`}>
              {shown[index] === undefined ? "–" : number(shown[index])}
            </span>
            <button
              type="button"
              class="tool"
              aria-label={`Remove ${lineName(line)}`}
              onClick={() => remove(line)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      <div class="chart" ref={host} role="img" aria-label={`Plot of ${lines.map(lineName).join(", ")}`} />
      <p class="figures">
        <Tool
          icon={isHeld ? "play" : "pause"}
          label={isHeld ? "Resume" : "Pause"}
          run={() => setHeld(!isHeld)}
        />
        <WindowSelect choices={WINDOWS_S} seconds={windowS} change={setWindow} />
        <Tool icon="down" label="Save the values as CSV" run={saveCsv} />
        {pointed && (
          <span>
            {clockTime(1000 * pointed.timeS)} {zoneName()}
          </span>
        )}
        {isHeld && <span>Draw with the mouse to zoom; a double click shows all</span>}
        {values.length === 0 && <Waiting place={place} topic={lines[0]?.topic} />}
      </p>
    </div>
  );
}

/** Appends what arrived to the lines; returns the newest time. */
function take(arrived: Arrived[], lines: Series[], series: Map<string, TimeSeries>): number | undefined {
  let newest: number | undefined;
  for (const { channel, data, timeS } of arrived) {
    const message = decodeMessage(channel, data);
    for (const line of lines.filter((each) => each.topic === channel.topic)) {
      const value = numberAt(message.value, line.path);
      if (value !== undefined) {
        const name = lineName(line);
        const points = series.get(name) ?? new TimeSeries();
        series.set(name, points);
        points.add(timeS, value);
        newest = Math.max(newest ?? timeS, timeS);
      }
    }
  }
  return newest;
}

function options(names: string[], target: HTMLElement): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const axis = {
    stroke: style.getPropertyValue("--text-2").trim(),
    grid: { stroke: style.getPropertyValue("--line").trim(), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  return {
    width: target.clientWidth,
    height: target.clientHeight,
    legend: { show: false },
    cursor: { drag: { x: true, y: false }, points: { size: 6 } },
    scales: { x: { time: true } },
    axes: [
      { ...axis, space: 80, values: (_, ticks) => ticks.map((tick) => clockTime(1000 * tick)) },
      { ...axis, size: 52, values: (_, ticks) => ticks.map((tick) => number(tick)) },
    ],
    series: [
      {},
      ...names.map((label, index) => ({
        label,
        stroke: COLOURS[index % COLOURS.length] ?? "",
        width: 1.5,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}

/** The values under the cursor, if it is on the plot. */
function underCursor(chart: uPlot): { timeS: number; values: (number | undefined)[] } | undefined {
  const { idx } = chart.cursor;
  const timeS = idx === null || idx === undefined ? undefined : chart.data[0][idx];
  if (timeS === undefined || idx === null || idx === undefined) {
    return undefined;
  }
  return { timeS, values: chart.data.slice(1).map((line) => lastKnown(line, idx)) };
}

/** A line has no value at the times of the others. */
function lastKnown(line: ArrayLike<number | null | undefined>, index: number): number | undefined {
  for (let at = index; at >= 0; at -= 1) {
    const value = line[at];
    if (value !== null && value !== undefined) {
      return value;
    }
  }
  return undefined;
}

function resize(plot: uPlot | undefined, target: HTMLElement): void {
  if (target.clientWidth > 0 && target.clientHeight > 0) {
    plot?.setSize({ width: target.clientWidth, height: target.clientHeight });
  }
}
