/** Where satellites say that the robot is: on a grid of metres, over tiles of a server if the user names one. */
import { useRef, useState } from "preact/hooks";
import { decodeMessage, useFrame, useRepaint, useWatch } from "../../app/hooks";
import { useSetting } from "../../app/workspace";
import { accuracyM, hasFix, metresFrom, type NavSatFix, type Place } from "../../ros/geo";
import { topicsOf } from "../../ros/kinds";
import type { PanelProps } from "../panel";
import { Hint, Tool } from "../parts";
import { Waiting } from "../Waiting";
import { drawTiles, TileSettings } from "./tiles";

const PER_SECOND = 5;
/** Places of the way that are kept. */
const MAX_PLACES = 5000;
const ZOOM = 1.5;

export default function FixPanel({ place, spec, visible }: PanelProps) {
  const topic = spec.topic ?? topicsOf(place.robot.channels.values(), "sensor_msgs/NavSatFix", 1)[0];
  const canvas = useRef<HTMLCanvasElement>(null);
  const way = useRef<Place[]>([]);
  const newest = useRef<NavSatFix | undefined>(undefined);
  const [pixelsPerMetre, setScale] = useSetting(spec, "pixels_per_metre", 4);
  const [problem, setProblem] = useState<string>();
  useWatch(place.robot, topic === undefined ? [] : [topic], visible, (channel, data) => {
    const { value, error } = decodeMessage(channel, data);
    setProblem(error);
    if (error === undefined) {
      const message = value as NavSatFix;
      newest.current = message;
      if (hasFix(message)) {
        way.current.push({ latitude: message.latitude, longitude: message.longitude });
        way.current.splice(0, way.current.length - MAX_PLACES);
      }
    }
  });
  useRepaint(visible, 2);
  useFrame(visible, PER_SECOND, () => {
    if (canvas.current) {
      draw(canvas.current, way.current, newest.current && accuracyM(newest.current), pixelsPerMetre);
    }
    return true;
  });
  const zoom = (factor: number) => setScale(Math.min(200, Math.max(0.001, pixelsPerMetre * factor)));
  const message = newest.current;
  return (
    <div class="body map">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label={`Way of the robot. ${message ? text(message) : "No position yet."} + and - zoom.`}
        onKeyDown={(event) => {
          if (event.key === "+" || event.key === "-") {
            zoom(event.key === "+" ? ZOOM : 1 / ZOOM);
          }
        }}
      />
      {problem !== undefined && <Hint error>{problem}</Hint>}
      {!message && <Waiting place={place} topic={topic ?? "of the type sensor_msgs/NavSatFix"} />}
      <div class="figures overlay">
        <Tool icon="add" label="Nearer" run={() => zoom(ZOOM)} />
        <Tool icon="less" label="Farther" run={() => zoom(1 / ZOOM)} />
        <TileSettings />
        {message && <span class="where">{text(message)}</span>}
      </div>
    </div>
  );
}

function text(message: NavSatFix): string {
  if (!hasFix(message)) {
    return "no fix";
  }
  const { latitude, longitude, altitude } = message;
  const accuracy = accuracyM(message);
  const around = accuracy === undefined ? "" : `, ±${accuracy.toFixed(1)} m`;
  const high = Number.isFinite(altitude) ? `, ${altitude.toFixed(1)} m high` : "";
  return `${latitude.toFixed(6)}°, ${longitude.toFixed(6)}°${around}${high}`;
}

/** The way, with the newest place in the middle and north up. */
function draw(
  canvas: HTMLCanvasElement,
  way: Place[],
  accuracy: number | undefined,
  pixelsPerMetre: number,
): void {
  const context = canvas.getContext("2d");
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!context || width === 0) {
    return;
  }
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const here = way.at(-1);
  const [first] = way;
  if (!here || !first) {
    return;
  }
  drawTiles(context, here, pixelsPerMetre, width, height);
  // The grid stands where the way began.
  const { east, north } = metresFrom(first, here);
  const step = 10 ** Math.ceil(Math.log10(24 / pixelsPerMetre));
  context.strokeStyle = "rgba(128, 145, 170, 0.28)";
  context.lineWidth = 1;
  context.beginPath();
  for (
    let x = -(east % step) * pixelsPerMetre + ((width / 2) % (step * pixelsPerMetre));
    x < width;
    x += step * pixelsPerMetre
  ) {
    context.moveTo(x, 0);
    context.lineTo(x, height);
  }
  for (
    let y = (north % step) * pixelsPerMetre + ((height / 2) % (step * pixelsPerMetre));
    y < height;
    y += step * pixelsPerMetre
  ) {
    context.moveTo(0, y);
    context.lineTo(width, y);
  }
  context.stroke();
  context.fillStyle = getComputedStyle(canvas).color;
  context.font = "12px system-ui, sans-serif";
  context.fillText(`${step} m per square, north is up`, 8, 18);
  context.strokeStyle = "#f5a524";
  context.lineWidth = 2;
  context.beginPath();
  for (const place of way) {
    const from = metresFrom(here, place);
    context.lineTo(width / 2 + from.east * pixelsPerMetre, height / 2 - from.north * pixelsPerMetre);
  }
  context.stroke();
  if (accuracy !== undefined) {
    context.fillStyle = "rgba(79, 156, 249, 0.25)";
    context.beginPath();
    context.arc(width / 2, height / 2, accuracy * pixelsPerMetre, 0, 2 * Math.PI);
    context.fill();
  }
  context.fillStyle = "#4f9cf9";
  context.beginPath();
  context.arc(width / 2, height / 2, 6, 0, 2 * Math.PI);
  context.fill();
}
