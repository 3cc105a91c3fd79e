/** The newest message of a topic as a tree. */
import { useMemo, useState } from "preact/hooks";
import { ageMs } from "../../app/age";
import { age, number, pace, rate, shortType } from "../../app/format";
import { latestMessage, useRepaint, useWatch } from "../../app/hooks";
import { clockTime, zoneName } from "../../app/time";
import type { Channel } from "../../remote/channel";
import { constantName } from "../../ros/enums";
import { asNumber, type Path, pathName } from "../../ros/paths";
import { type MessageType, messageType } from "../../ros/schema";
import { type FieldMeaning, meaningOf } from "../../ros/units";
import type { PanelProps } from "../panel";
import { Hint, Tool } from "../parts";
import { showOverTime } from "../plots";
import { Waiting } from "../Waiting";

const PER_SECOND = 5;
/** Elements of an array that are shown at first, and how many more each time. */
const PAGE = 50;
const MAX_TEXT = 2000;
/** Levels that are open at first. */
const OPEN_LEVELS = 3;

export default function TreePanel({ place, spec, visible }: PanelProps) {
  const topic = spec.topic ?? "";
  const [isHeld, setHeld] = useState(false);
  useWatch(place.robot, [topic], visible && !isHeld);
  useRepaint(visible && !isHeld, PER_SECOND);
  const channel = place.robot.channel(topic);
  const message = channel && latestMessage(channel);
  const type = useMemo(() => channel && typeOfChannel(channel), [channel]);
  const told: Told = {
    topic,
    constant: (path, value) => type && constantName(type, path, value),
    meaning: (path) => channel && type && meaningOf(channel.schemaName, type, channel.schema, path),
  };
  if (!channel || !message) {
    return (
      <div class="body">
        <Waiting place={place} topic={topic} />
      </div>
    );
  }
  const now = performance.now();
  return (
    <div class="body tree">
      <p class="figures">
        <span>{shortType(channel.schemaName)}</span>
        <span>{pace(channel, now)}</span>
        <span>{rate(channel.rate.bytes(now))}</span>
        <span>{age(ageMs(place.robot, channel, now))}</span>
        <Tool
          icon={isHeld ? "play" : "pause"}
          label={isHeld ? "Resume" : "Pause"}
          run={() => setHeld(!isHeld)}
        />
      </p>
      {message.error !== undefined ? (
        <Hint error>{message.error}</Hint>
      ) : (
        <ul class="fields">
          <Children told={told} value={message.value} path={[]} />
        </ul>
      )}
    </div>
  );
}

/** The type of a channel's messages, where its definition can be read. */
function typeOfChannel(channel: Channel): MessageType | undefined {
  try {
    return messageType(channel);
  } catch {
    return undefined;
  }
}

/** What is known of the topic, and of its fields by the type's definition. */
interface Told {
  topic: string;
  /** What a value is called. */
  constant: (path: Path, value: unknown) => string | undefined;
  meaning: (path: Path) => FieldMeaning | undefined;
}

interface NodeProps {
  told: Told;
  value: unknown;
  path: Path;
}

function Children({ told, value, path }: NodeProps) {
  const [limit, setLimit] = useState(PAGE);
  const entries = entriesOf(value);
  return (
    <>
      {entries.first(limit).map(([step, each]) => (
        <Node key={step} told={told} value={each} path={[...path, step]} />
      ))}
      {entries.size > limit && (
        <li>
          <button type="button" class="more" onClick={() => setLimit(limit + PAGE)}>
            {entries.size - limit} more …
          </button>
        </li>
      )}
    </>
  );
}

function Node({ told, value, path }: NodeProps) {
  const step = path.at(-1) ?? "";
  const [isOpen, setOpen] = useState(path.length <= OPEN_LEVELS && !isLong(value));
  const isLeaf = typeof value !== "object" || value === null || isTime(value);
  const meaning = told.meaning(path);
  // Each element of a list would say the same as the list.
  const type = typeof step === "string" && meaning !== undefined && (
    <small class="type">{meaning.type}</small>
  );
  if (isLeaf) {
    const called = told.constant(path, value);
    return (
      <li class="leaf" data-path={pathName(path)} title={meaning?.comment}>
        <span class="key">{step}</span>
        <Leaf topic={told.topic} value={value} path={path} />
        {called !== undefined && <small class="constant">{called}</small>}
        {meaning?.unit !== undefined && <small class="unit">{meaning.unit}</small>}
        {type}
      </li>
    );
  }
  const { size } = entriesOf(value);
  return (
    <li>
      <button type="button" class="branch" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span class="key">{step}</span>
        <span class="size">{isList(value) ? `[${size}]` : size === 0 ? "empty" : ""}</span>
        {type}
      </button>
      {isOpen && (
        <ul class="fields">
          <Children told={told} value={value} path={path} />
        </ul>
      )}
    </li>
  );
}

function Leaf({ topic, value, path }: { topic: string; value: unknown; path: Path }) {
  const text = leafText(value);
  const kind = typeof value === "string" || typeof value === "boolean" ? "states" : "plot";
  if (kind === "plot" && asNumber(value) === undefined) {
    return <span class={`value ${typeof value}`}>{text}</span>;
  }
  const what = kind === "plot" ? "plot it" : "show it over time";
  return (
    <button
      type="button"
      class={`value ${typeof value}`}
      title={kind === "plot" ? `Plot ${pathName(path)}` : `Show ${pathName(path)} over time`}
      aria-label={`${pathName(path)} is ${text}: ${what}`}
      onClick={() => showOverTime(kind, topic, path)}
    >
      {text}
    </button>
  );
}

function leafText(value: unknown): string {
  if (typeof value === "number") {
    return number(value);
  }
  if (typeof value === "string") {
    return value.length > MAX_TEXT
      ? `${value.slice(0, MAX_TEXT)} … (${value.length} characters)`
      : value || "“”";
  }
  if (isTime(value)) {
    const { sec, nanosec } = value;
    const isStamp = sec > 1e8;
    const seconds = (sec + nanosec / 1e9).toFixed(3);
    return isStamp
      ? `${clockTime(sec * 1000 + nanosec / 1e6, true)} ${zoneName()} (${seconds})`
      : `${seconds} s`;
  }
  return String(value);
}

function isTime(value: unknown): value is { sec: number; nanosec: number } {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const { sec, nanosec } = value as { sec?: unknown; nanosec?: unknown };
  return typeof sec === "number" && typeof nanosec === "number" && Object.keys(value).length === 2;
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

function isLong(value: unknown): boolean {
  return isList(value) && value.length > 16;
}

/** The parts of a value, without making all of them where only a few are shown. */
function entriesOf(value: unknown): { size: number; first: (count: number) => [string | number, unknown][] } {
  if (isList(value)) {
    const first = (count: number) =>
      Array.from({ length: Math.min(count, value.length) }, (_, index): [number, unknown] => [
        index,
        value[index],
      ]);
    return { size: value.length, first };
  }
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return { size: entries.length, first: (count) => entries.slice(0, count) };
}
