/** Point clouds, scans, maps, paths and frames in three dimensions. */
import { useEffect, useRef, useState } from "preact/hooks";
import { picturesHaveCome } from "../../app/firstPicture";
import { decodeMessage, latestMessage, useFrame, useRepaint, useTransforms, useWatch } from "../../app/hooks";
import { useSetting } from "../../app/workspace";
import type { Draco } from "../../lazy/draco";
import type { Channel } from "../../remote/channel";
import { type CompressedPointCloud, dracoPoints } from "../../ros/draco";
import { isCostmap, type OccupancyGrid } from "../../ros/grid";
import { typeOf } from "../../ros/kinds";
import { cloudPoints, type LaserScan, type PointCloud2, scanPoints } from "../../ros/pointcloud";
import { type Pose, type Stamp, seconds, type Transforms } from "../../ros/tf";
import { AimBar, type Aiming, AimTools, useAim } from "../aim";
import { LayerMenu, shownLayers } from "../layers";
import type { PanelProps } from "../panel";
import { Hint, Tool } from "../parts";
import type { LayerTypes } from "../unasked";
import { Waiting } from "../Waiting";
import { type Marker, Markers } from "./markers";
import { loadMesh } from "./model";
import { useDraco } from "./useDraco";
import { useModel } from "./useModel";
import { SceneView } from "./view";

/** Smooth enough to turn and move by hand. */
const PER_SECOND = 30;

const COMPRESSED_CLOUD = "foxglove_msgs/CompressedPointCloud";
const TYPES: LayerTypes = {
  [COMPRESSED_CLOUD]: 1,
  "sensor_msgs/PointCloud2": 1,
  "sensor_msgs/LaserScan": 1,
  "nav_msgs/OccupancyGrid": 1,
  "nav_msgs/Path": 2,
  "visualization_msgs/Marker": 4,
  "visualization_msgs/MarkerArray": 4,
  "geometry_msgs/PoseStamped": 1,
  "geometry_msgs/PoseWithCovarianceStamped": 1,
  "geometry_msgs/PoseArray": 1,
};
/** Of these every message counts, not only the newest. */
const MARKERS = ["visualization_msgs/Marker", "visualization_msgs/MarkerArray"];
/** Messages of markers that may wait to be drawn; the oldest go first. */
const MAX_WAITING = 200;
/** Name of the layer with the place that is being chosen. */
const AIM = "\nplace";

