/** What is drawn over a picture: annotations of detectors and image markers. */
import { useRef } from "preact/hooks";
import { decodeMessage, latestMessage, useFrame, useWatch } from "../../app/hooks";
import type { Robot } from "../../remote/robot";
import {
  annotationShapes,
  type ImageAnnotations,
  type ImageMarker,
  ImageMarkers,
  type Shape,
} from "../../ros/annotations";
import { type CameraInfo, pictureSize } from "../../ros/cameras";
import { typeOf } from "../../ros/kinds";
import type { LayerTypes } from "../unasked";

/** Types that can be drawn over a picture; none unasked, for nobody says to which camera they belong. */
export const ANNOTATIONS: LayerTypes = {
  "foxglove_msgs/ImageAnnotations": 0,
  "visualization_msgs/ImageMarker": 0,
};
const PER_SECOND = 30;
/** Annotations that are not renewed for so long are over, in milliseconds. */
const LIFETIME_MS = 2000;

interface Annotated {
  shapes: Shape[];
  atMs: number;
}

interface OverlayProps {
  robot: Robot;
  topics: string[];
  /** Where the camera's own size is told, of which the bridge's pictures may be a part. */
  cameraInfo: string | undefined;
  visible: boolean;
  /** The canvas with the picture below. */
  picture: { current: HTMLCanvasElement | null };
}

export function Overlay({ robot, topics, cameraInfo, visible, picture }: OverlayProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const annotations = useRef(new Map<string, Annotated>());
  const markers = useRef(new Map<string, ImageMarkers>());
  useWatch(robot, topics, visible, (channel, data) => {
    const { value, error } = decodeMessage(channel, data);
    if (error !== undefined) {
      return;
    }
    const now = performance.now();
    if (typeOf(channel) === "visualization_msgs/ImageMarker") {
      const known = markers.current.get(channel.topic) ?? new ImageMarkers();
      markers.current.set(channel.topic, known);
      known.take(value as ImageMarker, now);
    } else {
      const shapes = annotationShapes(value as ImageAnnotations);
      annotations.current.set(channel.topic, { shapes, atMs: now });
    }
  });
  const told = cameraInfo === undefined ? undefined : robot.channel(cameraInfo);
  const infoChannel = told && typeOf(told) === "sensor_msgs/CameraInfo" ? told : undefined;
  useWatch(robot, infoChannel ? [infoChannel.topic] : [], visible);
  useFrame(visible, PER_SECOND, () => {
    const [target, below] = [canvas.current, picture.current];
    const context = target?.getContext("2d");
    if (!target || !below || !context) {
      return false;
    }
    if (target.width !== below.width || target.height !== below.height) {
      target.width = below.width;
      target.height = below.height;
    }
    context.resetTransform();
    context.clearRect(0, 0, target.width, target.height);
    const size = infoChannel && pictureSize(latestMessage(infoChannel)?.value as CameraInfo | undefined);
    if (size) {
      context.scale(target.width / size.width, target.height / size.height);
    }
    const now = performance.now();
    for (const topic of topics) {
      const annotated = annotations.current.get(topic);
      const isOver = !annotated || now - annotated.atMs > LIFETIME_MS;
      const shapes = [
        ...(isOver ? [] : annotated.shapes),
        ...(markers.current.get(topic)?.shapes(now) ?? []),
      ];
      for (const shape of shapes) {
        draw(context, shape);
      }
    }
    return true;
  });
  return <canvas ref={canvas} class="annotations" width={1} height={1} role="img" aria-label="Annotations" />;
}

function draw(context: CanvasRenderingContext2D, shape: Shape): void {
  const { kind, points, outline, outlines, fill } = shape;
  const [first] = points;
  if (!first) {
    return;
  }
  context.lineWidth = Math.max(1, shape.thickness);
  context.strokeStyle = outline;
  switch (kind) {
    case "circle":
      context.beginPath();
      context.arc(first.x, first.y, Math.max(0, shape.radius), 0, 2 * Math.PI);
      paint(context, fill);
      break;
    case "text":
      context.font = `${Math.max(1, shape.size)}px system-ui, sans-serif`;
      context.textBaseline = "bottom";
      if (fill !== undefined) {
        context.fillStyle = fill;
        context.fillRect(first.x, first.y - shape.size, context.measureText(shape.text).width, shape.size);
      }
      context.fillStyle = outline;
      context.fillText(shape.text, first.x, first.y);
      break;
    case "points":
      points.forEach(({ x, y }, index) => {
        context.fillStyle = outlines[index] ?? outline;
        context.beginPath();
        context.arc(x, y, Math.max(1, shape.thickness), 0, 2 * Math.PI);
        context.fill();
      });
      break;
    case "list":
      for (let index = 0; index + 1 < points.length; index += 2) {
        context.strokeStyle = outlines[index / 2] ?? outline;
        context.beginPath();
        context.moveTo(points[index]?.x ?? 0, points[index]?.y ?? 0);
        context.lineTo(points[index + 1]?.x ?? 0, points[index + 1]?.y ?? 0);
        context.stroke();
      }
      break;
    default:
      context.beginPath();
      for (const { x, y } of points) {
        context.lineTo(x, y);
      }
      if (kind === "loop") {
        context.closePath();
      }
      paint(context, fill);
  }
}

function paint(context: CanvasRenderingContext2D, fill: string | undefined): void {
  if (fill !== undefined) {
    context.fillStyle = fill;
    context.fill();
  }
  context.stroke();
}
