/**
 * One robot as the page sees it. No network and no clock of its own: what arrives comes in by
 * {@link Robot.receive}, time by {@link Robot.tick}, what goes out leaves through {@link RobotLink}.
 */
import type { Channel } from "./channel";
import { RobotClock } from "./clock";
import {
  type ChannelInfo,
  clientData,
  isObject,
  json,
  type Parameter,
  type ParameterValue,
  ping,
  pingAck,
  type RobotMessage,
  type ServerInfo,
  type ServiceInfo,
  type StatusLevel,
  serviceCall,
  timedData,
  type WheelInfo,
} from "./messages";
import { channelInfo, isParameter, isService, list, text, wheelInfo } from "./parse";
import { Pending } from "./pending";
import { Rate } from "./rate";
import { type MessageSink, Watches } from "./watches";

const MAX_NOTICES = 100;
const MAX_PARAMETER_CHANGES = 200;
const MAX_CHANNELS = 20_000;
/** A robot that has answered no ping for so long does not answer. */
export const SILENCE_MS = 1000;
/** Key of the robot's metadata: it takes messages that tell when they were sent. */
const TIMED_MESSAGES = "timed_messages";

/** The way to the robot. */
export interface RobotLink {
  send(frame: Uint8Array): boolean;
  sendPing(frame: Uint8Array): void;
  sendAck(frame: Uint8Array): void;
}

export interface Notice {
  id: string | undefined;
  level: StatusLevel;
  message: string;
  atMs: number;
  /** What it tells of the wheel of a command topic. */
  wheel: WheelInfo | undefined;
}

export interface ParameterChange {
  name: string;
  from: ParameterValue;
  to: ParameterValue;
  /** On the page's clock. */
  atMs: number;
}

/** The answer to a service call. */
export interface Response {
  encoding: string;
  payload: Uint8Array;
}

/** What changed; listeners that show something else need not look. */
export type Change = "state" | "channels" | "services" | "parameters" | "notices";

export class Robot {
  readonly identity: string;
  info: ServerInfo | undefined;
  /** Whether the robot is in the room and has introduced itself. */
  online = false;
  channels = new Map<number, Channel>();
  services = new Map<number, ServiceInfo>();
  parameters = new Map<string, Parameter>();
  /** What parameters were changed to, by whomever, the newest last. */
  parameterChanges: ParameterChange[] = [];
  /** What is wrong now, by id. */
  statuses = new Map<string, Notice>();
  /** What was said, the newest last. */
  notices: Notice[] = [];
  /** When it last answered a ping, on the page's clock. */
  answeredMs = 0;
  /** The robot's simulated time, where it broadcasts it. */
  timeMs: number | undefined;
  /** All that arrived. */
  readonly total = new Rate();

  #link: RobotLink | undefined;
  #now: () => number;
  #clock = new RobotClock();
  #byTopic = new Map<string, Channel>();
  #watches: Watches;
  #subscribed = new Set<number>();
  #calls = new Pending<number, Response>();
  #requests = new Pending<string, Parameter[]>();
  #assets = new Pending<number, Uint8Array>();
  #nextId = 1;
  #published = new Map<number, Record<string, unknown>>();
  #wantsParameters = false;
  #listeners = new Set<(change: Change) => void>();

  constructor(identity: string, now: () => number) {
    this.identity = identity;
    this.#now = now;
    this.#watches = new Watches(now);
  }

  /** What to call it. */
  get name(): string {
    return this.info?.name || this.identity;
  }

  /** Whether it answers pings. */
  get answers(): boolean {
    return this.#now() - this.answeredMs <= SILENCE_MS;
  }

  /** Round trip in milliseconds, while it answers. */
  get rttMs(): number | undefined {
    return this.answers ? this.#clock.rttMs(this.#now()) : undefined;
  }

