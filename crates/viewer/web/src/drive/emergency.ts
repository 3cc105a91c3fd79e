/** The robot's own emergency stop: a service or a topic that its bridge names. */
import type { Robot } from "../remote/robot";
import { decoderFor, encode, messageType } from "../ros/schema";

const METADATA = "emergency_stop";
/** What is sent, by the type of the service or topic without `/srv/` and `/msg/`. */
const REQUESTS: Record<string, unknown> = {
  "std_srvs/Trigger": {},
  "std_srvs/Empty": {},
  "std_srvs/SetBool": { data: true },
};
const MESSAGES: Record<string, { schema: string; message: unknown }> = {
  "std_msgs/Bool": { schema: "bool data", message: { data: true } },
  "std_msgs/Empty": { schema: "", message: {} },
};

/** Uses it, if there is one. Says what became of it, and throws where it did not work. */
export async function emergencyStop(robot: Robot): Promise<string | undefined> {
  const name = robot.info?.metadata[METADATA];
  if (name === undefined) {
    return undefined;
  }
  const service = [...robot.services.values()].find((each) => each.name === name);
  if (!service) {
    return publish(robot, name);
  }
  const request = REQUESTS[service.type.replace("/srv/", "/")];
  if (request === undefined) {
    throw new Error(`${name} has the type ${service.type}, which STOP cannot call`);
  }
  const { payload } = await robot.call(service, encode(messageType(service.request), request));
  const answer = decoderFor(service.response)(payload) as { success?: boolean; message?: string };
  if (answer.success === false) {
    throw new Error(`${name} refused: ${answer.message || "no reason was given"}`);
  }
  return `${name} answered${answer.message ? `: ${answer.message}` : ""}`;
}

const channels = new WeakMap<Robot, Map<string, number>>();

function publish(robot: Robot, topic: string): string {
  const type = robot.channel(topic)?.schemaName.replace("/msg/", "/") ?? "std_msgs/Bool";
  const known = MESSAGES[type];
  if (!known) {
    throw new Error(`${topic} has the type ${type}, which STOP cannot publish`);
  }
  const { schema, message } = known;
  const opened = channels.get(robot) ?? new Map<string, number>();
  channels.set(robot, opened);
  const description = {
    topic,
    encoding: "cdr",
    schemaName: type.replace("/", "/msg/"),
    schemaEncoding: "ros2msg",
    schema,
  };
  const id = opened.get(topic) ?? robot.advertise(description);
  opened.set(topic, id);
  if (!robot.publish(id, encode(messageType(description), message))) {
    throw new Error(`${topic} was not published: there is no connection to the robot`);
  }
  return `${topic} was published`;
}
