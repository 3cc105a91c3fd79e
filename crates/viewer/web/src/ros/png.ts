/** PNG files of measurements, as image_transport and the robot's bridge write them. */
import type { RawImage } from "./image";

const MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** What image_transport puts before the PNG of depths. */
const DEPTH_HEADER = 12;
/** Where the header says how many bits a value has, and what the values are: 0 is grey. */
const BITS_AT = 24;
const COLOURS_AT = 25;

/** The PNG in a sensor_msgs/CompressedImage whose values have more bits than a browser shows; none in others. */
export function measuredPng(format: string, data: Uint8Array): Uint8Array | undefined {
  const file = format.includes("compressedDepth") ? data.subarray(DEPTH_HEADER) : data;
  const isPng = MAGIC.every((byte, index) => file[index] === byte);
  return isPng && file[BITS_AT] === 16 && file[COLOURS_AT] === 0 ? file : undefined;
}

/** What a decoder makes of it. */
export interface DecodedPng {
  width: number;
  height: number;
  channels: number;
  depth: number;
  data: ArrayBufferView;
}

/** Its values as those of a sensor_msgs/Image. */
export function measuredImage({ width, height, channels, depth, data }: DecodedPng): RawImage {
  if (channels !== 1 || depth !== 16) {
    throw new Error(`a PNG with ${channels} values of ${depth} bits for each pixel cannot be shown`);
  }
  return {
    width,
    height,
    encoding: "16UC1",
    is_bigendian: isBigEndian() ? 1 : 0,
    step: 2 * width,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** In which order this machine has the bytes that a decoder wrote. */
function isBigEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;
}
