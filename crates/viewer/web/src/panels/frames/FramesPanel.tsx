/** The robot's frames as a tree: what is fixed to what, and how old each transform is. */
import { useState } from "preact/hooks";
import { age } from "../../app/format";
import { useRepaint, useTransforms } from "../../app/hooks";
import { type Pose, type Transforms, yaw } from "../../ros/tf";
import type { PanelProps } from "../panel";
import { Hint } from "../parts";

const PER_SECOND = 4;
/** Frames that are listed. */
const MAX_FRAMES = 500;
const MAX_DEPTH = 50;

export default function FramesPanel({ place, visible }: PanelProps) {
  const store = useTransforms(place.robot, visible);
  const [chosen, setChosen] = useState<string>();
  useRepaint(visible, PER_SECOND);
  const transforms = store?.current;
  const links = transforms?.links() ?? [];
  const children = new Map<string, string[]>();
  for (const { frame, parent } of links) {
    children.set(parent, [...(children.get(parent) ?? []), frame]);
  }
  const byFrame = new Map(links.map((link) => [link.frame, link]));
  const roots = [...children.keys()].filter((frame) => !byFrame.has(frame)).sort();
  const nowMs = place.robot.clockMs(performance.now());
  let listed = 0;
  const draw = (frame: string, depth: number) => {
    listed += 1;
    if (listed > MAX_FRAMES || depth > MAX_DEPTH) {
      return null;
    }
    const link = byFrame.get(frame);
    const timeS = link?.timeS ?? 0;
    const old = nowMs === undefined ? "" : age(Math.max(0, nowMs - 1000 * timeS));
    const below = (children.get(frame) ?? []).sort();
    return (
      <li key={frame} data-frame={frame}>
        <button type="button" class="frame" aria-pressed={chosen === frame} onClick={() => setChosen(frame)}>
          <span class="key">{frame}</span>
          <small>{link === undefined ? "root" : link.isStatic ? "static" : old}</small>
        </button>
        {below.length > 0 && <ul>{below.map((each) => draw(each, depth + 1))}</ul>}
      </li>
    );
  };
  return (
    <div class="body frames">
      {roots.length === 0 && <Hint>No transforms yet: the robot publishes none on /tf or /tf_static.</Hint>}
      {roots.length > 1 && <Hint>{roots.length} trees: nothing connects them.</Hint>}
      <ul>{roots.map((root) => draw(root, 0))}</ul>
      {listed > MAX_FRAMES && <Hint>{listed - MAX_FRAMES} more.</Hint>}
      {chosen !== undefined && transforms && <Detail transforms={transforms} frame={chosen} />}
    </div>
  );
}

function Detail({ transforms, frame }: { transforms: Transforms; frame: string }) {
  const parent = transforms.parent(frame);
  const seen = [parent, transforms.root(frame)].filter((each) => each !== undefined && each !== frame);
  return (
    <dl class="frame-detail" aria-label={`Where ${frame} is`}>
      {[...new Set(seen)].map((from) => {
        const pose = from === undefined ? undefined : transforms.pose(frame, from);
        return (
          <div key={from}>
            <dt>
              {frame} in {from}
            </dt>
            <dd>{pose ? text(pose) : "–"}</dd>
          </div>
        );
      })}
      {seen.length === 0 && (
        <div>
          <dt>{frame}</dt>
          <dd>is a root</dd>
        </div>
      )}
    </dl>
  );
}

function text({ position: { x, y, z }, orientation }: Pose): string {
  const degrees = (yaw(orientation) * 180) / Math.PI;
  return `${x.toFixed(3)}, ${y.toFixed(3)}, ${z.toFixed(3)} m, yaw ${degrees.toFixed(1)}°`;
}
