/** sensor_msgs/Image and CompressedImage as pictures. */
import { useRef, useState } from "preact/hooks";
import { ageMs } from "../../app/age";
import { age, hertz, rate } from "../../app/format";
import { latestMessage, useFrame, useRepaint, useWatch } from "../../app/hooks";
import { PATHS } from "../../app/icons";
import type { Channel } from "../../remote/robot";
import { type RawImage, toPixels } from "../../ros/image";
import { typeOf } from "../../ros/kinds";
import type { PanelProps, PanelType } from "../panel";
import { Hint } from "../parts";
import { Waiting } from "../Waiting";

export const picture: PanelType = {
  title: "Picture",
  icon: PATHS.picture,
  Body: PicturePanel,
};

/** Pictures that are drawn per second; a display seldom shows more. */
const PER_SECOND = 60;

interface CompressedImage {
  format: string;
  data: Uint8Array<ArrayBuffer>;
}

export function PicturePanel({ place, spec, visible }: PanelProps) {
  const topic = spec.topic ?? "";
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useRef<Uint8Array | undefined>(undefined);
  const isBusy = useRef(false);
  const [problem, setProblem] = useState<string>();
  const [size, setSize] = useState<string>();
  useWatch(place.robot, [topic], visible);
  useRepaint(visible, 2);
  const channel = place.robot.channel(topic);

  useFrame(visible, PER_SECOND, () => {
    const target = canvas.current;
    if (!channel?.latest || channel.latest === shown.current || isBusy.current || !target) {
      return false;
    }
    shown.current = channel.latest;
    isBusy.current = true;
    draw(channel, target)
      .then(() => {
        setProblem(undefined);
        setSize(`${target.width} × ${target.height}`);
      })
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        isBusy.current = false;
      });
    return true;
  });

  const now = performance.now();
  return (
    <div class="body picture">
      <canvas ref={canvas} width={1} height={1} role="img" aria-label={`Picture of ${topic}`} />
      {!channel?.latest && <Waiting place={place} topic={topic} />}
      {problem !== undefined && <Hint error>{problem}</Hint>}
      {channel?.latest && (
        <p class="figures overlay">
          <span>{size}</span>
          <span>{hertz(channel.rate.messages(now))}</span>
          <span>{rate(channel.rate.bytes(now))}</span>
          <span>{age(ageMs(place.robot, channel, now))}</span>
        </p>
      )}
    </div>
  );
}

/** Draws the newest message. Pictures that arrive meanwhile are left out. */
async function draw(channel: Channel, canvas: HTMLCanvasElement): Promise<void> {
  const message = latestMessage(channel);
  if (!message || message.error !== undefined) {
    throw new Error(message?.error ?? "there is no message");
  }
  const context = canvas.getContext("2d");
  if (!context) {
    throw new Error("this browser draws no pictures");
  }
  if (typeOf(channel) === "sensor_msgs/CompressedImage") {
    const { data, format } = message.value as CompressedImage;
    const picture = await createImageBitmap(new Blob([data])).catch(() => {
      throw new Error(`the browser cannot read a picture of the format “${format}”`);
    });
    fit(canvas, picture.width, picture.height);
    context.drawImage(picture, 0, 0);
    picture.close();
    return;
  }
  const { width, height, rgba } = toPixels(message.value as RawImage);
  fit(canvas, width, height);
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
}

function fit(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
}
