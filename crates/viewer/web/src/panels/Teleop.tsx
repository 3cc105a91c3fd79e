/** Drives the robot: by a stick for finger or mouse, or by the keyboard. It stops when let go. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { stopOnLeaving } from "../app/leaving";
import { refused } from "../app/permissions";
import type { TwistType } from "../ros/twist";
import { Driver } from "./driver";
import { Grip, type Stick } from "./grip";
import { Hint, type PanelProps } from "./parts";

const CENTRE: Stick = { ahead: 0, turn: 0 };

export function TeleopPanel({ place, visible }: PanelProps) {
  const [topic, setTopic] = useState("/cmd_vel");
  const [type, setType] = useState<TwistType>("geometry_msgs/msg/Twist");
  const [speed, setSpeed] = useState(0.5);
  const [turnSpeed, setTurnSpeed] = useState(1);
  const [stick, setStick] = useState<Stick>();
  const grip = useRef(new Grip()).current;
  const driver = useMemo(() => new Driver(place.robot, topic, type), [place.robot, topic, type]);
  const refusal = refused(place, "clientPublish") ?? driver.refusal;
  const isReady = refusal === undefined && visible;

  useEffect(() => {
    const letGo = () => {
      const wasDriving = driver.isDriving;
      grip.release();
      setStick(undefined);
      driver.stop();
      return wasDriving;
    };
    const onVisibility = () => document.visibilityState === "hidden" && letGo();
    const stay = stopOnLeaving(letGo);
    window.addEventListener("blur", letGo);
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      stay();
      window.removeEventListener("blur", letGo);
      document.removeEventListener("visibilitychange", onVisibility);
      letGo();
      driver.dispose();
    };
  }, [driver, grip]);
  useEffect(() => {
    if (!isReady) {
      grip.release();
      setStick(undefined);
      driver.stop();
    }
  }, [isReady, driver, grip]);

  const hold = (next: Stick | undefined) => {
    setStick(next);
    if (next && isReady) {
      driver.drive({ ahead: next.ahead * speed, left: 0, turn: next.turn * turnSpeed });
    } else {
      driver.stop();
    }
  };
  const onKey = (event: KeyboardEvent) => {
    if (grip.owns(event)) {
      event.preventDefault();
    }
    if (grip.key(event)) {
      hold(grip.keys);
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
    hold(stickAt(event));
  };
  const letGo = () => {
    grip.release();
    hold(undefined);
  };
  const knob = stick ?? CENTRE;
  return (
    <div class="body teleop">
      {refusal !== undefined && <Hint>{refusal}</Hint>}
      <div class="stick">
        <div
          class={`pad ${stick && refusal === undefined ? "held" : ""}`}
          role="application"
          aria-label="Drive: hold the arrow keys, or W, A, S and D. The robot stops when you let go."
          aria-disabled={refusal !== undefined}
          title={refusal ?? "Hold to drive; let go to stop"}
          tabIndex={refusal === undefined ? 0 : -1}
          onPointerDown={refusal === undefined ? onPointer : undefined}
          onPointerMove={onPointer}
          onPointerUp={letGo}
          onPointerCancel={letGo}
          onLostPointerCapture={letGo}
          onKeyDown={refusal === undefined ? onKey : undefined}
          onKeyUp={onKey}
          onBlur={letGo}
        >
          <span
            class="knob"
            style={{ left: `${50 - 38 * knob.turn}%`, top: `${50 - 38 * knob.ahead}%` }}
            aria-hidden="true"
          />
        </div>
        <p class="speeds" aria-live="off">
          <output>{(knob.ahead * speed).toFixed(2)} m/s</output>
          <output>{(knob.turn * turnSpeed).toFixed(2)} rad/s</output>
          <b class={stick && refusal === undefined ? "on" : ""}>{stateOf(stick, refusal)}</b>
        </p>
      </div>
      <div class="settings">
        <Slider label="fastest" unit="m/s" value={speed} most={3} set={setSpeed} />
        <Slider label="fastest turn" unit="rad/s" value={turnSpeed} most={4} set={setTurnSpeed} />
        <label class="field">
          <span>topic</span>
          <input type="text" value={topic} onChange={(event) => setTopic(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>type</span>
          <select value={type} onChange={(event) => setType(event.currentTarget.value as TwistType)}>
            <option value="geometry_msgs/msg/Twist">Twist</option>
            <option value="geometry_msgs/msg/TwistStamped">TwistStamped</option>
          </select>
        </label>
      </div>
    </div>
  );
}

interface SliderProps {
  label: string;
  unit: string;
  value: number;
  most: number;
  set: (value: number) => void;
}

function Slider({ label, unit, value, most, set }: SliderProps) {
  return (
    <label class="field">
      <span>
        {label}{" "}
        <small>
          {value.toFixed(2)} {unit}
        </small>
      </span>
      <input
        type="range"
        min={0.05}
        max={most}
        step={0.05}
        value={value}
        onInput={(event) => set(Number(event.currentTarget.value))}
      />
    </label>
  );
}

function stateOf(stick: Stick | undefined, refusal: string | undefined): string {
  if (refusal !== undefined) {
    return "refused";
  }
  return stick ? "driving" : "stopped";
}

/** Where a pointer holds the stick: the middle of the pad is standing still, its edge full speed. */
function stickAt(event: PointerEvent & { currentTarget: HTMLElement }): Stick {
  const box = event.currentTarget.getBoundingClientRect();
  const x = (event.clientX - box.left - box.width / 2) / (0.38 * box.width);
  const y = (event.clientY - box.top - box.height / 2) / (0.38 * box.height);
  const size = Math.max(1, Math.hypot(x, y));
  const round = (part: number) => (Math.abs(part) < 0.06 ? 0 : part);
  return { ahead: round(-y / size), turn: round(-x / size) };
}
