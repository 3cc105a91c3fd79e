/** Draws maps, ways and poses from above. */
import type { Aim } from "../../ros/goals";
import { gridPixels, isCostmap, type OccupancyGrid } from "../../ros/grid";
import { type LaserScan, scanPoints } from "../../ros/pointcloud";
import { compose, type Pose, rotate, type Stamp, seconds, type Transforms, yaw } from "../../ros/tf";

/** What is in the middle of the picture, in metres, and how large a metre is. */
export interface MapCamera {
  x: number;
  y: number;
  pixelsPerMetre: number;
  /** Whether it was put so that the whole map is seen. */
  isFitted: boolean;
}

export interface MapLayer {
  topic: string;
  type: string;
  message: unknown;
}

type Stamped = { header: { frame_id: string; stamp: Stamp } };
type Context = CanvasRenderingContext2D;

const pictures = new WeakMap<object, HTMLCanvasElement>();

/** What a drawing tells. */
export interface Drawn {
  /** The pose of the robot, if a layer tells it. */
  robot: Pose | undefined;
  /** The frame in which everything is drawn. */
  frame: string;
}

/** Draws everything, and the place that is being chosen. */
export function drawMap(
  canvas: HTMLCanvasElement,
  camera: MapCamera,
  layers: MapLayer[],
  transforms: Transforms,
  aim: Aim | undefined,
  route: { places: readonly Aim[]; frame: string },
): Drawn {
  const context = canvas.getContext("2d");
  if (!context) {
    throw new Error("this browser draws no pictures");
  }
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
  if (canvas.width !== Math.round(width) || canvas.height !== Math.round(height)) {
    canvas.width = width;
    canvas.height = height;
  }
  const root = fixedFrame(layers, transforms);
  const grid = mainGrid(layers);
  if (grid && !camera.isFitted && width > 0) {
    fit(camera, grid, transforms.pose(grid.header.frame_id, root), width / ratio, height / ratio);
  }
  const scale = camera.pixelsPerMetre * ratio;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  // From here on in metres, x to the right and y up.
  const toPixels = () =>
    context.setTransform(scale, 0, 0, -scale, width / 2 - camera.x * scale, height / 2 + camera.y * scale);
  toPixels();
  const order = ["nav_msgs/OccupancyGrid", "sensor_msgs/LaserScan", "nav_msgs/Path"];
  // Costmaps lie on the map.
  const rank = (layer: MapLayer) =>
    ((order.indexOf(layer.type) + order.length + 1) % (order.length + 1)) +
    (isCostmap(layer.topic) ? 0.5 : 0);
  let isGridDrawn = false;
  let robot: Pose | undefined;
  for (const layer of [...layers].sort((a, b) => rank(a) - rank(b))) {
    if (!isGridDrawn && layer.type !== "nav_msgs/OccupancyGrid") {
      isGridDrawn = true;
      drawMetres(context, camera, width / ratio, height / ratio, 1 / camera.pixelsPerMetre);
    }
    const { frame_id: frame, stamp } = (layer.message as Stamped).header;
    const base = transforms.pose(frame, root, seconds(stamp));
    if (!base) {
      continue;
    }
    context.save();
    enter(context, base);
    const pose = drawLayer(context, layer, 1 / camera.pixelsPerMetre);
    context.restore();
    if (pose) {
      robot = compose(base, pose);
    }
  }
  const base = route.places.length > 0 ? transforms.pose(route.frame, root) : undefined;
  if (base) {
    context.save();
    enter(context, base);
    drawRoute(context, route.places, 1 / camera.pixelsPerMetre);
    context.restore();
  }
  if (aim) {
    drawRobot(context, poseOf(aim), 1.4 / camera.pixelsPerMetre, CHOSEN);
  }
  return { robot, frame: root };
}

/** The colour of what the user chooses. */
const CHOSEN = "#3ecf8e";

function poseOf({ x, y, yaw }: Aim): Pose {
  const orientation = { x: 0, y: 0, z: Math.sin(yaw / 2), w: Math.cos(yaw / 2) };
  return { position: { x, y, z: 0 }, orientation };
}

/** The places of a route in their order. */
function drawRoute(context: Context, places: readonly Aim[], pixel: number): void {
  context.beginPath();
  for (const { x, y } of places) {
    context.lineTo(x, y);
  }
  context.strokeStyle = CHOSEN;
  context.lineWidth = 1.5 * pixel;
  context.setLineDash([6 * pixel, 4 * pixel]);
  context.stroke();
  context.setLineDash([]);
  for (const place of places) {
    drawRobot(context, poseOf(place), 0.9 * pixel, CHOSEN);
  }
}

/** The map itself, not what is computed from it. */
function mainGrid(layers: MapLayer[]): OccupancyGrid | undefined {
  const grids = layers.filter((layer) => layer.type === "nav_msgs/OccupancyGrid");
  const layer = grids.find(({ topic }) => !isCostmap(topic)) ?? grids[0];
  return layer?.message as OccupancyGrid | undefined;
}

/** The place in metres under a place on the screen. */
export function placeUnder(
  canvas: HTMLCanvasElement,
  camera: MapCamera,
  { clientX, clientY }: { clientX: number; clientY: number },
): { x: number; y: number } {
  const box = canvas.getBoundingClientRect();
  return {
    x: camera.x + (clientX - box.left - box.width / 2) / camera.pixelsPerMetre,
    y: camera.y - (clientY - box.top - box.height / 2) / camera.pixelsPerMetre,
  };
}

