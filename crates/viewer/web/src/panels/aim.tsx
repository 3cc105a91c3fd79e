/** Choosing a place on a map or in 3D, and telling the robot of it once that is confirmed. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useDraft } from "../app/hooks";
import { Icon } from "../app/icons";
import type { PanelSpec } from "../app/layout";
import { refused } from "../app/permissions";
import type { Place } from "../app/state";
import { useSetting } from "../app/workspace";
import type { Robot } from "../remote/robot";
import { type Aim, type AimKind, encodeAim, GOAL, INITIAL_POSE } from "../ros/goals";
import { navigatorOf } from "../route/navigator";
import { RouteBar } from "../route/RouteBar";

const KINDS = [GOAL, INITIAL_POSE];
/** A pointer that goes no farther, in metres, does not turn the heading. */
const LEAST_TURN = 0.1;
/** How long it is told that something was sent, in milliseconds. */
const OUTCOME_MS = 5000;

/** What is being chosen: nothing, or a kind of place and where it is so far. */
export interface Aiming {
  kind: AimKind;
  aim: Aim;
}

/** The state of choosing. While there is one, a pointer on the view sets place and heading. */
export function useAim() {
  const [aiming, setAiming] = useState<Aiming>();
  const held = useRef(false);
  return {
    aiming,
    setAiming,
    /** A pointer on the floor, in metres in the frame of the view. Says whether it meant a place. */
    point(type: string, place: { x: number; y: number } | undefined): boolean {
      if (!aiming || !place) {
        return false;
      }
      if (type === "pointerdown") {
        held.current = true;
        setAiming({ ...aiming, aim: { ...aiming.aim, ...place } });
      } else if (type === "pointermove" && held.current) {
        const [dx, dy] = [place.x - aiming.aim.x, place.y - aiming.aim.y];
        if (Math.hypot(dx, dy) > LEAST_TURN) {
          setAiming({ ...aiming, aim: { ...aiming.aim, yaw: Math.atan2(dy, dx) } });
        }
      } else if (type !== "pointermove") {
        held.current = false;
      }
      return true;
    },
  };
}

interface AimProps {
  place: Place;
  aiming: Aiming | undefined;
  setAiming: (aiming: Aiming | undefined) => void;
}

/** Buttons to begin with. `middle` is what is in the middle of the view. */
export function AimTools({
  place,
  aiming,
  setAiming,
  middle,
}: AimProps & { middle: () => { x: number; y: number } }) {
  const refusal = refused(place, "clientPublish");
  return (
    <span class="aim">
      {KINDS.map((kind) => (
        <button
          key={kind.topic}
          type="button"
          class="tool"
          aria-label={kind.name}
          aria-pressed={aiming?.kind === kind}
          disabled={refusal !== undefined}
          title={refusal ?? `${kind.name}: press on the floor and draw to where it looks`}
          onClick={() =>
            setAiming(aiming?.kind === kind ? undefined : { kind, aim: { ...middle(), yaw: 0 } })
          }
        >
          <Icon name={kind === GOAL ? "goal" : "pin"} />
        </button>
      ))}
    </span>
  );
}

interface AimBarProps extends AimProps {
  spec: PanelSpec;
  /** The frame of the view. */
  frame: string;
}

/** The place as numbers, and the confirmation, above the view. */
export function AimBar({ aiming, ...others }: AimBarProps) {
  const isOff = refused(others.place, "clientPublish") !== undefined;
  return (
    <div class="aims">
      {aiming && !isOff && <AimForm key={aiming.kind.topic} aiming={aiming} {...others} />}
      {!isOff && others.spec.id !== "drive" && <RouteBar place={others.place} />}
    </div>
  );
}

type AimFormProps = Omit<AimBarProps, "aiming"> & { aiming: Aiming };

function AimForm({ place, spec, frame, aiming, setAiming }: AimFormProps) {
  const { kind, aim } = aiming;
  const [topic, setTopic] = useSetting(spec, `topic of ${kind.name}`, kind.topic);
  const topicField = useDraft(topic, (text) => setTopic(text || kind.topic));
  const [outcome, setOutcome] = useState<string>();
  const channel = useAdvertised(place.robot, kind, topic);
  useEffect(() => {
    const timer = setTimeout(() => setOutcome(undefined), OUTCOME_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const refusal =
    channel === undefined ? undefined : place.robot.statuses.get(`client-channel-${channel}`)?.message;
  const send = () => {
    const now = place.robot.clockMs(performance.now()) ?? Date.now();
    const isSent = channel !== undefined && place.robot.publish(channel, encodeAim(kind, aim, frame, now));
    setOutcome(isSent ? `Published on ${topic}` : "There is no connection to the robot");
  };
  const set = (change: Partial<Aim>) => setAiming({ kind, aim: { ...aim, ...change } });
  return (
    <form
      class="aim-form"
      aria-label={kind.name}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <b>
        {kind.name} <small>in {frame}</small>
      </b>
      <Coordinate label="x" unit="m" value={aim.x} set={(x) => set({ x })} />
      <Coordinate label="y" unit="m" value={aim.y} set={(y) => set({ y })} />
      <Coordinate
        label="heading"
        unit="°"
        value={(aim.yaw * 180) / Math.PI}
        set={(degrees) => set({ yaw: (degrees * Math.PI) / 180 })}
      />
      <label>
        topic
        <input type="text" {...topicField} />
      </label>
      <button type="submit" class="primary">
        {kind.action}
      </button>
      {kind === GOAL && (
        <button
          type="button"
          title="The robot goes to the places of the route one after another"
          onClick={() => setOutcome(navigatorOf(place.robot).add(aim, frame, topic))}
        >
          Add to the route
        </button>
      )}
      <button type="button" onClick={() => setAiming(undefined)}>
        Close
      </button>
      <small role="status" class={refusal === undefined ? "" : "error"}>
        {refusal ?? outcome}
      </small>
    </form>
  );
}

/** The channel to publish on. It is open before anything is sent: what comes at once may find no listener. */
function useAdvertised(robot: Robot, kind: AimKind, topic: string): number | undefined {
  const [channel, setChannel] = useState<number>();
  useEffect(() => {
    const { schemaName, schema } = kind;
    const id = robot.advertise({ topic, encoding: "cdr", schemaName, schemaEncoding: "ros2msg", schema });
    setChannel(id);
    return () => robot.unadvertise(id);
  }, [robot, kind, topic]);
  return channel;
}

interface CoordinateProps {
  label: string;
  unit: string;
  value: number;
  set: (value: number) => void;
}

function Coordinate({ label, unit, value, set }: CoordinateProps) {
  const field = useDraft(value.toFixed(2), (text) => {
    // A browser gives what is no number as an empty text.
    if (text !== "") {
      set(Number(text));
    }
  });
  return (
    <label>
      {label}
      <input type="number" step="any" required aria-label={label} {...field} />
      <small>{unit}</small>
    </label>
  );
}
