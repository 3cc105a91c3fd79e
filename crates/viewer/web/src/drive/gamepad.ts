/** A gamepad of the standard mapping as a stick with a dead-man's switch. */
import type { Stick } from "./grip";

/** What of a gamepad matters here. */
export interface PadState {
  axes: readonly number[];
  buttons: readonly { pressed: boolean }[];
}

/** Buttons and axes of the standard mapping (https://w3c.github.io/gamepad/#remapping). */
const DEAD_MAN = [4, 5];
const STOP = 1;
const AHEAD_AXIS = 1;
const TURN_AXES = [0, 2];
/** A stick that is let go comes to rest somewhere within. */
const REST = 0.12;

export const GAMEPAD_HELP: readonly [string, string][] = [
  ["L1 or R1 (LB, RB)", "hold to drive"],
  ["left stick", "ahead, back and turn"],
  ["right stick", "turn"],
  ["right button (B, ○)", "STOP"],
];

export interface PadReading {
  /** Where the sticks are, while the dead-man's switch is held. */
  stick: Stick | undefined;
  stop: boolean;
}

export function readPad({ axes, buttons }: PadState): PadReading {
  const isDown = (button: number) => buttons[button]?.pressed ?? false;
  const turn = TURN_AXES.map((axis) => part(axes[axis])).reduce((a, b) =>
    Math.abs(a) < Math.abs(b) ? b : a,
  );
  return {
    stick: DEAD_MAN.some(isDown) ? { ahead: 0 - part(axes[AHEAD_AXIS]), turn: 0 - turn } : undefined,
    stop: isDown(STOP),
  };
}

/** The gamepad that is there, if the browser tells of one and knows its mapping. */
export function firstPad(): Gamepad | undefined {
  const pads = navigator.getGamepads?.() ?? [];
  return pads.find((pad) => pad?.connected && pad.mapping === "standard") ?? undefined;
}

function part(axis: number | undefined): number {
  const size = Math.abs(axis ?? 0);
  return size < REST || axis === undefined ? 0 : (Math.sign(axis) * Math.min(1, size - REST)) / (1 - REST);
}