/** Puts the whole map into view. */
function fit(
  camera: MapCamera,
  grid: OccupancyGrid,
  base: Pose | undefined,
  width: number,
  height: number,
): void {
  const { resolution, origin } = grid.info;
  const [across, up] = [grid.info.width * resolution, grid.info.height * resolution];
  const middle = rotate(origin.orientation, { x: across / 2, y: up / 2, z: 0 });
  const inFrame = {
    position: { x: origin.position.x + middle.x, y: origin.position.y + middle.y, z: 0 },
    orientation: origin.orientation,
  };
  const { position } = base ? compose(base, inFrame) : inFrame;
  camera.x = position.x;
  camera.y = position.y;
  camera.pixelsPerMetre = Math.max(1, Math.min(width / across, height / up));
  camera.isFitted = true;
}

/** The frame in which everything is drawn: that of the map, else the root of the others. */
function fixedFrame(layers: MapLayer[], transforms: Transforms): string {
  const map = (mainGrid(layers) ?? layers[0]?.message) as Stamped | undefined;
  const frame = map?.header.frame_id ?? transforms.mainRoot() ?? "";
  return transforms.root(frame);
}

/** What is drawn next is given in a frame with this pose. */
function enter(context: Context, { position, orientation }: Pose): void {
  context.translate(position.x, position.y);
  context.rotate(yaw(orientation));
}

function drawLayer(context: Context, { topic, type, message }: MapLayer, pixel: number): Pose | undefined {
  switch (type) {
    case "nav_msgs/OccupancyGrid":
      drawGrid(context, message as OccupancyGrid, isCostmap(topic));
      return undefined;
    case "sensor_msgs/LaserScan":
      drawScan(context, message as LaserScan, pixel);
      return undefined;
    case "nav_msgs/Path":
      drawPath(context, message as { poses: { pose: Pose }[] }, pixel);
      return undefined;
    case "nav_msgs/Odometry": {
      const { pose } = (message as { pose: { pose: Pose } }).pose;
      drawRobot(context, pose, pixel, "#4f9cf9");
      return pose;
    }
    case "geometry_msgs/PoseArray":
      for (const pose of (message as { poses: Pose[] }).poses) {
        drawRobot(context, pose, 0.5 * pixel, "#e5679b");
      }
      return undefined;
    case "geometry_msgs/PoseWithCovarianceStamped":
      drawRobot(context, (message as { pose: { pose: Pose } }).pose.pose, pixel, "#e5679b");
      return undefined;
    case "geometry_msgs/PoseStamped":
      drawRobot(context, (message as { pose: Pose }).pose, pixel, "#e5679b");
      return undefined;
    default:
      return undefined;
  }
}

function drawGrid(context: Context, grid: OccupancyGrid, isCost: boolean): void {
  const { width, height, resolution, origin } = grid.info;
  let picture = pictures.get(grid);
  if (!picture) {
    picture = document.createElement("canvas");
    picture.width = width;
    picture.height = height;
    picture.getContext("2d")?.putImageData(new ImageData(gridPixels(grid, isCost), width, height), 0, 0);
    pictures.set(grid, picture);
  }
  enter(context, origin);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, width * resolution, height * resolution);
}

function drawScan(context: Context, scan: LaserScan, pixel: number): void {
  const { positions, count } = scanPoints(scan);
  context.fillStyle = "#ef5d5d";
  for (let index = 0; index < count; index += 1) {
    context.fillRect(positions[3 * index] ?? 0, positions[3 * index + 1] ?? 0, 2 * pixel, 2 * pixel);
  }
}

function drawPath(context: Context, { poses }: { poses: { pose: Pose }[] }, pixel: number): void {
  context.beginPath();
  for (const { pose } of poses) {
    context.lineTo(pose.position.x, pose.position.y);
  }
  context.strokeStyle = "#f5a524";
  context.lineWidth = 2 * pixel;
  context.lineJoin = "round";
  context.stroke();
}

/** An arrowhead, at least 14 pixels large. */
function drawRobot(context: Context, pose: Pose, pixel: number, colour: string): void {
  const size = Math.max(0.3, 14 * pixel);
  const { x, y } = pose.position;
  const ahead = rotate(pose.orientation, { x: size, y: 0, z: 0 });
  const left = rotate(pose.orientation, { x: -0.7 * size, y: 0.65 * size, z: 0 });
  const right = rotate(pose.orientation, { x: -0.7 * size, y: -0.65 * size, z: 0 });
  context.beginPath();
  context.moveTo(x + ahead.x, y + ahead.y);
  context.lineTo(x + left.x, y + left.y);
  context.lineTo(x - 0.3 * ahead.x, y - 0.3 * ahead.y);
  context.lineTo(x + right.x, y + right.y);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
  context.strokeStyle = "#ffffff";
  context.lineWidth = 1.5 * pixel;
  context.stroke();
}

/** A line every metre, or every ten where they would be too close. */
function drawMetres(context: Context, camera: MapCamera, width: number, height: number, pixel: number): void {
  const step = camera.pixelsPerMetre >= 14 ? 1 : camera.pixelsPerMetre >= 2 ? 10 : 100;
  const [halfWidth, halfHeight] = [(width / 2) * pixel, (height / 2) * pixel];
  context.beginPath();
  for (let x = Math.ceil((camera.x - halfWidth) / step) * step; x <= camera.x + halfWidth; x += step) {
    context.moveTo(x, camera.y - halfHeight);
    context.lineTo(x, camera.y + halfHeight);
  }
  for (let y = Math.ceil((camera.y - halfHeight) / step) * step; y <= camera.y + halfHeight; y += step) {
    context.moveTo(camera.x - halfWidth, y);
    context.lineTo(camera.x + halfWidth, y);
  }
  context.strokeStyle = "rgba(128, 145, 170, 0.28)";
  context.lineWidth = pixel;
  context.stroke();
}
