/** Reads one stream of a robot to its end. */
import { FrameError, FrameReader } from "./frames";
import { decode, type RobotMessage } from "./messages";

export interface StreamEnd {
  /** Why the stream is broken; undefined if it ended as it should. */
  error: string | undefined;
}

/** Bytes of incomplete messages that all streams of one robot may have waiting. */
const MAX_PENDING = 128 * 1024 * 1024;

/** What the streams of one robot hold together. */
export class PendingBytes {
  used = 0;
}

/**
 * Hands on every message of a stream. One that cannot be read is skipped and told; a stream that cannot
 * be read is broken, and what still comes of it is thrown away, because nobody can make the sender stop.
 */
export async function readStream(
  chunks: AsyncIterable<Uint8Array>,
  pending: PendingBytes,
  receive: (message: RobotMessage, bytes: number) => void,
  skipped: (error: unknown) => void,
): Promise<StreamEnd> {
  const reader = new FrameReader();
  let held = 0;
  let error: string | undefined;
  const hold = (bytes: number) => {
    pending.used += bytes - held;
    held = bytes;
  };
  try {
    for await (const chunk of chunks) {
      if (error !== undefined) {
        continue;
      }
      try {
        for (const frame of reader.push(chunk)) {
          try {
            receive(decode(frame), frame.payload.length);
          } catch (unreadable) {
            skipped(unreadable);
          }
        }
        hold(reader.pending);
        if (pending.used > MAX_PENDING) {
          throw new FrameError("the robot has too many bytes of incomplete messages on the way");
        }
      } catch (broken) {
        error = String(broken);
        reader.clear();
        hold(0);
      }
    }
  } catch (aborted) {
    error ??= String(aborted);
  }
  if (error === undefined && reader.pending > 0) {
    error = "it ended inside a message";
  }
  hold(0);
  return { error };
}

/** Throws away what comes on a stream: one that nobody reads would be kept in memory. */
export async function discard(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const _ of chunks) {
      // Nothing of it is wanted.
    }
  } catch {
    // Nor how it ends.
  }
}
