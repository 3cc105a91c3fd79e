/** Map, way and place of the robot from above. */
import { useEffect, useRef, useState } from "preact/hooks";
import { latestMessage, useFrame, useRepaint, useTransforms, useWatch } from "../../app/hooks";
import { PATHS } from "../../app/icons";
import { useSetting } from "../../app/workspace";
import { typeOf } from "../../ros/kinds";
import { yaw } from "../../ros/tf";
import { navigatorOf } from "../../route/navigator";
import { AimBar, AimTools, useAim } from "../aim";
import { LayerMenu, shownLayers } from "../layers";
import type { PanelProps, PanelType } from "../panel";
import { Hint, Tool } from "../parts";
import type { LayerTypes } from "../unasked";
import { Waiting } from "../Waiting";
import { scrollsPage } from "../wheel";
import { drawMap, type MapCamera, type MapLayer, placeUnder } from "./draw";

export const map: PanelType = {
  title: "Map",
  icon: PATHS.map,
  isAddable: true,
  Body: MapPanel,
};

/** Smooth enough to turn and move by hand. */
const PER_SECOND = 30;

const TYPES: LayerTypes = {
  "nav_msgs/OccupancyGrid": 1,
  "nav_msgs/Path": 2,
  "nav_msgs/Odometry": 1,
  "geometry_msgs/PoseStamped": 1,
  "geometry_msgs/PoseWithCovarianceStamped": 1,
  "geometry_msgs/PoseArray": 1,
  "sensor_msgs/LaserScan": 1,
};
const START: MapCamera = { x: 0, y: 0, pixelsPerMetre: 36, isFitted: false };
const STEP = 40;

export function MapPanel({ place, spec, visible }: PanelProps) {
  const { robot } = place;
  const canvas = useRef<HTMLCanvasElement>(null);
  const camera = useRef<MapCamera>({ ...START });
  const [problem, setProblem] = useState<string>();
  const [follows, setFollows] = useSetting(spec, "follow", false);
  const [where, setWhere] = useState<string>();
  const [frame, setFrame] = useState("");
  const { aiming, setAiming, point } = useAim();
  const navigator = navigatorOf(robot);
  const store = useTransforms(robot, visible);
  const layers = shownLayers(robot, TYPES, spec);
  useWatch(robot, layers, visible);
  useRepaint(visible, 1);

  useFrame(visible, PER_SECOND, () => {
    if (!canvas.current || !store) {
      return false;
    }
    const shown: MapLayer[] = [];
    let broken: string | undefined;
    for (const topic of layers) {
      const channel = robot.channel(topic);
      const message = channel && latestMessage(channel);
      if (message?.error !== undefined) {
        broken = `${topic}: ${message.error}`;
      } else if (channel && message) {
        shown.push({ topic, type: typeOf(channel), message: message.value });
      }
    }
    try {
      const { robot: pose, frame } = drawMap(
        canvas.current,
        camera.current,
        shown,
        store.current,
        aiming?.aim,
        { places: navigator.places.value, frame: navigator.frame },
      );
      setFrame(frame);
      if (pose && follows) {
        camera.current.x = pose.position.x;
        camera.current.y = pose.position.y;
      }
      const degrees = pose && Math.round((yaw(pose.orientation) * 180) / Math.PI);
      setWhere(pose && `${pose.position.x.toFixed(2)}, ${pose.position.y.toFixed(2)} m, ${degrees}°`);
    } catch (error) {
      broken = error instanceof Error ? error.message : String(error);
    }
    setProblem(broken);
    return true;
  });

  const leave = () => {
    if (follows) {
      setFollows(false);
    }
  };
  const drag = useDrag(canvas, camera, leave, point);
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
      ArrowUp: [0, STEP],
      ArrowDown: [0, -STEP],
    };
    const move = moves[event.key];
    if (move) {
      camera.current.x += move[0] / camera.current.pixelsPerMetre;
      camera.current.y += move[1] / camera.current.pixelsPerMetre;
      leave();
    } else if (event.key === "+" || event.key === "-") {
      zoom(camera.current, event.key === "+" ? 1.25 : 0.8);
    } else {
      return;
    }
    event.preventDefault();
  };
  return (
    <div class="body map">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label={`Map${where ? `: the robot is at ${where}` : ""}. Arrow keys move, + and - zoom.`}
        onKeyDown={onKeyDown}
        {...drag}
      />
      {problem !== undefined && <Hint error>{problem}</Hint>}
      {problem === undefined && !layers.some((topic) => robot.channel(topic)?.latest) && (
        <Waiting place={place} topic={undefined} />
      )}
      <AimBar place={place} spec={spec} frame={frame} aiming={aiming} setAiming={setAiming} />
      <div class="figures overlay">
        <LayerMenu robot={robot} spec={spec} types={TYPES} />
        <label>
          <input type="checkbox" checked={follows} onChange={() => setFollows(!follows)} /> follow
        </label>
        {spec.id !== "drive" && (
          <AimTools
            place={place}
            aiming={aiming}
            setAiming={setAiming}
            middle={() => ({ x: camera.current.x, y: camera.current.y })}
          />
        )}
        <Tool
          icon="reset"
          label="Back to the first view"
          run={() => {
            camera.current = { ...START };
          }}
        />
        {where !== undefined && <span class="where">{where}</span>}
      </div>
    </div>
  );
}

