/** What a camera sees: as video, as compressed pictures or raw. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ageMs } from "../../app/age";
import { expectPicture } from "../../app/firstPicture";
import { age, duration, pace, rate } from "../../app/format";
import { decodeMessage, latestMessage, useFrame, useRepaint, useWatch } from "../../app/hooks";
import { PATHS } from "../../app/icons";
import { saveFile } from "../../app/share";
import { updatePanel } from "../../app/workspace";
import type { Channel } from "../../remote/channel";
import type { Robot } from "../../remote/robot";
import type { MessageSink } from "../../remote/watches";
import { cameraInfoOf, cameraOf, camerasOf, isVideo, pictureKind } from "../../ros/cameras";
import { type Pixels, type RawImage, toPixels } from "../../ros/image";
import { typeOf } from "../../ros/kinds";
import { measuredImage, measuredPng } from "../../ros/png";
import { LayerMenu, possibleLayers, shownLayers } from "../layers";
import type { PanelProps, PanelType } from "../panel";
import { Hint, Tool } from "../parts";
import { Waiting } from "../Waiting";
import { ANNOTATIONS, Overlay } from "./overlay";
import { useTier } from "./useTier";
import { canDecodeVideo, VideoPlayer } from "./video";

export const picture: PanelType = {
  title: "Picture",
  icon: PATHS.picture,
  Body: PicturePanel,
};

/** Pictures that are drawn per second; a display seldom shows more. */
const PER_SECOND = 60;
/** A picture of a camera that sends several is frozen when it is so old, in milliseconds. */
const FROZEN_MS = 2000;

interface CompressedImage {
  format: string;
  data: Uint8Array<ArrayBuffer>;
}

interface PictureProps extends PanelProps {
  /** Is told of which topic the picture is. */
  onShown?: (topic: string) => void;
}

export function PicturePanel({ place, spec, visible, onShown }: PictureProps) {
  const { robot } = place;
  const topic = spec.topic ?? "";
  const canvas = useRef<HTMLCanvasElement>(null);
  const player = useRef<VideoPlayer | undefined>(undefined);
  const shown = useRef<Uint8Array | undefined>(undefined);
  const isBusy = useRef(false);
  const [problem, setProblem] = useState<string>();
  const chosen = robot.channel(topic);
  // Of a video of two sizes: the one whose picture came last.
  const from = useRef<string | undefined>(undefined);
  const { topics, reason, arrived } = useTier(robot, topic, canvas, from.current, visible);
  const channel = robot.channel(from.current ?? topic);
  const playsVideo = chosen !== undefined && isVideo(chosen);
  const first = useRef<() => void>(undefined);
  const mayCome = visible && topic !== "" && !(playsVideo && canDecodeVideo.value === false);
  useLayoutEffect(() => {
    first.current = mayCome ? expectPicture() : undefined;
    return first.current;
  }, [topic, mayCome]);
  /** A picture is shown, or cannot be. */
  const settle = (trouble: string | undefined) => {
    first.current?.();
    setProblem(trouble);
  };
  const annotations = shownLayers(robot, ANNOTATIONS, spec);
  const canAnnotate = possibleLayers(robot, ANNOTATIONS).length > 0 && spec.id !== "drive";
  useRepaint(visible, 2);

  const sink: MessageSink = (sender, data) => {
    if (isVideo(sender) && canvas.current) {
      arrived(sender);
      if (from.current !== sender.topic) {
        // Frames of one size do not refer to those of the other.
        player.current?.dispose();
        player.current = undefined;
        from.current = sender.topic;
        onShown?.(sender.topic);
      }
      player.current ??= new VideoPlayer(canvas.current, settle);
      const { value } = decodeMessage(sender, data);
      const { data: picture } = (value ?? {}) as { data?: Uint8Array };
      if (picture) {
        player.current.push(picture);
      }
    }
  };
  useWatch(robot, topics, visible, sink, playsVideo);
  // As early as the topics are watched: later it would take the first key frame along.
  useLayoutEffect(
    () => () => {
      player.current?.dispose();
      player.current = undefined;
      from.current = undefined;
    },
    [topic, visible],
  );

  useFrame(visible && !playsVideo, PER_SECOND, () => {
    const target = canvas.current;
    if (!channel?.latest || channel.latest === shown.current || isBusy.current || !target) {
      return false;
    }
    shown.current = channel.latest;
    isBusy.current = true;
    draw(channel, target)
      .then(() => settle(undefined))
      .catch((error: unknown) => settle(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        isBusy.current = false;
      });
    return true;
  });

  const now = performance.now();
  const old = channel && ageMs(robot, channel, now);
  const isFrozen = channel !== undefined && channel.count > 1 && !channel.isLatched && (old ?? 0) > FROZEN_MS;
  return (
    <div class={`body picture ${isFrozen ? "frozen" : ""}`}>
      <canvas ref={canvas} width={1} height={1} role="img" aria-label={`Picture of ${topic}`} />
      {annotations.length > 0 && (
        <Overlay
          robot={robot}
          topics={annotations}
          cameraInfo={channel && cameraInfoOf(channel)}
          visible={visible}
          picture={canvas}
        />
      )}
      {!channel?.latest && <Waiting place={place} topic={topic} />}
      {playsVideo && canDecodeVideo.value === false && (
        <Hint error>This browser decodes no H.264. Choose compressed pictures.</Hint>
      )}
      {problem !== undefined && <Hint error>{problem}</Hint>}
      {isFrozen && old !== undefined && <p class="frozen-note">No new picture for {duration(old)}</p>}
      {chosen && channel?.latest && (
        <p class="figures overlay">
          <Siblings robot={robot} channel={chosen} choose={(next) => updatePanel(spec.id, { topic: next })} />
          <span title={reason} data-small={reason !== undefined}>
            {sizeOf(canvas.current)}
          </span>
          <span>{pace(channel, now)}</span>
          <span class="bandwidth">{rate(channel.rate.bytes(now))}</span>
          <span>{age(old)}</span>
          {canAnnotate && <LayerMenu robot={robot} spec={spec} types={ANNOTATIONS} />}
          <Tool
            icon="snapshot"
            label={`Save the picture of ${topic}`}
            run={() => save(canvas.current, topic)}
          />
        </p>
      )}
    </div>
  );
}