  /** The robot's time in milliseconds, simulated where it says so. */
  clockMs(nowMs: number): number | undefined {
    return this.timeMs ?? this.#clock.timeMs(nowMs);
  }

  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A new way to the robot, or none. The robot does not know anything that was said before. */
  attach(link: RobotLink | undefined): void {
    this.#link = link;
    this.answeredMs = this.#now();
    this.#subscribed.clear();
    if (!link) {
      this.online = false;
      this.#clock.reset();
      for (const channel of this.channels.values()) {
        channel.rate.reset();
      }
    }
    const reason = link ? "the connection was started anew" : "the robot is gone";
    this.#calls.failAll(reason);
    this.#requests.failAll(reason);
    this.#assets.failAll(reason);
    this.#advertiseAgain();
    if (this.#wantsParameters && link) {
      this.#askParameters();
    }
    this.#changed("state");
  }

  /** Subscribes anew: a robot that lost the page's stream may not introduce itself again. */
  resubscribe(): void {
    this.#subscribe([...this.channels.values()].filter(({ topic }) => this.#watches.wants(topic)));
  }

  /** Takes a message from one of the robot's streams. */
  receive(message: RobotMessage, bytes: number): void {
    const now = this.#now();
    this.total.add(now, bytes);
    switch (message.kind) {
      case "data":
        this.#data(message, now);
        break;
      case "pong":
        this.#pong(message, now);
        break;
      case "time":
        this.timeMs = message.timeMs;
        break;
      case "response":
        this.#calls.answer(message.call, message);
        break;
      case "asset":
        if (message.error === undefined) {
          this.#assets.answer(message.request, message.data);
        } else {
          this.#assets.fail(message.request, message.error);
        }
        break;
      case "json":
        this.#json(message.op, message.body);
        break;
      case "other":
        break;
    }
  }

  /** Ten times a second: pings, and ends what nobody needs or waits for any more. */
  tick(): void {
    const now = this.#now();
    this.#link?.sendPing(ping(microseconds(now)));
    for (const topic of this.#watches.takeIdle()) {
      this.#unsubscribe(topic);
    }
    this.#calls.expire(now);
    this.#requests.expire(now);
    this.#assets.expire(now);
  }

  /** The channel of a topic, if the robot has it. */
  channel(topic: string): Channel | undefined {
    return this.#byTopic.get(topic);
  }

  /**
   * Subscribes to a topic until the returned function is called, now or when the robot has it. A
   * sink gets every message; without one the newest is in {@link Channel.latest}. With `isAnew` it is
   * subscribed anew where it is already, so that a video begins with a key frame.
   */
  watch(topic: string, sink?: MessageSink, isAnew = false): () => void {
    const end = this.#watches.add(topic, sink);
    const channel = this.#byTopic.get(topic);
    if (channel) {
      if (isAnew) {
        this.#unsubscribe(topic);
      }
      this.#subscribe([channel]);
    }
    return end;
  }

  /** Whether somebody looks at a topic. */
  isWatched(topic: string): boolean {
    return this.#watches.isWatched(topic);
  }

  /** Calls a service; the answer is in its encoding. */
  call(service: ServiceInfo, request: Uint8Array): Promise<Response> {
    const id = this.#nextId++;
    const frame = serviceCall(service.id, id, service.request.encoding, request);
    return this.#calls.request(id, this.#now(), () => this.#link?.send(frame) ?? false);
  }

  /** Fetches a file that the robot names, such as `package://robot/base.stl`. */
  fetchAsset(uri: string): Promise<Uint8Array> {
    const requestId = this.#nextId++;
    return this.#assets.request(requestId, this.#now(), () => this.#send("fetchAsset", { uri, requestId }));
  }

  /** Asks for all parameters and for their changes from now on. */
  watchParameters(): void {
    if (!this.#wantsParameters) {
      this.#wantsParameters = true;
      this.#askParameters();
    }
  }

  /** Sets a parameter. Gives what the robot says its value is then. */
  async setParameter(parameter: Parameter): Promise<Parameter | undefined> {
    const id = `page-${this.#nextId++}`;
    const send = () => this.#send("setParameters", { parameters: [parameter], id });
    const parameters = await this.#requests.request(id, this.#now(), send);
    return parameters.find((each) => each.name === parameter.name);
  }

