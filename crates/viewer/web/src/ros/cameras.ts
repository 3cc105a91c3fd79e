/** The robot's cameras: which topics show the same pictures, and which of them to look at. */
import type { ChannelInfo } from "../remote/messages";
import { typeOf } from "./kinds";

const VIDEO = "foxglove_msgs/CompressedVideo";
/** From what needs least of the network to what needs most. */
const KINDS = [VIDEO, "sensor_msgs/CompressedImage", "sensor_msgs/Image"];
/** Endings of topics that are made of the topic before them. */
const SUFFIX = /\/(compressed|compressedDepth|jpeg|png|video|video_small)$/;

export interface Camera {
  /** The topic without what was done to its pictures. */
  name: string;
  /** The best one first. */
  channels: ChannelInfo[];
}

export function isVideo(channel: Pick<ChannelInfo, "schemaName">): boolean {
  return typeOf(channel) === VIDEO;
}

/** All cameras by name. Video is left out where the browser cannot decode it. */
export function camerasOf(channels: Iterable<ChannelInfo>, canDecode: boolean): Camera[] {
  const cameras = new Map<string, ChannelInfo[]>();
  for (const channel of channels) {
    const kind = typeOf(channel);
    if (KINDS.includes(kind) && (canDecode || kind !== VIDEO)) {
      const name = cameraOf(channel);
      cameras.set(name, [...(cameras.get(name) ?? []), channel]);
    }
  }
  const rank = (channel: ChannelInfo) => KINDS.indexOf(typeOf(channel));
  const byTopic = (a: ChannelInfo, b: ChannelInfo) => a.topic.localeCompare(b.topic);
  return [...cameras]
    .map(([name, all]) => ({
      name,
      channels: all.sort((a, b) => rank(a) - rank(b) || area(b) - area(a) || byTopic(a, b)),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The most pixels of its pictures, as far as that is told. */
function area({ maxSize }: ChannelInfo): number {
  return maxSize ? maxSize.width * maxSize.height : 0;
}

/** The videos of the same pictures in other sizes. */
export function otherSizes<T extends ChannelInfo>(channel: ChannelInfo, channels: Iterable<T>): T[] {
  if (!isVideo(channel) || channel.sourceTopic === undefined) {
    return [];
  }
  return [...channels].filter(
    (other) => isVideo(other) && other.sourceTopic === channel.sourceTopic && other.topic !== channel.topic,
  );
}

/** The video of the same pictures with fewer pixels, if there is one beside this. */
export function smallerVideo<T extends ChannelInfo>(
  channel: ChannelInfo,
  channels: Iterable<T>,
): T | undefined {
  return otherSizes(channel, channels).find(
    (other) => other.maxSize !== undefined && area(other) < area(channel),
  );
}

/** The name of the camera whose pictures a topic has. */
export function cameraOf({ topic, sourceTopic }: ChannelInfo): string {
  return (sourceTopic ?? topic).replace(SUFFIX, "");
}

/** Where the camera's own size is told: beside its pictures, as `image_transport` has it. */
export function cameraInfoOf(channel: ChannelInfo): string {
  return cameraOf(channel).replace(/[^/]*$/, "camera_info");
}

/** What matters here of a message of sensor_msgs/CameraInfo. */
export interface CameraInfo {
  width: number;
  height: number;
  binning_x: number;
  binning_y: number;
  roi: { width: number; height: number };
}

/** How large the pictures are that the camera publishes, before anybody makes them smaller. */
export function pictureSize(info: CameraInfo | undefined): { width: number; height: number } | undefined {
  if (!info) {
    return undefined;
  }
  const width = (info.roi.width || info.width) / (info.binning_x || 1);
  const height = (info.roi.height || info.height) / (info.binning_y || 1);
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** What a topic does to the pictures, for people. */
export function pictureKind(channel: ChannelInfo): string {
  const kind = typeOf(channel);
  if (kind === VIDEO) {
    return channel.topic.endsWith("/video_small") ? "small video" : "video";
  }
  if (kind === "sensor_msgs/Image") {
    return "raw";
  }
  return channel.sourceTopic !== undefined && channel.topic.endsWith("/png") ? "lossless" : "compressed";
}
