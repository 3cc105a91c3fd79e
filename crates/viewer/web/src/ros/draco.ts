/** Points of foxglove_msgs/CompressedPointCloud for the graphics card. */
import type { Draco } from "../lazy/draco";
import { type Points, pointsOf } from "./pointcloud";
import type { Pose, Stamp } from "./tf";

export interface CompressedPointCloud {
  timestamp: Stamp;
  frame_id: string;
  pose: Pose;
  data: Uint8Array;
  format: string;
}

/** The finite points of a cloud, coloured as those of a PointCloud2 with the same fields. */
export function dracoPoints(draco: Draco, { data, format }: CompressedPointCloud): Points {
  if (format !== "draco") {
    throw new Error(`clouds of the format ${JSON.stringify(format)} are not decoded, draco is`);
  }
  if (data.length === 0) {
    return { count: 0, positions: new Float32Array(), colours: new Float32Array() };
  }
  const decoder = new draco.Decoder();
  const cloud = new draco.PointCloud();
  try {
    const status = decoder.DecodeArrayToPointCloud(data, data.length, cloud);
    if (!status.ok() || cloud.ptr === 0) {
      throw new Error(`the cloud cannot be decoded: ${status.error_msg()}`);
    }
    const count = cloud.num_points();
    /** An attribute's numbers as they lie in a copy of the decoder's memory. */
    const read = (id: number, type: number, components: number): ArrayBuffer | undefined => {
      const attribute = id < 0 ? undefined : decoder.GetAttribute(cloud, id);
      if (attribute?.num_components() !== components) {
        return undefined;
      }
      const size = count * components * 4;
      const at = draco._malloc(size);
      try {
        const isRead = decoder.GetAttributeDataArrayForAllPoints(cloud, attribute, type, size, at);
        return isRead ? new Uint8Array(draco.HEAPU8.subarray(at, at + size)).buffer : undefined;
      } finally {
        draco._free(at);
      }
    };
    const named = (name: string) => decoder.GetAttributeIdByMetadataEntry(cloud, "name", name);
    const positions = read(decoder.GetAttributeId(cloud, draco.POSITION), draco.DT_FLOAT32, 3);
    if (!positions) {
      throw new Error("the cloud has no positions");
    }
    const packed = read(named("rgb"), draco.DT_UINT32, 1) ?? read(named("rgba"), draco.DT_UINT32, 1);
    const shades = read(named("intensity"), draco.DT_FLOAT32, 1);
    return pointsOf(
      new Float32Array(positions),
      packed && new Uint32Array(packed),
      shades && new Float32Array(shades),
    );
  } finally {
    draco.destroy(cloud);
    draco.destroy(decoder);
  }
}
