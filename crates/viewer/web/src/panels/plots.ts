/** Puts numbers into plots. */
import { openPanel, panels, reveal, updatePanel } from "../app/workspace";
import type { Path } from "../ros/paths";
import { pathName } from "../ros/paths";

/** Lines that one plot holds before the next one is opened. */
const MAX_LINES = 6;

/** Adds a number to the last plot that shows numbers of its topic, else to a new one. */
export function plotNumber(topic: string, path: Path): void {
  const line = { topic, path };
  const name = pathName(path);
  const plots = panels.value.filter((panel) => panel.kind === "plot");
  const showing = plots.find((plot) =>
    plot.series?.some((each) => each.topic === topic && pathName(each.path) === name),
  );
  const target = plots.findLast((plot) => {
    const lines = plot.series ?? [];
    return lines.length < MAX_LINES && lines.some((each) => each.topic === topic);
  });
  if (showing) {
    reveal(showing.id);
  } else if (target) {
    updatePanel(target.id, { series: [...(target.series ?? []), line] });
    reveal(target.id);
  } else {
    openPanel({ kind: "plot", series: [line] });
  }
}
