/**
 * Looks at the packets of byte streams before LiveKit's client does, which matches them to streams by
 * id alone: a viewer that knows the id of the robot's stream could write into it.
 */

/** What the guard needs to know of a packet. */
export interface StreamPacket {
  /** Who sent it, as the server says. */
  participantIdentity: string;
  value: { case?: string | undefined; value?: unknown };
}

/** Streams of one participant that may be open at once: more than the page reads, and not endless. */
const MAX_OPEN = 8192;
/** What LiveKit's client calls streams of bytes, and those that are not compressed. */
const BYTES = "byteHeader";
const UNCOMPRESSED = 0;

export class StreamGuard {
  readonly #topic: string;
  /** Who opened each stream. */
  #openers = new Map<string, string>();
  /** How many each participant has open. */
  #counts = new Map<string, number>();

  /** Lets through streams of bytes on this topic. */
  constructor(topic: string) {
    this.#topic = topic;
  }

  /** Whether LiveKit's client may see it. It can ask again for what it kept until it was connected. */
  passes({ participantIdentity: sender, value: packet }: StreamPacket): boolean {
    const { streamId = "", ...fields } = (packet.value ?? {}) as Fields;
    switch (packet.case) {
      case "streamHeader":
        return this.#opens(sender, streamId, fields);
      case "streamChunk":
        return this.#openers.get(streamId) === sender;
      case "streamTrailer":
        return this.#openers.get(streamId) === sender && this.#close(streamId);
      default:
        return true;
    }
  }

  /** A participant is gone, and its streams with it. */
  forget(sender: string): void {
    for (const [streamId, opener] of this.#openers) {
      if (opener === sender) {
        this.#close(streamId);
      }
    }
  }

  #opens(sender: string, streamId: string, header: Fields): boolean {
    const isOurs =
      header.topic === this.#topic &&
      header.contentHeader?.case === BYTES &&
      (header.compression ?? UNCOMPRESSED) === UNCOMPRESSED;
    const opener = this.#openers.get(streamId);
    if (!isOurs || opener !== undefined) {
      return isOurs && opener === sender;
    }
    const open = this.#counts.get(sender) ?? 0;
    if (open >= MAX_OPEN) {
      return false;
    }
    // One that brings all its bytes along ends with its header.
    if (header.inlineContent === undefined) {
      this.#openers.set(streamId, sender);
      this.#counts.set(sender, open + 1);
    }
    return true;
  }

  #close(streamId: string): boolean {
    const opener = this.#openers.get(streamId);
    if (opener !== undefined) {
      this.#openers.delete(streamId);
      const open = (this.#counts.get(opener) ?? 1) - 1;
      if (open > 0) {
        this.#counts.set(opener, open);
      } else {
        this.#counts.delete(opener);
      }
    }
    return true;
  }
}

interface Fields {
  streamId?: string;
  topic?: string;
  contentHeader?: { case?: string | undefined };
  compression?: number;
  inlineContent?: Uint8Array;
}

/** The part of LiveKit's room that takes packets of streams. It is not public; {@link guardStreams} checks that it is there. */
interface Intake {
  incomingDataStreamManager?: { handleDataStreamPacket?: (packet: StreamPacket, encryption: number) => void };
}

/**
 * Puts a guard before a room of LiveKit's, which says for each packet and its kind of encryption whether the room may
 * see it. Throws if this version of LiveKit's client has no place for it.
 */
export function guardStreams(
  room: object,
  passes: (packet: StreamPacket, encryption: number) => boolean,
): void {
  const manager = (room as Intake).incomingDataStreamManager;
  const handle = manager?.handleDataStreamPacket;
  if (!manager || !handle) {
    throw new Error(
      "this version of livekit-client takes streams in another way, which the page cannot guard",
    );
  }
  manager.handleDataStreamPacket = (packet, encryption) => {
    if (passes(packet, encryption)) {
      handle.call(manager, packet, encryption);
    }
  };
}
