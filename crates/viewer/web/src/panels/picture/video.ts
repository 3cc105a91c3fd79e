/** H.264 on a canvas. The browser decodes in threads of its own; here pictures are only handed over. */
import { signal } from "@preact/signals";
import { codecOf, isKeyFrame } from "../../ros/h264";

/** Constrained Baseline, level 3.1: what every robot's encoder makes at least. */
const USUAL = "avc1.42E01F";
/** Pictures that may wait for the decoder; with more it starts anew at the next key frame. */
const MAX_WAITING = 30;

/** Whether this browser decodes H.264; undefined until it has said so. */
export const canDecodeVideo = signal<boolean | undefined>(undefined);

/** Asks the browser. */
export async function askForVideo(): Promise<void> {
  if (!("VideoDecoder" in globalThis)) {
    canDecodeVideo.value = false;
    return;
  }
  const answer = await VideoDecoder.isConfigSupported({ codec: USUAL }).catch(() => undefined);
  canDecodeVideo.value = answer?.supported === true;
}

/** Pictures go in, the newest one comes out on a canvas. */
export class VideoPlayer {
  #canvas: HTMLCanvasElement;
  #decoder: VideoDecoder | undefined;
  #codec = "";
  #failed: (problem: string | undefined) => void;
  #count = 0;

  constructor(canvas: HTMLCanvasElement, failed: (problem: string | undefined) => void) {
    this.#canvas = canvas;
    this.#failed = failed;
  }

  /** Takes the next picture of the stream. */
  push(data: Uint8Array): void {
    const isKey = isKeyFrame(data);
    if (isKey) {
      this.#begin(codecOf(data) ?? this.#codec);
    }
    const decoder = this.#decoder;
    if (decoder?.state !== "configured") {
      return;
    }
    if (decoder.decodeQueueSize > MAX_WAITING) {
      this.#end();
      return;
    }
    // No picture refers to a later one, so that the order is that of arrival.
    this.#count += 1;
    const chunk = new EncodedVideoChunk({ type: isKey ? "key" : "delta", timestamp: this.#count, data });
    try {
      decoder.decode(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  dispose(): void {
    this.#end();
  }

  #begin(codec: string): void {
    if (this.#decoder?.state === "configured" && codec === this.#codec) {
      return;
    }
    this.#end();
    try {
      const decoder = new VideoDecoder({
        output: (frame) => this.#draw(frame),
        error: (error) => this.#fail(error),
      });
      decoder.configure({ codec, optimizeForLatency: true });
      this.#decoder = decoder;
      this.#codec = codec;
    } catch (error) {
      this.#fail(error);
    }
  }

  #draw(frame: VideoFrame): void {
    const { displayWidth: width, displayHeight: height } = frame;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    this.#canvas.getContext("2d")?.drawImage(frame, 0, 0);
    frame.close();
    this.#failed(undefined);
  }

  #fail(error: unknown): void {
    this.#end();
    this.#failed(`the video cannot be decoded: ${error instanceof Error ? error.message : error}`);
  }

  #end(): void {
    if (this.#decoder && this.#decoder.state !== "closed") {
      this.#decoder.close();
    }
    this.#decoder = undefined;
  }
}