/** Zooms; what is at the place, if one is given, stays where it is on the screen. */
function zoom(camera: MapCamera, factor: number, fixed?: { x: number; y: number }): void {
  const before = camera.pixelsPerMetre;
  camera.pixelsPerMetre = Math.min(2000, Math.max(1, before * factor));
  if (fixed) {
    const part = before / camera.pixelsPerMetre;
    camera.x = fixed.x + (camera.x - fixed.x) * part;
    camera.y = fixed.y + (camera.y - fixed.y) * part;
  }
}

/** Drag to move, wheel or two fingers to zoom; what `point` takes is for choosing a place. */
function useDrag(
  canvas: { current: HTMLCanvasElement | null },
  camera: { current: MapCamera },
  moved: () => void,
  point: (type: string, place: { x: number; y: number } | undefined) => boolean,
) {
  const fingers = useRef(new Map<number, { x: number; y: number }>());
  useEffect(() => {
    const target = canvas.current;
    const onWheel = (event: WheelEvent) => {
      if (target && !scrollsPage(event, target)) {
        event.preventDefault();
        zoom(camera.current, Math.exp(-event.deltaY / 400), placeUnder(target, camera.current, event));
      }
    };
    // Added by hand: the page could not keep a passive listener from scrolling.
    target?.addEventListener("wheel", onWheel, { passive: false });
    return () => target?.removeEventListener("wheel", onWheel);
  }, [canvas, camera]);
  const spread = () => {
    const [a, b] = [...fingers.current.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  const isTaken = (event: PointerEvent) =>
    canvas.current !== null && point(event.type, placeUnder(canvas.current, camera.current, event));
  const onPointerUp = (event: PointerEvent) => {
    isTaken(event);
    fingers.current.delete(event.pointerId);
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      if (isTaken(event)) {
        canvas.current?.setPointerCapture(event.pointerId);
        return;
      }
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      canvas.current?.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent) => {
      const last = fingers.current.get(event.pointerId);
      if (!last && isTaken(event)) {
        return;
      }
      if (!last) {
        return;
      }
      const before = spread();
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const after = spread();
      if (before > 0 && after > 0) {
        zoom(camera.current, after / before);
      } else {
        camera.current.x -= (event.clientX - last.x) / camera.current.pixelsPerMetre;
        camera.current.y += (event.clientY - last.y) / camera.current.pixelsPerMetre;
      }
      moved();
    },
    onPointerUp,
    onPointerCancel: onPointerUp,
  };
}
