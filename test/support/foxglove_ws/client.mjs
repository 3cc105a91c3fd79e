// Drives @foxglove/ws-protocol: JSON lines on stdin call its methods, its events are JSON lines on stdout.
// Ends when stdin ends.
//
//   node client.mjs ws://localhost:8765 SUBPROTOCOL

import { createInterface } from "node:readline";
import protocol from "@foxglove/ws-protocol";
import WebSocket from "ws";
import { SERVER_SAYS } from "./events.mjs";
import { decode, encode } from "./values.mjs";

const EVENTS = ["open", "error", "close", "message", ...SERVER_SAYS];

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
