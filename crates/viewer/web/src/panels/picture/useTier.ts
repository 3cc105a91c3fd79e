/** The video of full or of small size, whichever the panel is to show. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ageMs } from "../../app/age";
import type { Channel } from "../../remote/channel";
import type { Robot } from "../../remote/robot";
import { smallerVideo } from "../../ros/cameras";
import { madeMs } from "../../ros/stamp";
import { VideoTier } from "../../ros/tier";

interface Choice {
  /** The topic to watch; none before the panel has a size. */
  topics: string[];
  /** Why it is the small one. */
  reason?: string;
  /** Takes note of a message of the channel that is watched. */
  arrived: (from: Channel) => void;
}

/** Chooses anew each time the panel is drawn. What is on the canvas is of the topic `shown`. */
export function useTier(
  robot: Robot,
  topic: string,
  canvas: { current: HTMLCanvasElement | null },
  shown: string | undefined,
  visible: boolean,
): Choice {
  const chosen = robot.channel(topic);
  const tiers = useRef(new Map<string, VideoTier>());
  const [, setLaid] = useState(false);
  useLayoutEffect(() => setLaid(true), []);
  useLayoutEffect(() => () => tiers.current.get(topic)?.rest(), [topic, visible]);
  const small = chosen && smallerVideo(chosen, robot.channels.values());
  if (!chosen || !small?.maxSize) {
    return { topics: [topic], arrived: () => {} };
  }
  const tier = tiers.current.get(topic) ?? new VideoTier();
  tiers.current.set(topic, tier);
  const arrived = (from: Channel) => {
    if (from === chosen && from.latest) {
      const at = performance.now();
      tier.push(madeMs(from, from.latest, from.logTimeMs), ageMs(robot, from, at), at);
    }
  };
  const picture = canvas.current;
  const fits = picture && picture.width <= small.maxSize.width && picture.height <= small.maxSize.height;
  // Before its first picture is decoded, the last one of the large video is still there.
  if (shown === small.topic && fits && picture.width > 1) {
    tier.seen({ width: picture.width, height: picture.height });
  }
  const box = picture?.parentElement;
  if (!box?.clientWidth) {
    return { topics: [], arrived };
  }
  const scale = globalThis.devicePixelRatio || 1;
  const view = { width: scale * box.clientWidth, height: scale * box.clientHeight };
  const now = performance.now();
  if (!tier.isSmall(view, small.maxSize, now)) {
    return { topics: [topic], arrived };
  }
  const reason = tier.isSlow(now) ? "the network does not carry the large one" : "the panel is small";
  return { topics: [small.topic], reason: `Small video: ${reason}`, arrived };
}
