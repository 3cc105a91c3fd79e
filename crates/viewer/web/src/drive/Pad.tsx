/** The stick for finger, mouse and keyboard, and what it says. */
import { useEffect } from "preact/hooks";
import type { Stick } from "./grip";
import type { Pilot } from "./pilot";

const CENTRE: Stick = { ahead: 0, turn: 0 };
/** How far from the middle full speed is, as a part of the pad's size. */
const REACH = 0.38;

/** Takes commands while it is `active`, that is seen. */
export function Pad({ pilot, active }: { pilot: Pilot; active: boolean }) {
  useEffect(() => (active ? pilot.use() : undefined), [pilot, active]);
  const lock = pilot.lock.value;
  const isLocked = lock !== undefined;
  const stick = pilot.stick.value;
  const knob = stick ?? CENTRE;
  const { grip } = pilot;

  const onKey = (event: KeyboardEvent) => {
    if (grip.owns(event)) {
      event.preventDefault();
    }
    if (grip.key(event)) {
      pilot.hold(grip.keys);
    }
  };
  const onPointer = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (event.type === "pointerdown") {
      event.currentTarget.setPointerCapture(event.pointerId);
      event.currentTarget.focus();
      grip.press(event.pointerId);
    } else if (!grip.isHeldBy(event.pointerId)) {
      return;
    }
    pilot.hold(stickAt(event));
  };
  const letGo = () => {
    pilot.release();
  };
  return (
    <div
      class={`pad ${stick ? "held" : ""}`}
      role="application"
      aria-label="Drive: hold the arrow keys, or W, A, S and D. The robot stops when you let go. Space is STOP."
      aria-disabled={isLocked}
      title={lock ?? "Hold to drive; let go to stop"}
      tabIndex={isLocked ? -1 : 0}
      onPointerDown={isLocked ? undefined : onPointer}
      onPointerMove={onPointer}
      onPointerUp={letGo}
      onPointerCancel={letGo}
      onLostPointerCapture={letGo}
      onKeyDown={isLocked ? undefined : onKey}
      onKeyUp={onKey}
      onBlur={letGo}
    >
      <span
        class="knob"
        style={{ left: `${50 - 100 * REACH * knob.turn}%`, top: `${50 - 100 * REACH * knob.ahead}%` }}
        aria-hidden="true"
      />
    </div>
  );
}

/** What the robot is told. */
export function Speeds({ pilot }: { pilot: Pilot }) {
  const stick = pilot.stick.value;
  const knob = stick ?? CENTRE;
  const { speed, turnSpeed } = pilot.settings.value;
  const isLocked = pilot.lock.value !== undefined;
  return (
    <p class="speeds">
      <span>{(knob.ahead * speed).toFixed(2)} m/s</span>
      <span>{(knob.turn * turnSpeed).toFixed(2)} rad/s</span>
      <b class={stick ? "on" : ""}>{isLocked ? "locked" : stick ? "driving" : "stopped"}</b>
    </p>
  );
}

/** Where a pointer holds the stick: the middle of the pad is standing still, its edge full speed. */
function stickAt(event: PointerEvent & { currentTarget: HTMLElement }): Stick {
  const box = event.currentTarget.getBoundingClientRect();
  const x = (event.clientX - box.left - box.width / 2) / (REACH * box.width);
  const y = (event.clientY - box.top - box.height / 2) / (REACH * box.height);
  const size = Math.max(1, Math.hypot(x, y));
  const round = (part: number) => (Math.abs(part) < 0.06 ? 0 : part);
  return { ahead: round(-y / size), turn: round(-x / size) };
}
