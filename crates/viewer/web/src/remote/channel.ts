import type { ChannelInfo } from "./messages";
import type { Rate } from "./rate";

/** A channel and what came on it. */
export interface Channel extends ChannelInfo {
  /** The newest message, not decoded. */
  latest: Uint8Array | undefined;
  logTimeMs: number;
  /** When it arrived, on the page's clock. */
  arrivedMs: number;
  /** Messages that arrived so far; tells whether `latest` is new. */
  count: number;
  rate: Rate;
}
