/** How components follow what arrives: at the pace of the display, and only while they are seen. */
import type { TargetedEvent, TargetedInputEvent } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Channel } from "../remote/channel";
import type { Robot } from "../remote/robot";
import type { MessageSink } from "../remote/watches";
import { decoderFor } from "../ros/schema";
import { TransformStore } from "./transforms";

/**
 * A panel may use this share of the time; the more a picture costs, the fewer there are. What is left
 * is for the other panels and for the user.
 */
const MAX_SHARE = 0.4;
/** The frame after a picture that comes later than this tells that drawing it took so long. */
const LATE_MS = 40;
/** No picture counts as longer than this: in a longer time the page stood still, as a computer that slept. */
const LONGEST_MS = 500;

/** Whether an element is on the screen, in a tab that is shown. */
export function useVisible<E extends Element>(): [(element: E | null) => void, boolean] {
  const [element, setElement] = useState<E | null>(null);
  const [onScreen, setOnScreen] = useState(false);
  const [shown, setShown] = useState(document.visibilityState === "visible");
  useEffect(() => {
    const look = () => setShown(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  // The observer tells some frames later; until then what is seen would not be subscribed.
  useLayoutEffect(() => setOnScreen(element !== null && isOnScreen(element)), [element]);
  useEffect(() => {
    if (!element) {
      return undefined;
    }
    const observer = new IntersectionObserver((entries) => {
      setOnScreen(entries.at(-1)?.isIntersecting ?? false);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, onScreen && shown];
}

function isOnScreen(element: Element): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return right > Math.max(0, left) && left < innerWidth && bottom > Math.max(0, top) && top < innerHeight;
}

type TextElement = HTMLInputElement | HTMLTextAreaElement;

/**
 * A text that is given with Enter or by leaving its field: `commit` gets it without spaces around it.
 * What is being typed is kept until then, however often the field is drawn. Spread it over the element.
 */
export function useDraft(value: string, commit: (text: string) => void) {
  const [draft, setDraft] = useState<string>();
  return {
    value: draft ?? value,
    onInput: (event: TargetedInputEvent<TextElement>) => setDraft(event.currentTarget.value),
    onChange: (event: TargetedEvent<TextElement>) => {
      setDraft(undefined);
      commit(event.currentTarget.value.trim());
    },
    onBlur: () => setDraft(undefined),
  };
}

/**
 * Runs at the frames of the display while `active`, at most so often, and less often if it takes long,
 * here or on the graphics card. It says whether it has drawn anything.
 */
export function useFrame(active: boolean, mostPerSecond: number, run: (nowMs: number) => boolean): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    if (!active) {
      return undefined;
    }
    let handle = 0;
    let notBefore = 0;
    let drawnAt: number | undefined;
    const frame = (now: number) => {
      handle = requestAnimationFrame(frame);
      const late = drawnAt === undefined ? 0 : Math.min(now - drawnAt, LONGEST_MS);
      drawnAt = undefined;
      if (late > LATE_MS) {
        notBefore = Math.max(notBefore, now + late / MAX_SHARE - late);
      }
      if (now < notBefore) {
        return;
      }
      const began = performance.now();
      const hasDrawn = latest.current(now);
      const cost = Math.min(performance.now() - began, LONGEST_MS);
      drawnAt = hasDrawn ? now : undefined;
      // A little less than the interval, which no frame meets exactly.
      notBefore = now + Math.max(1000 / mostPerSecond - 4, cost / MAX_SHARE);
    };
    handle = requestAnimationFrame(frame);
    return () => cancelAnimationFrame(handle);
  }, [active, mostPerSecond]);
}

/** Subscribes to topics while `active`. */
export function useWatch(
  robot: Robot | undefined,
  topics: string[],
  active: boolean,
  sink?: MessageSink,
  isAnew = false,
): void {
  const key = topics.join("\n");
  const latest = useRef(sink);
  latest.current = sink;
  const hasSink = sink !== undefined;
  // Before the page is painted, which takes long when there is much on it.
  useLayoutEffect(() => {
    if (!active || !robot || key === "") {
      return undefined;
    }
    const forward: MessageSink | undefined = hasSink
      ? (...message) => latest.current?.(...message)
      : undefined;
    const ends = key.split("\n").map((topic) => robot.watch(topic, forward, isAnew));
    return () => {
      for (const end of ends) {
        end();
      }
    };
  }, [robot, key, active, hasSink, isAnew]);
}

/** Renders again so many times a second while `active`, less often if drawing takes long. */
export function useRepaint(active: boolean, perSecond: number): void {
  const [, paint] = useState(0);
  useFrame(active, perSecond, () => {
    paint((count) => count + 1);
    return true;
  });
}

/** The robot's frames, kept up to date while `active`. */
export function useTransforms(robot: Robot | undefined, active: boolean): TransformStore | undefined {
  useEffect(() => (active && robot ? TransformStore.of(robot).use() : undefined), [robot, active]);
  return robot && TransformStore.of(robot);
}

export type Decoded = { value: unknown; error?: undefined } | { value?: undefined; error: string };

const decoded = new WeakMap<Channel, { data: Uint8Array; result: Decoded }>();

/** The newest message of a channel, decoded once however many panels show it. */
export function latestMessage(channel: Channel): Decoded | undefined {
  const data = channel.latest;
  if (!data) {
    return undefined;
  }
  const known = decoded.get(channel);
  if (known?.data === data) {
    return known.result;
  }
  const result = decodeMessage(channel, data);
  decoded.set(channel, { data, result });
  return result;
}

export function decodeMessage(channel: Channel, data: Uint8Array): Decoded {
  try {
    return { value: decoderFor(channel)(data) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