  /** Asks who drives for the wheel of a command topic, or answers who asks. */
  wheel(topic: string, act: "ask" | "give" | "keep"): void {
    this.#send("wheel", { topic, act });
  }

  /** Opens a channel to publish on. The robot hears of it again whenever it is connected anew. */
  advertise(channel: Omit<ChannelInfo, "id">): number {
    const id = this.#nextId++;
    this.#published.set(id, { id, ...channel });
    this.#send("advertise", { channels: [{ id, ...channel }] });
    return id;
  }

  unadvertise(id: number): void {
    if (this.#published.delete(id)) {
      this.#send("unadvertise", { channelIds: [id] });
    }
  }

  /** Publishes on a channel of {@link advertise}. Where the robot can tell, with the time. */
  publish(id: number, message: Uint8Array): boolean {
    const isTimed = this.info?.metadata[TIMED_MESSAGES] === "true";
    const frame = isTimed ? timedData(id, microseconds(this.#now()), message) : clientData(id, message);
    return this.#link?.send(frame) ?? false;
  }

  /** A line for the user. */
  notice(level: StatusLevel, message: string, id?: string, wheel?: WheelInfo): void {
    const notice = { id, level, message, atMs: this.#now(), wheel };
    if (id !== undefined) {
      this.statuses.set(id, notice);
    }
    // A status that is told again takes the place of what was said of it before.
    const others = this.notices.filter((each) => id === undefined || each.id !== id);
    this.notices = [...others.slice(1 - MAX_NOTICES), notice];
    this.#changed("notices");
  }

  #send(op: string, fields: Record<string, unknown>): boolean {
    return this.#link?.send(json(op, fields)) ?? false;
  }

  #changed(change: Change): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }

  #data({ channel: id, logTimeMs, data }: RobotMessage & { kind: "data" }, now: number): void {
    const channel = this.channels.get(id);
    // What still comes of a topic that nobody looks at is on no screen, and no reason to think it new.
    if (!channel || !this.#watches.isWatched(channel.topic)) {
      return;
    }
    channel.latest = data;
    channel.logTimeMs = logTimeMs;
    channel.arrivedMs = now;
    channel.count += 1;
    channel.rate.add(now, data.length);
    for (const sink of this.#watches.sinks(channel.topic)) {
      sink(channel, data, logTimeMs);
    }
  }

  #pong({ sent, device }: RobotMessage & { kind: "pong" }, now: number): void {
    this.#link?.sendAck(pingAck(device));
    this.answeredMs = now;
    this.#clock.answered(Number(sent) / 1000, Number(device), now);
  }

