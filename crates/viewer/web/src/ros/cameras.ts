/** The robot's cameras: which topics show the same pictures, and which of them to look at. */
import type { ChannelInfo } from "../remote/messages";
import { typeOf } from "./kinds";

const VIDEO = "foxglove_msgs/CompressedVideo";
/** From what needs least of the network to what needs most. */
const KINDS = [VIDEO, "sensor_msgs/CompressedImage", "sensor_msgs/Image"];
/** Endings of topics that are made of the topic before them. */
const SUFFIX = /\/(compressed|jpeg|video)$/;

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
  return [...cameras]
    .map(([name, all]) => ({
      name,
      channels: all.sort((a, b) => rank(a) - rank(b) || a.topic.localeCompare(b.topic)),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The name of the camera whose pictures a topic has. */
export function cameraOf({ topic, sourceTopic }: ChannelInfo): string {
  return sourceTopic ?? topic.replace(SUFFIX, "");
}

/** What a topic does to the pictures, for people. */
export function pictureKind(channel: ChannelInfo): string {
  const kind = typeOf(channel);
  return kind === VIDEO ? "video" : kind === "sensor_msgs/Image" ? "raw" : "compressed";
}
