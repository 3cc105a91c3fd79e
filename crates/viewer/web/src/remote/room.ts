/** One room: joins it for as long as the page lives, and keeps track of the robots in it. */
import type { Room as LiveKitRoom, RemoteParticipant } from "livekit-client";
import type * as LiveKit from "../lazy/livekit";
import type { Credentials } from "./config";
import { discard, readStream } from "./downlink";
import { type KeyProblem, RoomEncryption } from "./encryption";
import { describeFailure, type End, endOf } from "./failure";
import { guardStreams, StreamGuard } from "./guard";
import { Member } from "./member";
import { ROLE_ATTRIBUTE, ROLE_ROBOT, STREAM_TOPIC, streamAttributes } from "./messages";
import type { Robot } from "./robot";

const PING_MS = 100;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;
/** A participant that the server does not call active gets so long to become so. */
const ACTIVE_MS = 1000;
/** Streams of one robot that are read at once; a robot of ours opens a few per channel. */
const MAX_STREAMS = 4096;

export type RoomState = "connecting" | "connected" | "reconnecting" | "waiting" | "ended" | "closed";
export type Quality = "excellent" | "good" | "poor" | "lost" | "unknown";

export interface RoomOptions {
  livekit: typeof LiveKit;
  credentials: Credentials;
  /** Asked before every further connection. */
  renew: () => Promise<Credentials>;
  /** Something about the room or its robots changed. */
  changed: () => void;
}

export class RemoteRoom {
  state: RoomState = "connecting";
  /** Why it is not connected. */
  error: string | undefined;
  /** Who wanted it so, in the state "ended". */
  end: End | undefined;
  quality: Quality = "unknown";
  /** Whether the page's token lets it send anything. */
  canPublishData = true;

