/** Reads one stream of a robot to its end. */
import { FrameReader } from "./frames";
import { decode, type RobotMessage } from "./messages";

export interface StreamEnd {
  /** Why the stream is broken; undefined if it ended as it should. */
  error: string | undefined;
}

/**
 * Hands on every message of a stream. One that cannot be read is skipped and told; a stream that cannot
 * be read is broken, and what still comes of it is thrown away, because nobody can make the sender stop.
 */
export async function readStream(
  chunks: AsyncIterable<Uint8Array>,
  receive: (message: RobotMessage, bytes: number) => void,
  skipped: (error: unknown) => void,
): Promise<StreamEnd> {
  const reader = new FrameReader();
  let error: string | undefined;
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
      } catch (broken) {
        error = String(broken);
      }
    }
  } catch (aborted) {
    error ??= String(aborted);
  }
  if (error === undefined && reader.pending > 0) {
    error = "it ended inside a message";
  }
  return { error };
}
