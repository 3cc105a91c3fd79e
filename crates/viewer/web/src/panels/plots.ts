/** Puts values into plots and strips of states. */
import { openPanel, panels, reveal, updatePanel } from "../app/workspace";
import type { Path } from "../ros/paths";
import { pathName } from "../ros/paths";

/** Lines that one panel holds before the next one is opened. */
const MAX_LINES = 6;

/** Adds a value to the last panel of a kind that shows values of its topic, else to a new one. */
export function showOverTime(kind: "plot" | "states", topic: string, path: Path): void {
  const line = { topic, path };
  const name = pathName(path);
  const plots = panels.value.filter((panel) => panel.kind === kind);
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
    openPanel({ kind, series: [line] });
  }
}
