/** Says why a topic shows nothing yet. */
import { refusedToSend } from "../app/permissions";
import type { Place } from "../app/state";
import { Hint } from "./parts";

export function Waiting({ place, topic }: { place: Place; topic: string | undefined }) {
  const refusal = refusedToSend(place);
  if (refusal) {
    return <Hint>{refusal}</Hint>;
  }
  if (topic !== undefined && !place.robot.channel(topic)) {
    return <Hint>The robot has no topic {topic} now.</Hint>;
  }
  return <Hint>Waiting for a message …</Hint>;
}
