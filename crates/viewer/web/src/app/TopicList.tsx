/** The robot's topics: what each is, and what comes on those that are watched. */
import { go } from "fuzzysort";
import { useState } from "preact/hooks";
import type { Channel } from "../remote/channel";
import type { Robot } from "../remote/robot";
import { bestView, type View } from "../ros/kinds";
import { ageMs } from "./age";
import { favouritesOf, toggleFavourite } from "./favourites";
import { age, pace, rate, shortType } from "./format";
import { useRepaint } from "./hooks";
import { Icon } from "./icons";
import { refusedToSend } from "./permissions";
import type { Place } from "./state";
import { isNamespace, splitName, type TopicNode, topicTree } from "./topicTree";
import { openPanel } from "./workspace";

/** Most topics that a search finds. */
const MAX_FOUND = 100;
/** Robots with more topics start with closed namespaces. */
const FEW = 60;

const VIEW_NAMES: Record<View, string> = {
  picture: "as a picture",
  scene: "in 3D",
  map: "on the map",
  fix: "on a grid",
  tree: "as a tree",
};

/** What all rows of a list share. */
interface ListProps {
  place: Place;
  refusal: string | undefined;
  favourites: string[];
}

export function TopicList({ place }: { place: Place | undefined }) {
  const [filter, setFilter] = useState("");
  const [watchedOnly, setWatchedOnly] = useState(false);
  const [toggled, setToggled] = useState<Set<string>>(new Set());
  useRepaint(true, 1);
  if (!place) {
    return null;
  }
  const { robot } = place;
  const channels = [...robot.channels.values()].filter(({ topic }) => !watchedOnly || robot.isWatched(topic));
  const common = { place, refusal: refusedToSend(place), favourites: favouritesOf(robot.name) };
  const search = filter.trim();
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
      {common.refusal !== undefined && <p class="hint">{common.refusal}</p>}
      {search === "" ? (
        <Namespaces {...common} channels={channels} toggled={toggled} setToggled={setToggled} />
      ) : (
        <Found {...common} channels={channels} search={search} />
      )}
      {channels.length === 0 && common.refusal === undefined && (
        <p class="hint">{watchedOnly ? "No topic is shown" : "No topics"}</p>
      )}
    </>
  );
}

interface NamespacesProps extends ListProps {
  channels: Channel[];
  /** Namespaces that are not as they were at first. */
  toggled: Set<string>;
  setToggled: (toggled: Set<string>) => void;
}

function Namespaces({ channels, toggled, setToggled, ...common }: NamespacesProps) {
  const { favourites } = common;
  const byTopic = new Map(channels.map((channel) => [channel.topic, channel]));
  const starred = favourites.flatMap((topic) => byTopic.get(topic) ?? []);
  const others = channels.map(({ topic }) => topic).filter((topic) => !favourites.includes(topic));
  const isOpenAtFirst = channels.length <= FEW;
  const toggle = (path: string) => {
    const next = new Set(toggled);
    if (!next.delete(path)) {
      next.add(path);
    }
    setToggled(next);
  };
  const row = (channel: Channel | undefined, label: string) =>
    channel && <Row key={channel.id} {...common} channel={channel} label={label} />;
  const draw = (node: TopicNode) => {
    if (!isNamespace(node)) {
      return row(byTopic.get(node.topic), node.label);
    }
    const isOpen = toggled.has(node.path) !== isOpenAtFirst;
    return (
      <li key={node.path} class="namespace">
        <button type="button" class="branch" aria-expanded={isOpen} onClick={() => toggle(node.path)}>
          <span class="key">{node.label}</span> <small>{node.count}</small>
        </button>
        {isOpen && <ul>{node.children.map(draw)}</ul>}
      </li>
    );
  };
  return (
    <>
      {starred.length > 0 && (
        <ul class="topics favourites" aria-label="Favourites">
          {starred.map((channel) => row(channel, channel.topic))}
        </ul>
      )}
      <ul class="topics" aria-label={`${channels.length} topics`}>
        {topicTree(others).map(draw)}
      </ul>
      <p class="hint count">{channels.length === 1 ? "1 topic" : `${channels.length} topics`}</p>
    </>
  );
}

/** What a search finds, the best first. */
function Found({ channels, search, ...common }: ListProps & { channels: Channel[]; search: string }) {
  const keys = [({ topic }: Channel) => topic, ({ schemaName }: Channel) => shortType(schemaName)];
  const found = go(search, channels, { keys, limit: MAX_FOUND, threshold: 0.3 });
  return (
    <>
      <ul class="topics" aria-label={`${found.length} topics`}>
        {found.map(({ obj }) => (
          <Row key={obj.id} {...common} channel={obj} label={obj.topic} />
        ))}
      </ul>
      {channels.length > 0 && (
        <p class="hint count">
          {found.length === 0 ? "Nothing is called so" : `${found.total} of ${channels.length} topics`}
        </p>
      )}
    </>
  );
}

function Row({
  place,
  channel,
  label,
  refusal,
  favourites,
}: ListProps & { channel: Channel; label: string }) {
  const { topic, schemaName } = channel;
  const view = bestView(channel);
  const isWatched = place.robot.isWatched(topic);
  const isFavourite = favourites.includes(topic);
  const [start, end] = splitName(label);
  const drops = place.robot.statuses.get(`drops-${channel.id}`);
  const open = (kind: View) => openPanel(kind === "scene" || kind === "map" ? { kind } : { kind, topic });
  return (
    <li class={isWatched ? "topic-row watched" : "topic-row"} data-topic={topic} data-count={channel.count}>
      <button
        type="button"
        class="topic"
        disabled={refusal !== undefined}
        title={refusal ?? `${topic} (${shortType(schemaName)}): show ${VIEW_NAMES[view]}`}
        onClick={() => open(view)}
      >
        <Icon name={view === "fix" ? "pin" : view} />
        <span class="names">
          <span class="name">
            <span>{start}</span>
            {end && <span class="end">{end}</span>}
          </span>
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
      <button
        type="button"
        class={`tool star ${isFavourite ? "on" : ""}`}
        aria-label={`${topic} is a favourite`}
        aria-pressed={isFavourite}
        title={isFavourite ? "No favourite any more" : "Favourite: keep it at the top"}
        onClick={() => toggleFavourite(place.robot.name, topic)}
      >
        <Icon name="star" />
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
  const isQuiet = channel.rate.messages(now) === 0;
  const parts = isQuiet ? [pace(channel, now)] : [pace(channel, now), rate(channel.rate.bytes(now))];
  return [...parts, channel.count > 0 ? age(ageMs(robot, channel, now)) : "nothing yet"].join(" · ");
}
