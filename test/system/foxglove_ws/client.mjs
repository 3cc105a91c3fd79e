// Drives @foxglove/ws-protocol: JSON lines on stdin call its methods, its events are JSON lines on stdout.
// A binary value is {"base64": "…"} in both directions. Ends when stdin ends.
//
//   node client.mjs ws://localhost:8765 SUBPROTOCOL

import { createInterface } from "node:readline";
import protocol from "@foxglove/ws-protocol";
import WebSocket from "ws";

const EVENTS = [
  "open",
  "error",
  "close",
  "serverInfo",
  "status",
  "removeStatus",
  "message",
  "time",
  "advertise",
  "unadvertise",
  "advertiseServices",
  "unadvertiseServices",
  "parameterValues",
  "serviceCallResponse",
  "connectionGraphUpdate",
  "fetchAssetResponse",
  "serviceCallFailure",
];

function encode(_key, value) {
  if (typeof value === "bigint") {
    return value.toString();
  }
  if (ArrayBuffer.isView(value)) {
    return { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  return value instanceof Error ? value.message : value;
}

function decode(_key, value) {
  return typeof value?.base64 === "string" ? new Uint8Array(Buffer.from(value.base64, "base64")) : value;
}

const [url, subprotocol] = process.argv.slice(2);
const socket = new WebSocket(url, [subprotocol]);
const client = new protocol.FoxgloveClient({ ws: socket });
for (const name of EVENTS) {
  client.on(name, (event) => {
    const value = name === "close" ? event.code : event;
    process.stdout.write(`${JSON.stringify({ event: name, value }, encode)}\n`);
  });
}
for await (const line of createInterface({ input: process.stdin })) {
  const { method, args } = JSON.parse(line, decode);
  const value = client[method](...args);
  process.stdout.write(`${JSON.stringify({ event: "returned", value })}\n`);
}
client.close();
