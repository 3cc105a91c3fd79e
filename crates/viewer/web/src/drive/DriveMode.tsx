/** Drive mode on the screen: picture, stick, speed, age, battery and map. */
import { useState } from "preact/hooks";
import { ageMs } from "../app/age";
import { age } from "../app/format";
import { latestMessage, useRepaint, useWatch } from "../app/hooks";
import type { Place } from "../app/state";
import { MapPanel } from "../panels/map";
import { Tool } from "../panels/parts";
import { PicturePanel } from "../panels/picture";
import { canDecodeVideo } from "../panels/picture/video";
import type { Robot } from "../remote/robot";
import { camerasOf } from "../ros/cameras";
import { topicsOf } from "../ros/kinds";
import { Presets } from "./Controls";
import { AskForWheel } from "./Handover";
import { closeDriveMode } from "./mode";
import { Pad, Speeds } from "./Pad";
import { pilotOf } from "./pilot";

export function DriveMode({ place }: { place: Place }) {
  const { robot } = place;
  const pilot = pilotOf(place);
  const channels = [...robot.channels.values()];
  const cameras = camerasOf(channels, canDecodeVideo.value ?? false).flatMap((each) =>
    each.channels.map(({ topic }) => topic),
  );
  const [chosen, choose] = useState<string>();
  // Of a video of two sizes the panel shows one.
  const [shown, setShown] = useState<string>();
  const camera = cameras.find((topic) => topic === chosen) ?? cameras[0];
  const lock = pilot.lock.value;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      closeDriveMode();
    }
  };
  return (
    <section class="drive-mode" aria-label="Drive mode" onKeyDown={onKeyDown}>
      {camera === undefined ? (
        <p class="hint">The robot has no camera.</p>
      ) : (
        <PicturePanel
          key={camera}
          place={place}
          spec={{ id: "drive", kind: "picture", topic: camera }}
          visible
          onShown={setShown}
        />
      )}
      <div class="drive-top">
        <Figures robot={robot} camera={shown ?? camera} />
        <span class="spring" />
        {cameras.length > 1 && (
          <select
            aria-label="Camera"
            value={camera}
            onChange={(event) => {
              choose(event.currentTarget.value);
              setShown(undefined);
            }}
          >
            {cameras.map((topic) => (
              <option key={topic}>{topic}</option>
            ))}
          </select>
        )}
        <Tool icon="close" label="Leave drive mode" run={closeDriveMode} />
      </div>
      <div class="drive-notices">
        {lock !== undefined && (
          <p class="drive-lock">
            {/* The reason tells seconds, which nobody wants to hear ten times each. */}
            <span class="hidden" role="alert">
              Driving is locked
            </span>
            {lock}
          </p>
        )}
        <AskForWheel pilot={pilot} />
      </div>
      <div class="drive-map">
        <MapPanel place={place} spec={{ id: "drive", kind: "map" }} visible />
      </div>
      <div class="drive-stick">
        <Pad pilot={pilot} active />
        <Speeds pilot={pilot} />
        <Presets pilot={pilot} />
      </div>
    </section>
  );
}

interface Odometry {
  twist: { twist: { linear: { x: number }; angular: { z: number } } };
}

/** How fast it is, how full the battery, and how old the picture. */
function Figures({ robot, camera }: { robot: Robot; camera: string | undefined }) {
  const channels = [...robot.channels.values()];
  const odometry = topicsOf(channels, "nav_msgs/Odometry", 1)[0];
  const battery = topicsOf(channels, "sensor_msgs/BatteryState", 1)[0];
  useWatch(
    robot,
    [odometry, battery].filter((topic) => topic !== undefined),
    true,
  );
  useRepaint(true, 10);
  const twist = newest<Odometry>(robot, odometry)?.twist.twist;
  const charge = newest<{ percentage: number }>(robot, battery)?.percentage;
  const picture = camera === undefined ? undefined : robot.channel(camera);
  return (
    <p class="drive-figures">
      <b data-figure="speed">{twist ? `${twist.linear.x.toFixed(2)} m/s` : "– m/s"}</b>
      {picture && <span data-figure="age">picture {age(ageMs(robot, picture))}</span>}
      <span data-figure="rtt">RTT {robot.rttMs === undefined ? "–" : `${robot.rttMs.toFixed(0)} ms`}</span>
      {charge !== undefined && Number.isFinite(charge) && (
        <span data-figure="battery">battery {Math.round(100 * charge)} %</span>
      )}
    </p>
  );
}

function newest<T>(robot: Robot, topic: string | undefined): T | undefined {
  const channel = topic === undefined ? undefined : robot.channel(topic);
  return channel && (latestMessage(channel)?.value as T | undefined);
}
