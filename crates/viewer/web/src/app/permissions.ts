/** What the user may do, and why not. */
import { describeKeyProblem } from "../remote/encryption";
import type { Capability } from "../remote/messages";
import type { Place } from "./state";

/** Undefined if it is allowed, else the reason why it is not. */
export type Refusal = string | undefined;

const NAMES: Partial<Record<Capability, string>> = {
  clientPublish: "Driving",
  services: "Calling services",
  parameters: "Access to parameters",
  parametersSubscribe: "Watching parameters",
};

/** Whether the robot hears anything from this page, even a subscription. */
export function refusedToSend(place: Place | undefined): Refusal {
  if (!place) {
    return "No robot is in the room.";
  }
  const { room, robot } = place;
  if (room.state !== "connected") {
    return room.end?.text ?? "There is no connection to the room. Retrying automatically.";
  }
  if (!room.canPublishData) {
    return "This token may not send data (canPublishData), so nothing can be subscribed or changed with it.";
  }
  const problem = room.keyProblem(robot.identity);
  if (problem) {
    return describeKeyProblem(problem).text;
  }
  return robot.online ? undefined : "The robot is not in the room.";
}

export function refused(place: Place | undefined, capability: Capability): Refusal {
  const refusal = refusedToSend(place);
  if (refusal || !place) {
    return refusal;
  }
  const what = NAMES[capability] ?? capability;
  return place.robot.info?.capabilities.includes(capability)
    ? undefined
    : `${what} is off on this robot (parameter \`capabilities\`: ${capability}), or this link does not allow it`;
}