export default function ScenePanel({ place, spec, visible }: PanelProps) {
  const { robot } = place;
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<SceneView | undefined>(undefined);
  const markers = useRef<Markers | undefined>(undefined);
  const waiting = useRef<{ channel: Channel; data: Uint8Array }[]>([]);
  const drawn = useRef(new Map<string, Uint8Array>());
  const { aiming, setAiming, point } = useAim();
  const [problem, setProblem] = useState<string>();
  const [isEmpty, setEmpty] = useState(true);
  const [fixed, setFixed] = useSetting(spec, "fixed_frame", "");
  const [follows, setFollows] = useSetting(spec, "follow", false);
  const [hasNames, setNames] = useSetting(spec, "frame_names", false);
  const store = useTransforms(robot, visible);
  const layers = shownLayers(robot, TYPES, spec);
  const isCompressed = layers.some((topic) => isCompressedCloud(robot.channel(topic)));
  const draco = useDraco(isCompressed);
  useWatch(robot, layers, visible, (channel, data) => {
    if (MARKERS.includes(typeOf(channel))) {
      waiting.current.push({ channel, data });
      if (waiting.current.length > MAX_WAITING) {
        waiting.current.shift();
      }
    }
  });
  const [hasModel, setModel] = useSetting(spec, "model", true);
  const model = useModel(robot, visible, hasModel);
  useRepaint(visible, 1);

  useEffect(() => {
    let isOver = false;
    void (async () => {
      try {
        await picturesHaveCome();
        const three = await import("../../lazy/three");
        if (!isOver && canvas.current) {
          view.current = new SceneView(three, canvas.current);
          markers.current = new Markers(three, view.current, (uri) => loadMesh(uri, robot));
        }
      } catch (error) {
        setProblem(`This browser shows no 3D: ${error instanceof Error ? error.message : error}`);
      }
    })();
    return () => {
      isOver = true;
      view.current?.dispose();
      view.current = undefined;
      drawn.current.clear();
    };
  }, []);

  useFrame(visible, PER_SECOND, () => {
    const scene = view.current;
    if (!scene || !store) {
      return false;
    }
    const transforms = store.current;
    const frame = fixed || defaultFrame(transforms, layers, robot.channel.bind(robot));
    try {
      for (const { channel, data } of waiting.current.splice(0)) {
        takeMarkers(markers.current, channel, data);
      }
      markers.current?.expire(performance.now());
      for (const topic of layers) {
        const channel = robot.channel(topic);
        const isReady = !isCompressedCloud(channel) || draco.decoder;
        if (channel?.latest && isReady && drawn.current.get(topic) !== channel.latest) {
          drawn.current.set(topic, channel.latest);
          show(scene, channel, draco.decoder);
        }
      }
      for (const topic of drawn.current.keys()) {
        if (!layers.includes(topic)) {
          drawn.current.delete(topic);
          markers.current?.clear(topic);
          scene.remove(topic);
        }
      }
      setEmpty(drawn.current.size === 0);
      model.update(scene);
      scene.isFixed = aiming !== undefined;
      showAim(scene, frame, aiming);
      scene.place(transforms, frame, robotFrame(transforms), follows);
      scene.showNames(hasNames);
      setProblem(markers.current?.problem ?? draco.problem);
      return scene.render();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      return false;
    }
  });

  const onPointer = (event: PointerEvent) => {
    point(event.type, view.current?.floorUnder(event));
  };
  const frames = store?.current.names() ?? [];
  const first = store && defaultFrame(store.current, layers, robot.channel.bind(robot));
  return (
    <div class="body scene">
      <canvas
        ref={canvas}
        tabIndex={0}
        aria-label="3D view. Drag to turn, scroll to come nearer."
        onPointerDown={onPointer}
        onPointerMove={onPointer}
        onPointerUp={onPointer}
        onPointerCancel={onPointer}
      />
      {problem !== undefined && <Hint error>{problem}</Hint>}
      {problem === undefined && isEmpty && <Waiting place={place} topic={undefined} />}
      <AimBar
        place={place}
        spec={spec}
        frame={fixed || (first ?? "map")}
        aiming={aiming}
        setAiming={setAiming}
      />
      <div class="figures overlay">
        <LayerMenu robot={robot} spec={spec} types={TYPES} />
        <label>
          Fixed frame:{" "}
          <select value={fixed} onChange={(event) => setFixed(event.currentTarget.value)}>
            <option value="">{first ?? "map"}</option>
            {frames.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={follows} onChange={() => setFollows(!follows)} /> follow
        </label>
        <label>
          <input type="checkbox" checked={hasNames} onChange={() => setNames(!hasNames)} /> Frame names
        </label>
        {model.exists && (
          <label title={model.problem}>
            <input type="checkbox" checked={hasModel} onChange={() => setModel(!hasModel)} /> Robot model
            {model.problem !== undefined && <span class="error"> !</span>}
          </label>
        )}
        <AimTools
          place={place}
          aiming={aiming}
          setAiming={setAiming}
          middle={() => view.current?.middle ?? { x: 0, y: 0 }}
        />
        <Tool icon="reset" label="Back to the first view" run={() => view.current?.resetCamera()} />
      </div>
    </div>
  );
}

function takeMarkers(markers: Markers | undefined, channel: Channel, data: Uint8Array): void {
  const { value, error } = decodeMessage(channel, data);
  if (error !== undefined) {
    throw new Error(`${channel.topic}: ${error}`);
  }
  const isArray = typeOf(channel) === "visualization_msgs/MarkerArray";
  const all = isArray ? (value as { markers: Marker[] }).markers : [value as Marker];
  for (const marker of all) {
    markers?.take(channel.topic, marker, performance.now());
  }
}

/** An arrowhead where the place that is being chosen is. */
function showAim(scene: SceneView, frame: string, aiming: Aiming | undefined): void {
  if (!aiming) {
    scene.remove(AIM);
    return;
  }
  const { x, y, yaw } = aiming.aim;
  const orientation = { x: 0, y: 0, z: Math.sin(yaw / 2), w: Math.cos(yaw / 2) };
  scene.poses(AIM, { frame, timeS: undefined }, [{ position: { x, y, z: 0 }, orientation }], 0x3ecf8e);
}

function isCompressedCloud(channel: Channel | undefined): boolean {
  return channel !== undefined && typeOf(channel) === COMPRESSED_CLOUD;
}

function show(scene: SceneView, channel: Channel, draco: Draco | undefined): void {
  if (MARKERS.includes(typeOf(channel))) {
    return;
  }
  const message = latestMessage(channel);
  if (!message || message.error !== undefined) {
    throw new Error(`${channel.topic}: ${message?.error ?? "there is no message"}`);
  }
  if (isCompressedCloud(channel) && draco) {
    const cloud = message.value as CompressedPointCloud;
    const origin = { frame: cloud.frame_id, timeS: seconds(cloud.timestamp) };
    scene.points(channel.topic, origin, dracoPoints(draco, cloud), 2.2, cloud.pose);
    return;
  }
  const { header } = message.value as { header: { frame_id: string; stamp: Stamp } };
  const origin = { frame: header.frame_id, timeS: seconds(header.stamp) };
  switch (typeOf(channel)) {
    case "sensor_msgs/PointCloud2":
      scene.points(channel.topic, origin, cloudPoints(message.value as PointCloud2), 2.2);
      break;
    case "sensor_msgs/LaserScan":
      scene.points(channel.topic, origin, scanPoints(message.value as LaserScan), 4);
      break;
    case "nav_msgs/OccupancyGrid":
      scene.grid(channel.topic, origin, message.value as OccupancyGrid, isCostmap(channel.topic));
      break;
    case "geometry_msgs/PoseStamped":
      scene.poses(channel.topic, origin, [(message.value as { pose: Pose }).pose]);
      break;
    case "geometry_msgs/PoseWithCovarianceStamped":
      scene.poses(channel.topic, origin, [(message.value as { pose: { pose: Pose } }).pose.pose]);
      break;
    case "geometry_msgs/PoseArray":
      scene.poses(channel.topic, origin, (message.value as { poses: Pose[] }).poses);
      break;
    case "nav_msgs/Path": {
      const { poses } = message.value as { poses: { pose: Pose }[] };
      scene.path(
        channel.topic,
        origin,
        poses.map(({ pose }) => pose.position),
      );
      break;
    }
  }
}

/** The root of the frames; without any, the frame of the first layer. */
function defaultFrame(
  transforms: Transforms,
  layers: string[],
  channelOf: (topic: string) => Channel | undefined,
): string {
  const root = transforms.mainRoot();
  if (root !== undefined) {
    return root;
  }
  for (const topic of layers) {
    const channel = channelOf(topic);
    const message = channel && latestMessage(channel);
    const header = (message?.value as { header?: { frame_id?: string } } | undefined)?.header;
    if (header?.frame_id !== undefined) {
      return header.frame_id;
    }
  }
  return "";
}

function robotFrame(transforms: Transforms): string | undefined {
  const names = transforms.names();
  return ["base_footprint", "base_link", "base"].find((name) => names.includes(name)) ?? names.at(-1);
}
