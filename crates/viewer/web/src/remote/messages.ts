/** Messages of the protocol, both directions. */
import { BINARY, type Frame, frame, TEXT } from "./frames";

/** LiveKit topic of the byte streams in both directions. */
export const STREAM_TOPIC = "ws-protocol";
/** What this page's stream says of itself: it reads any number of streams at once, and is of this session in the room. */
export function streamAttributes(sid: string): Record<string, string> {
  return { streams: "many", sid };
}
export const ROLE_ATTRIBUTE = "role";
export const ROLE_ROBOT = "robot";

export type Capability =
  | "clientPublish"
  | "time"
  | "parameters"
  | "parametersSubscribe"
  | "services"
  | "connectionGraph"
  | "assets";

export interface ServerInfo {
  name: string;
  capabilities: string[];
  supportedEncodings: string[];
  metadata: Record<string, string>;
  sessionId: string;
}

export interface ChannelInfo {
  id: number;
  topic: string;
  encoding: string;
  schemaName: string;
  schemaEncoding: string;
  schema: string;
  /** The topic whose messages the robot's bridge makes these of, if it does. */
  sourceTopic?: string;
  /** The largest pictures that it makes of them. */
  maxSize?: { width: number; height: number };
  /** Whether whoever subscribes later gets the last message. */
  isLatched?: boolean;
}

export interface ServiceSchema {
  encoding: string;
  schemaName: string;
  schemaEncoding: string;
  schema: string;
}

export interface ServiceInfo {
  id: number;
  name: string;
  type: string;
  request: ServiceSchema;
  response: ServiceSchema;
}

export type ParameterValue = string | number | boolean | string[] | number[] | boolean[] | undefined;

export interface Parameter {
  name: string;
  type?: string;
  value?: ParameterValue;
}

export type StatusLevel = 0 | 1 | 2;

/** What a status tells of the wheel of a command topic, by the names of viewers. */
export interface WheelInfo {
  /** Who drives. */
  driver?: string;
  /** Whether a command from here takes the wheel from who drives. */
  mayTake?: boolean;
  /** For whom the wheel is kept. */
  heir?: string;
  /** Who asks this viewer for the wheel. */
  asker?: string;
}

/** What a robot says. `json` messages keep their shape; whoever uses them checks what they need. */
export type RobotMessage =
  | { kind: "json"; op: string; body: Record<string, unknown> }
  | { kind: "data"; channel: number; logTimeMs: number; data: Uint8Array }
  | { kind: "time"; timeMs: number }
  | { kind: "pong"; sent: bigint; device: bigint }
  | { kind: "response"; service: number; call: number; encoding: string; payload: Uint8Array }
  | { kind: "asset"; request: number; error: string | undefined; data: Uint8Array }
  | { kind: "other"; opcode: number };

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

const NS_PER_MS = 1e6;

/** Reads the message of a frame. Throws on one that cannot be read; the stream goes on. */
export function decode({ opcode, payload }: Frame): RobotMessage {
  if (opcode === TEXT) {
    const body: unknown = JSON.parse(utf8.decode(payload));
    if (!isObject(body) || typeof body.op !== "string") {
      throw new Error("a JSON message without op");
    }
    return { kind: "json", op: body.op, body };
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const op = view.getUint8(0);
  switch (op) {
    case 1: {
      const channel = Number(view.getBigUint64(1, true));
      const logTimeMs = Number(view.getBigUint64(9, true)) / NS_PER_MS;
      return { kind: "data", channel, logTimeMs, data: payload.subarray(17) };
    }
    case 2:
      return { kind: "time", timeMs: Number(view.getBigUint64(1, true)) / NS_PER_MS };
    case 3: {
      const length = view.getUint32(9, true);
      const end = 13 + length;
      if (end > payload.length) {
        throw new Error("a service response that is cut off");
      }
      return {
        kind: "response",
        service: view.getUint32(1, true),
        call: view.getUint32(5, true),
        encoding: utf8.decode(payload.subarray(13, end)),
        payload: payload.subarray(end),
      };
    }
    case 4: {
      const end = 10 + view.getUint32(6, true);
      if (end > payload.length) {
        throw new Error("an asset that is cut off");
      }
      const request = view.getUint32(1, true);
      const error = view.getUint8(5) === 0 ? undefined : utf8.decode(payload.subarray(10, end));
      return { kind: "asset", request, error, data: payload.subarray(end) };
    }
    case 6:
      return { kind: "pong", sent: view.getBigUint64(1, true), device: view.getBigUint64(9, true) };
    default:
      return { kind: "other", opcode: op };
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A frame with a JSON message. */
export function json(op: string, fields: Record<string, unknown>): Uint8Array {
  return frame(TEXT, encoder.encode(JSON.stringify({ op, ...fields })));
}

/** A ping; the robot's pong brings the number back. */
export function ping(sent: bigint): Uint8Array {
  return frame(BINARY, numbered(4, sent));
}

/** All that came before the pong with this device timestamp has arrived. */
export function pingAck(device: bigint): Uint8Array {
  return frame(BINARY, numbered(5, device));
}

/** A message on a channel that this page advertised. */
export function clientData(channel: number, message: Uint8Array): Uint8Array {
  const head = new Uint8Array(5);
  head[0] = 1;
  new DataView(head.buffer).setUint32(1, channel, true);
  return frame(BINARY, head, message);
}

/** The same with the time at which it was sent, in microseconds on the clock of the pings. */
export function timedData(channel: number, sent: bigint, message: Uint8Array): Uint8Array {
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  head[0] = 64;
  view.setUint32(1, channel, true);
  view.setBigUint64(5, sent, true);
  return frame(BINARY, head, message);
}

/** A service call. */
export function serviceCall(
  service: number,
  call: number,
  encoding: string,
  request: Uint8Array,
): Uint8Array {
  const name = encoder.encode(encoding);
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  head[0] = 2;
  view.setUint32(1, service, true);
  view.setUint32(5, call, true);
  view.setUint32(9, name.length, true);
  return frame(BINARY, head, name, request);
}

function numbered(opcode: number, value: bigint): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = opcode;
  new DataView(bytes.buffer).setBigUint64(1, value, true);
  return bytes;
}
