/** Which topics a 3D view or a map shows before anything was chosen. */
import type { ChannelInfo } from "../remote/messages";
import { isCostmap } from "../ros/grid";
import { topicsOf } from "../ros/kinds";

/** Types that a view can show, and of how many topics of each it does so unasked. */
export type LayerTypes = Record<string, number>;

/** The first topics of each type; what is shown encoded does not come raw as well. */
export function unaskedLayers(channels: Iterable<ChannelInfo>, types: LayerTypes): string[] {
  const all = [...channels];
  const topics = Object.entries(types).flatMap(([type, count]) =>
    topicsOf(all, type)
      .sort((a, b) => Number(isCostmap(a)) - Number(isCostmap(b)))
      .slice(0, count),
  );
  const shown = all.filter(({ topic }) => topics.includes(topic));
  const sources = shown.map(({ sourceTopic }) => sourceTopic);
  return topics.filter((topic) => !sources.includes(topic));
}
