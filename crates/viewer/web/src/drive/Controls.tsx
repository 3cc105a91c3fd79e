/** How fast, on which topic, and by how old pictures one may drive. */
import { duration } from "../app/format";
import { useDraft } from "../app/hooks";
import type { TwistType } from "../ros/twist";
import { GAMEPAD_HELP } from "./gamepad";
import type { Pilot } from "./pilot";
import { MAX_AGES_MS, PRESETS, SPEED_RANGE, TURN_RANGE } from "./settings";

export function Presets({ pilot }: { pilot: Pilot }) {
  const { speed, turnSpeed } = pilot.settings.value;
  return (
    <fieldset class="presets">
      <legend class="hidden">Speed</legend>
      {PRESETS.map((preset) => (
        <button
          key={preset.name}
          type="button"
          aria-pressed={preset.speed === speed && preset.turnSpeed === turnSpeed}
          title={`${preset.speed} m/s, ${preset.turnSpeed} rad/s`}
          onClick={() => pilot.change({ speed: preset.speed, turnSpeed: preset.turnSpeed })}
        >
          {preset.name}
        </button>
      ))}
    </fieldset>
  );
}

export function DriveSettings({ pilot }: { pilot: Pilot }) {
  const { topic, type, speed, turnSpeed, maxAgeMs } = pilot.settings.value;
  const topicField = useDraft(topic, (text) => pilot.change({ topic: text || "/cmd_vel" }));
  return (
    <div class="settings">
      <Presets pilot={pilot} />
      <Slider
        label="Max speed"
        unit="m/s"
        value={speed}
        range={SPEED_RANGE}
        set={(value) => pilot.change({ speed: value })}
      />
      <Slider
        label="Max turn rate"
        unit="rad/s"
        value={turnSpeed}
        range={TURN_RANGE}
        set={(value) => pilot.change({ turnSpeed: value })}
      />
      <label
        class="field"
        title="Driving is locked while the picture, the odometry or the last answer is older"
      >
        <span>Lock when older than</span>
        <select
          value={maxAgeMs}
          onChange={(event) => pilot.change({ maxAgeMs: Number(event.currentTarget.value) })}
        >
          {MAX_AGES_MS.map((each) => (
            <option key={each} value={each}>
              {duration(each)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Topic</span>
        <input type="text" {...topicField} />
      </label>
      <label class="field">
        <span>Type</span>
        <select
          value={type}
          onChange={(event) => pilot.change({ type: event.currentTarget.value as TwistType })}
        >
          <option value="geometry_msgs/msg/Twist">Twist</option>
          <option value="geometry_msgs/msg/TwistStamped">TwistStamped</option>
        </select>
      </label>
      <details class="gamepad">
        <summary>Gamepad: {pilot.gamepad.value ?? "none, press one of its buttons"}</summary>
        <dl>
          {GAMEPAD_HELP.map(([control, what]) => (
            <div key={control}>
              <dt>{control}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </details>
    </div>
  );
}

interface SliderProps {
  label: string;
  unit: string;
  value: number;
  range: readonly [number, number];
  set: (value: number) => void;
}

function Slider({ label, unit, value, range: [least, most], set }: SliderProps) {
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
        min={least}
        max={most}
        step={0.05}
        value={value}
        onInput={(event) => set(Number(event.currentTarget.value))}
      />
    </label>
  );
}
