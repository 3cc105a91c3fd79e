/** Who has the wheel and who asks for it, as the robot tells with its statuses. */
import type { Robot } from "../remote/robot";

/** Key of the robot's metadata: viewers can ask each other for the wheel. */
const METADATA = "wheel";
/** How long an answer is shown, in milliseconds. As long as the robot keeps a wheel that was handed over. */
const ANSWER_MS = 10_000;

export interface Wheel {
  /** Why one cannot drive now, where another has the wheel or stopped it. */
  obstacle: string | undefined;
  /** Who drives. */
  driver: string | undefined;
  /** Whether a command from here takes the wheel from who drives. */
  canTake: boolean;
  /** Who asks for the wheel that is held here. */
  asker: string | undefined;
  /** What became of the question from here. */
  answer: string | undefined;
  /** Whether one can ask at all. */
  canAsk: boolean;
}

export function wheelOf(robot: Robot, topic: string, nowMs: number): Wheel {
  const driven = robot.statuses.get(`driven-${topic}`);
  const { driver, heir, mayTake = false } = driven?.wheel ?? {};
  const asked = robot.statuses.get(`asked-${topic}`);
  const answer = robot.statuses.get(`wheel-${topic}`);
  const isRecent = answer !== undefined && nowMs - answer.atMs < ANSWER_MS;
  return {
    // A robot that tells no fields has said it in words.
    obstacle:
      driver !== undefined
        ? `Driven by ${driver}`
        : heir !== undefined
          ? `Handed to ${heir}`
          : driven?.message,
    driver,
    canTake: mayTake,
    asker: asked && (asked.wheel?.asker ?? "Somebody"),
    answer: isRecent ? answer.message : undefined,
    canAsk: driver !== undefined && robot.info?.metadata[METADATA] === "true",
  };
}
