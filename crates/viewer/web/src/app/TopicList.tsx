/** The robot's topics: what each is, and what comes on those that are watched. */
import { useState } from "preact/hooks";
import type { Channel, Robot } from "../remote/robot";
import { bestView, type View } from "../ros/kinds";
import { ageMs } from "./age";
import { age, hertz, rate, shortType } from "./format";
import { useRepaint } from "./hooks";
import { Icon } from "./icons";
import { refusedToSend } from "./permissions";
import { openPanel, type Place } from "./state";

/** Most rows that are shown; the search narrows them down. */
const MAX_ROWS = 400;

const VIEW_NAMES: Record<View, string> = {
  picture: "as a picture",
  scene: "in 3D",
  map: "on the map",
  tree: "as a tree",
};

export function TopicList({ place }: { place: Place | undefined }) {
  const [filter, setFilter] = useState("");
  const [watchedOnly, setWatchedOnly] = useState(false);
  useRepaint(true, 1);
  if (!place) {
    return null;
  }
  const { robot } = place;
  const refusal = refusedToSend(place);
  const wanted = filter.toLowerCase();
  const topics = [...robot.channels.values()]
    .filter(({ topic, schemaName }) => `${topic} ${schemaName}`.toLowerCase().includes(wanted))
    .filter(({ topic }) => !watchedOnly || robot.isWatched(topic))
    .sort((a, b) => a.topic.localeCompare(b.topic));
  return (
    <>
      <div class="row">
        <input
          type="search"
          placeholder="Find a topic or type"
          aria-label="Find a topic or type"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <label title="Only topics that are shown now">
          <input type="checkbox" checked={watchedOnly} onChange={() => setWatchedOnly(!watchedOnly)} /> shown
        </label>
      </div>
      {refusal !== undefined && <p class="hint">{refusal}</p>}
      <ul class="topics" aria-label={`${topics.length} topics`}>
        {topics.slice(0, MAX_ROWS).map((channel) => (
          <Row key={channel.id} place={place} channel={channel} refusal={refusal} />
        ))}
      </ul>
      {topics.length > MAX_ROWS && (
        <p class="hint">{topics.length - MAX_ROWS} more: search for what you need.</p>
      )}
      {topics.length === 0 && <p class="hint">{robot.online ? "No topics" : "The robot is offline"}</p>}
    </>
  );
}

function Row({ place, channel, refusal }: { place: Place; channel: Channel; refusal: string | undefined }) {
  const { topic, schemaName } = channel;
  const view = bestView(channel);
  const isWatched = place.robot.isWatched(topic);
  const drops = place.robot.statuses.get(`drops-${channel.id}`);
  const open = (kind: View) => openPanel(kind === "scene" || kind === "map" ? { kind } : { kind, topic });
  return (
    <li class={isWatched ? "watched" : ""} data-topic={topic} data-count={channel.count}>
      <button
        type="button"
        class="topic"
        disabled={refusal !== undefined}
        title={refusal ?? `${topic} (${shortType(schemaName)}): show ${VIEW_NAMES[view]}`}
        onClick={() => open(view)}
      >
        <Icon name={view} />
        <span class="names">
          <span class="name">{topic}</span>
          <span class="details">
            <small>{isWatched ? schemaName.split("/").at(-1) : shortType(schemaName)}</small>
            {drops && (
              <small class="drops" title={drops.message}>
                drops
              </small>
            )}
            <small class="numbers">{isWatched ? figures(place.robot, channel) : ""}</small>
          </span>
        </span>
      </button>
      {view !== "tree" && (
        <button
          type="button"
          class="tool"
          disabled={refusal !== undefined}
          aria-label={`Show ${topic} as a tree`}
          title={refusal ?? `Show ${topic} as a tree`}
          onClick={() => open("tree")}
        >
          <Icon name="tree" />
        </button>
      )}
    </li>
  );
}

function figures(robot: Robot, channel: Channel): string {
  const now = performance.now();
  const perSecond = channel.rate.messages(now);
  const parts = perSecond > 0 ? [hertz(perSecond), rate(channel.rate.bytes(now))] : ["–"];
  return [...parts, channel.count > 0 ? age(ageMs(robot, channel, now)) : "nothing yet"].join(" · ");
}