interface SiblingsProps {
  robot: Robot;
  channel: Channel;
  choose: (topic: string) => void;
}

/** Other topics with the same pictures. */
function Siblings({ robot, channel, choose }: SiblingsProps) {
  const camera = camerasOf(robot.channels.values(), canDecodeVideo.value ?? false).find(
    ({ name }) => name === cameraOf(channel),
  );
  if (!camera || camera.channels.length < 2) {
    return null;
  }
  return (
    <select
      aria-label="Kind of pictures"
      title={channel.topic}
      value={channel.topic}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      {camera.channels.map((each) => (
        <option key={each.topic} value={each.topic}>
          {pictureKind(each)}
        </option>
      ))}
    </select>
  );
}

/** Saves what is seen as a PNG file. */
function save(canvas: HTMLCanvasElement | null, topic: string): void {
  const time = `${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}Z`;
  canvas?.toBlob((picture) => {
    if (picture) {
      saveFile(picture, `${topic.slice(1).replaceAll("/", "_")} ${time}.png`);
    }
  });
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
    const measured = measuredPng(format, data);
    if (measured) {
      const { decodePng } = await import("../../lazy/png");
      show(toPixels(measuredImage(decodePng(measured))), canvas, context);
      return;
    }
    const picture = await createImageBitmap(new Blob([data])).catch(() => {
      throw new Error(`the browser cannot read a picture of the format “${format}”`);
    });
    fit(canvas, picture.width, picture.height);
    context.drawImage(picture, 0, 0);
    picture.close();
    return;
  }
  show(toPixels(message.value as RawImage), canvas, context);
}

function show(
  { width, height, rgba }: Pixels,
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
): void {
  fit(canvas, width, height);
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
}

/** The size of what is drawn. A canvas on which nothing is has one pixel. */
function sizeOf(canvas: HTMLCanvasElement | null): string {
  return canvas && canvas.width > 1 ? `${canvas.width} × ${canvas.height}` : "–";
}

function fit(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
}
