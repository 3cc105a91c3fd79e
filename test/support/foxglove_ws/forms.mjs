// What @foxglove/ws-protocol writes, and what it reads in what others write. No connection is made.
//
// A line of standard input is one of
//   {"write": "client" or "server", "method": …, "args": […]}   answered by the messages that this sends
//   {"read": "client" or "server", "message": text or binary}    answered by the events that this causes
// "client" stands for what clients write, "server" for what servers write; "pair": 1 lets another pair of client and
// server read. A server has all capabilities, one service, whose number is 1, and one client; the argument "connection"
// is the way to that.

import { createInterface } from "node:readline";
import protocol from "@foxglove/ws-protocol";
import { SERVER_SAYS } from "./events.mjs";
import { decode, encode } from "./values.mjs";

const SERVER_EVENTS = [
  "error",
  "advertise",
  "unadvertise",
  "message",
  "getParameters",
  "setParameters",
  "subscribeParameterUpdates",
  "unsubscribeParameterUpdates",
  "serviceCallRequest",
  "fetchAsset",
];
const CLIENT_EVENTS = ["error", ...SERVER_SAYS];

let sent = [];
let events = [];

class Pair {
  constructor() {
    const socket = () => ({ send: (message) => sent.push(message), close() {} });
    this.socket = socket();
    this.client = new protocol.FoxgloveClient({ ws: this.socket });
    this.connection = socket();
    this.server = new protocol.FoxgloveServer({
      name: "robot",
      capabilities: Object.values(protocol.ServerCapability),
      supportedEncodings: ["cdr", "json"],
      metadata: { distribution: "kilted" },
      sessionId: "one",
    });
    const schema = (schemaName) => ({ encoding: "cdr", schemaName, schemaEncoding: "ros2msg", schema: "bool a" });
    const request = schema("a/srv/B_Request");
    this.server.addService({ name: "/b", type: "a/srv/B", request, response: schema("a/srv/B_Response") });
    for (const name of CLIENT_EVENTS) {
      this.client.on(name, (event) => events.push([name, event]));
    }
    for (const name of SERVER_EVENTS) {
      // What the client advertised comes with a description of the connection, which is ours.
      this.server.on(name, (event) => events.push([name, event?.client ? { ...event, client: undefined } : event]));
    }
  }
}

// Two, since a server knows what was said before.
const pairs = [new Pair(), new Pair()];
const greetings = pairs.map((pair) => {
  sent = [];
  pair.server.handleConnection(pair.connection, "client");
  return sent;
});

for await (const line of createInterface({ input: process.stdin })) {
  const { write, read, method, args, message, pair } = JSON.parse(line, decode);
  const { client, server, socket, connection } = pairs[pair ?? 0];
  sent = [];
  events = [];
  if (write === "client") {
    client[method](...args);
  } else if (method === "greet") {
    [sent] = greetings;
  } else if (write === "server") {
    server[method](...args.map((value) => (value === "connection" ? connection : value)));
  } else {
    (read === "server" ? socket : connection).onmessage({ data: message });
  }
  process.stdout.write(`${JSON.stringify(write ? sent : events, encode)}\n`);
}