  #options: RoomOptions;
  #credentials: Credentials;
  #room: LiveKitRoom | undefined;
  #members = new Map<string, Member>();
  #streams = new Map<string, number>();
  #keyProblems = new Map<string, KeyProblem>();
  #timer: ReturnType<typeof setInterval>;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#credentials = options.credentials;
    this.#timer = setInterval(() => this.#tick(), PING_MS);
    void this.#stayConnected();
  }

  get name(): string {
    return this.#credentials.room || "room";
  }

  /** Every robot seen so far; those that left are not online. */
  get robots(): Robot[] {
    return [...this.#members.values()].map((member) => member.robot);
  }

  /** Why nothing that this robot sends can be read, if so. */
  keyProblem(identity: string): KeyProblem | undefined {
    return this.#keyProblems.get(identity);
  }

  /** Tries again at once instead of after the pause, or comes back after an end. */
  retry(): void {
    this.#wake?.();
  }

  /** Ends the connection at once. It is made again if the page stays after all. */
  leave(): void {
    void this.#room?.disconnect();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#wake?.();
    for (const member of this.#members.values()) {
      member.stop();
    }
    await this.#room?.disconnect();
  }

  async #stayConnected(): Promise<void> {
    for (let failures = 0; !this.#closed; ) {
      try {
        this.end = endOf(await this.#connectOnce());
        failures = 0;
        this.error = this.end === undefined ? "the server ended the connection" : undefined;
      } catch (error) {
        failures += 1;
        this.error = describeFailure(error, this.#credentials, Date.now());
      }
      if (this.#closed) {
        break;
      }
      this.#set(this.end === undefined ? "waiting" : "ended");
      const pauseMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.75 + Math.random() / 2);
      await this.#pause(this.end === undefined ? pauseMs : undefined);
      this.end = undefined;
      this.#set("connecting");
      this.#credentials = await this.#options.renew().catch(() => this.#credentials);
    }
    this.#set("closed");
  }

  /** Joins, and returns the server's reason when the connection is over. */
  async #connectOnce(): Promise<number | undefined> {
    const { Room, RoomEvent } = this.#options.livekit;
    const { key } = this.#credentials;
    const encryption = new RoomEncryption(key, (identity, problem) => this.#setKeyProblem(identity, problem));
    const room = new Room({
      disconnectOnPageLeave: false,
      stopLocalTrackOnUnpublish: false,
      // The first encrypts data, the second only media, of which there are none.
      [key === undefined ? "e2ee" : "encryption"]: { e2eeManager: encryption },
    });
    const guard = new StreamGuard(STREAM_TOPIC);
    guardStreams(room, (packet, kind) => {
      return encryption.accepts(packet.participantIdentity, kind) && guard.passes(packet);
    });
    this.#room = room;
    const over = new Promise<number | undefined>((resolve) => room.once(RoomEvent.Disconnected, resolve));
    room.registerByteStreamHandler(STREAM_TOPIC, (reader, { identity }) => {
      const isRobot = reader.info.attributes?.[ROLE_ATTRIBUTE] === ROLE_ROBOT;
      void (isRobot && room === this.#room ? this.#read(room, reader, identity) : discard(reader));
    });
    for (const event of [
      RoomEvent.ParticipantConnected,
      RoomEvent.ParticipantActive,
      RoomEvent.ParticipantAttributesChanged,
    ] as const) {
      room.on(event, () => this.#lookAtAll(room));
    }
    room.on(RoomEvent.ParticipantDisconnected, (participant) => {
      guard.forget(participant.identity);
      this.#keyProblems.delete(participant.identity);
      const member = this.#members.get(participant.identity);
      if (member?.sid === participant.sid) {
        member.stop();
        this.#options.changed();
      }
    });
    room.on(RoomEvent.ParticipantPermissionsChanged, () => this.#updatePermissions(room));
    room.on(RoomEvent.ConnectionQualityChanged, (quality, participant) => {
      if (participant.isLocal) {
        this.quality = quality as Quality;
        this.#options.changed();
      }
    });
    for (const event of [RoomEvent.SignalReconnecting, RoomEvent.Reconnecting] as const) {
      room.on(event, () => this.#set("reconnecting"));
    }
    room.on(RoomEvent.Reconnected, () => this.#resume(room));
    try {
      await room.connect(this.#credentials.url, this.#credentials.token);
      this.error = undefined;
      this.canPublishData = room.localParticipant.permissions?.canPublishData ?? true;
      this.#set("connected");
      this.#lookAtAll(room);
      return await over;
    } finally {
      for (const member of this.#members.values()) {
        member.stop();
      }
      this.#streams.clear();
      await room.disconnect().catch(() => {});
    }
  }

  /** Packets may be lost on the way to a new connection: robots that are the same still start anew. */
  #resume(room: LiveKitRoom): void {
    const before = [...this.#members.values()].map((member) => ({ member, sid: member.sid }));
    this.#set("connected");
    this.#lookAtAll(room);
    for (const { member, sid } of before) {
      if (sid !== undefined && member.sid === sid) {
        member.restart("the connection was interrupted");
      }
    }
  }

  #lookAtAll(room: LiveKitRoom): void {
    for (const participant of room.remoteParticipants.values()) {
      this.#look(room, participant);
    }
  }

  /** Takes up a participant if it is a robot, as soon as it can receive. */
  #look(room: LiveKitRoom, participant: RemoteParticipant): void {
    const { identity, sid } = participant;
    if (participant.attributes[ROLE_ATTRIBUTE] !== ROLE_ROBOT || this.#members.get(identity)?.sid === sid) {
      return;
    }
    if (participant.isActive) {
      this.#take(identity, sid);
      return;
    }
    // A server does not always tell when a participant becomes active.
    setTimeout(() => {
      if (room === this.#room && room.remoteParticipants.get(identity)?.sid === sid) {
        this.#take(identity, sid);
      }
    }, ACTIVE_MS);
  }

  /** The robot is there and can receive. Its stream may come before the server tells who it is. */
  #take(identity: string, sid: string | undefined): Member {
    const member = this.#members.get(identity) ?? this.#member(identity);
    if (member.isPresent && (sid === undefined || member.sid === undefined || member.sid === sid)) {
      member.sid ??= sid;
      return member;
    }
    member.stop();
    member.begin(sid);
    if (this.canPublishData) {
      member.start();
    }
    this.#options.changed();
    return member;
  }

  #member(identity: string): Member {
    const open = async (robot: string) => {
      const local = this.#room?.localParticipant;
      if (!local) {
        throw new Error("there is no connection to the room");
      }
      return local.streamBytes({
        name: "page",
        topic: STREAM_TOPIC,
        destinationIdentities: [robot],
        attributes: streamAttributes(local.sid),
      });
    };
    const member = new Member(identity, open, () => performance.now());
    member.robot.listen(() => this.#options.changed());
    this.#members.set(identity, member);
    return member;
  }

  async #read(room: LiveKitRoom, reader: LiveKit.ByteStreamReader, identity: string): Promise<void> {
    this.#setKeyProblem(identity, undefined);
    const member = this.#take(identity, room.remoteParticipants.get(identity)?.sid);
    const session = member.session;
    const open = (this.#streams.get(identity) ?? 0) + 1;
    if (open > MAX_STREAMS) {
      await discard(reader);
      return;
    }
    this.#streams.set(identity, open);
    const end = await readStream(
      reader,
      member.pending,
      (message, bytes) => {
        if (member.session === session) {
          member.robot.receive(message, bytes);
        }
      },
      (error) => console.warn(`${identity}: a message was skipped:`, error),
    );
    this.#streams.set(identity, (this.#streams.get(identity) ?? 1) - 1);
    if (end.error !== undefined && room === this.#room && member.session === session) {
      member.restart(`a stream broke: ${end.error}`);
    }
  }

  #setKeyProblem(identity: string, problem: KeyProblem | undefined): void {
    if (this.#keyProblems.get(identity) === problem) {
      return;
    }
    if (problem === undefined) {
      this.#keyProblems.delete(identity);
    } else {
      this.#keyProblems.set(identity, problem);
    }
    this.#options.changed();
  }

  #updatePermissions(room: LiveKitRoom): void {
    const allowed = room.localParticipant.permissions?.canPublishData ?? true;
    if (allowed !== this.canPublishData) {
      this.canPublishData = allowed;
      for (const member of this.#members.values()) {
        if (allowed && member.isPresent) {
          member.start();
        }
      }
      this.#options.changed();
    }
  }

  #tick(): void {
    if (this.state === "connected") {
      for (const member of this.#members.values()) {
        member.tick();
      }
    }
  }

  #set(state: RoomState): void {
    this.state = state;
    this.#options.changed();
  }

  /** Waits so long, or until it is told to go on. */
  #pause(milliseconds: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
