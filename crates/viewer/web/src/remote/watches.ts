/** Who looks at which topic. */
import type { Channel } from "./channel";

/** A topic nobody looks at any more stays subscribed for so long, in case somebody looks again. */
const LINGER_MS = 1000;

/** Gets every message of a topic, not only the newest. */
export type MessageSink = (channel: Channel, data: Uint8Array, logTimeMs: number) => void;

interface Watch {
  sinks: Set<MessageSink>;
  watchers: number;
  /** When the last watcher left. */
  idleSinceMs: number | undefined;
}

export class Watches {
  #watches = new Map<string, Watch>();
  #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Looks at a topic until the returned function is called. */
  add(topic: string, sink?: MessageSink): () => void {
    const watch = this.#watches.get(topic) ?? { sinks: new Set(), watchers: 0, idleSinceMs: undefined };
    this.#watches.set(topic, watch);
    watch.watchers += 1;
    watch.idleSinceMs = undefined;
    if (sink) {
      watch.sinks.add(sink);
    }
    let isOver = false;
    return () => {
      if (isOver) {
        return;
      }
      isOver = true;
      watch.watchers -= 1;
      if (sink) {
        watch.sinks.delete(sink);
      }
      if (watch.watchers === 0) {
        watch.idleSinceMs = this.#now();
      }
    };
  }

  /** Whether the topic is to be subscribed. */
  wants(topic: string): boolean {
    return this.#watches.has(topic);
  }

  /** Whether somebody looks at the topic now. */
  isWatched(topic: string): boolean {
    return (this.#watches.get(topic)?.watchers ?? 0) > 0;
  }

  sinks(topic: string): Iterable<MessageSink> {
    return this.#watches.get(topic)?.sinks ?? [];
  }

  /** Forgets the topics that nobody has looked at for a while, and returns them. */
  takeIdle(): string[] {
    const now = this.#now();
    const idle = [...this.#watches]
      .filter(([, { idleSinceMs }]) => idleSinceMs !== undefined && now - idleSinceMs >= LINGER_MS)
      .map(([topic]) => topic);
    for (const topic of idle) {
      this.#watches.delete(topic);
    }
    return idle;
  }
}
