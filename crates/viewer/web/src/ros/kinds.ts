/** What a topic's type is good for. */
import type { ChannelInfo } from "../remote/messages";

export type View = "picture" | "scene" | "map" | "fix" | "tree";

const VIEWS: Record<string, View> = {
  "sensor_msgs/Image": "picture",
  "sensor_msgs/CompressedImage": "picture",
  "foxglove_msgs/CompressedVideo": "picture",
  "sensor_msgs/PointCloud2": "scene",
  "foxglove_msgs/CompressedPointCloud": "scene",
  "sensor_msgs/LaserScan": "scene",
  "tf2_msgs/TFMessage": "scene",
  "visualization_msgs/Marker": "scene",
  "visualization_msgs/MarkerArray": "scene",
  "sensor_msgs/NavSatFix": "fix",
  "nav_msgs/OccupancyGrid": "map",
  "nav_msgs/Path": "map",
  "nav_msgs/Odometry": "map",
  "geometry_msgs/PoseStamped": "map",
  "geometry_msgs/PoseWithCovarianceStamped": "map",
  "geometry_msgs/PoseArray": "map",
};

/** The type's name in two parts, with or without `/msg/`. */
export function typeOf(channel: Pick<ChannelInfo, "schemaName">): string {
  return channel.schemaName.replace("/msg/", "/");
}

/** The view that shows most of a topic. */
export function bestView(channel: Pick<ChannelInfo, "schemaName">): View {
  return VIEWS[typeOf(channel)] ?? "tree";
}

/** The first so many topics of a type, in the order of their names. */
export function topicsOf(
  channels: Iterable<ChannelInfo>,
  type: string,
  most = Number.POSITIVE_INFINITY,
): string[] {
  return [...channels]
    .filter((channel) => typeOf(channel) === type)
    .map((channel) => channel.topic)
    .sort()
    .slice(0, most);
}