  #json(op: string, body: Record<string, unknown>): void {
    switch (op) {
      case "serverInfo":
        this.#serverInfo(body);
        break;
      case "advertise":
        this.#advertise(list(body.channels));
        break;
      case "unadvertise":
        this.#unadvertise(list(body.channelIds).map(Number));
        break;
      case "advertiseServices":
        for (const service of list(body.services).filter(isService)) {
          this.services.set(service.id, service);
        }
        this.#changed("services");
        break;
      case "unadvertiseServices":
        for (const id of list(body.serviceIds)) {
          this.services.delete(Number(id));
        }
        this.#changed("services");
        break;
      case "serviceCallFailure":
        this.#calls.fail(Number(body.callId), text(body.message) || "the call failed");
        break;
      case "parameterValues":
        this.#parameterValues(body);
        break;
      case "status": {
        const level = body.level === 2 ? 2 : body.level === 1 ? 1 : 0;
        const id = typeof body.id === "string" ? body.id : undefined;
        this.notice(level, text(body.message), id, wheelInfo(body.wheel));
        break;
      }
      case "removeStatus":
        for (const id of list(body.statusIds)) {
          this.statuses.delete(text(id));
        }
        this.#changed("notices");
        break;
    }
  }

  /** The robot introduces itself, at the start of its streams: what it said before is void. */
  #serverInfo(body: Record<string, unknown>): void {
    const sessionId = text(body.sessionId);
    const isSame = this.info?.sessionId === sessionId;
    const couldPublish = this.info?.capabilities.includes("clientPublish");
    this.info = {
      name: text(body.name),
      capabilities: list(body.capabilities).map(text),
      supportedEncodings: list(body.supportedEncodings).map(text),
      metadata: isObject(body.metadata) ? (body.metadata as Record<string, string>) : {},
      sessionId,
    };
    this.online = true;
    this.statuses.clear();
    this.services.clear();
    this.#subscribed.clear();
    this.#byTopic.clear();
    this.#previous = isSame ? this.channels : new Map();
    this.channels = new Map();
    this.#changed("state");
    this.#changed("channels");
    this.#changed("services");
    if (this.#wantsParameters) {
      this.#askParameters();
    }
    if (couldPublish === false && this.info.capabilities.includes("clientPublish")) {
      // What was forbidden has ended at the robot.
      this.#advertiseAgain();
    }
  }

  #advertiseAgain(): void {
    for (const channel of this.#published.values()) {
      this.#send("advertise", { channels: [channel] });
    }
  }

  /** Channels of the same session before it was started anew: their messages and figures go on. */
  #previous = new Map<number, Channel>();

  #advertise(channels: unknown[]): void {
    const added: Channel[] = [];
    for (const each of channels) {
      const info = channelInfo(each);
      if (!info || (this.channels.size >= MAX_CHANNELS && !this.channels.has(info.id))) {
        continue;
      }
      const known = this.channels.get(info.id) ?? this.#previous.get(info.id);
      const fresh = { latest: undefined, logTimeMs: 0, arrivedMs: 0, count: 0, rate: new Rate() };
      const channel: Channel = Object.assign(known ?? fresh, info);
      this.channels.set(info.id, channel);
      this.#byTopic.set(info.topic, channel);
      if (this.#watches.wants(info.topic)) {
        added.push(channel);
      }
    }
    this.#subscribe(added);
    this.#changed("channels");
  }

  #unadvertise(ids: number[]): void {
    for (const id of ids) {
      const channel = this.channels.get(id);
      this.channels.delete(id);
      this.#subscribed.delete(id);
      if (channel && this.#byTopic.get(channel.topic) === channel) {
        this.#byTopic.delete(channel.topic);
      }
    }
    this.#changed("channels");
  }

  #subscribe(channels: Channel[]): void {
    const channelIds = channels.map((channel) => channel.id).filter((id) => !this.#subscribed.has(id));
    if (channelIds.length > 0 && this.#send("subscribe", { channelIds })) {
      for (const id of channelIds) {
        this.#subscribed.add(id);
      }
    }
  }

  #unsubscribe(topic: string): void {
    const channel = this.#byTopic.get(topic);
    if (channel && this.#subscribed.delete(channel.id)) {
      channel.rate.reset();
      this.#send("unsubscribe", { channelIds: [channel.id] });
    }
  }

  #askParameters(): void {
    this.#send("getParameters", { parameterNames: [], id: "page-all" });
    this.#send("subscribeParameterUpdates", { parameterNames: [] });
  }

  #noteChange({ name, value }: Parameter): void {
    const before = this.parameters.get(name);
    if (before && JSON.stringify(before.value) !== JSON.stringify(value)) {
      const change = { name, from: before.value, to: value, atMs: this.#now() };
      this.parameterChanges = [...this.parameterChanges.slice(1 - MAX_PARAMETER_CHANGES), change];
    }
  }

  #parameterValues(body: Record<string, unknown>): void {
    const parameters = list(body.parameters).filter(isParameter);
    if (body.id === "page-all") {
      this.parameters = new Map();
    }
    for (const parameter of parameters) {
      this.#noteChange(parameter);
      if (parameter.value === undefined) {
        this.parameters.delete(parameter.name);
      } else {
        this.parameters.set(parameter.name, parameter);
      }
    }
    this.#requests.answer(text(body.id), parameters);
    this.#changed("parameters");
  }
}

function microseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1000));
}
