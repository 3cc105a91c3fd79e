/** The frames of one robot, shared by all panels that show them. */
import type { Channel } from "../remote/channel";
import type { Robot } from "../remote/robot";
import { topicsOf } from "../ros/kinds";
import { decoderFor } from "../ros/schema";
import { type TransformStamped, Transforms } from "../ros/tf";

/** Messages that may wait until somebody asks for a frame; the oldest go first. */
const MAX_WAITING = 1000;

const stores = new WeakMap<Robot, TransformStore>();

export class TransformStore {
  static of(robot: Robot): TransformStore {
    const store = stores.get(robot) ?? new TransformStore(robot);
    stores.set(robot, store);
    return store;
  }

  #robot: Robot;
  #transforms = new Transforms();
  #waiting: { channel: Channel; data: Uint8Array }[] = [];
  #users = 0;
  #ends = new Map<string, () => void>();
  #session: string | undefined;
  #stopListening: (() => void) | undefined;

  constructor(robot: Robot) {
    this.#robot = robot;
  }

  /** Keeps the frames up to date until the returned function is called. */
  use(): () => void {
    this.#users += 1;
    if (this.#users === 1) {
      this.#stopListening = this.#robot.listen((change) => change === "channels" && this.#follow());
      this.#follow();
    }
    return () => {
      this.#users -= 1;
      if (this.#users === 0) {
        this.#stopListening?.();
        for (const end of this.#ends.values()) {
          end();
        }
        this.#ends.clear();
      }
    };
  }

  /** The frames as of now. */
  get current(): Transforms {
    for (const { channel, data } of this.#waiting.splice(0)) {
      try {
        const { transforms } = decoderFor(channel)(data) as { transforms: TransformStamped[] };
        this.#transforms.add(transforms, channel.topic.endsWith("/tf_static"));
      } catch (error) {
        console.warn(`${channel.topic} cannot be read:`, error);
      }
    }
    return this.#transforms;
  }

  #follow(): void {
    const session = this.#robot.info?.sessionId;
    if (session !== this.#session) {
      this.#session = session;
      this.#waiting = [];
      this.#transforms.clear();
    }
    for (const topic of topicsOf(this.#robot.channels.values(), "tf2_msgs/TFMessage")) {
      if (!this.#ends.has(topic)) {
        const take = (channel: Channel, data: Uint8Array) => {
          this.#waiting.push({ channel, data });
          if (this.#waiting.length > MAX_WAITING) {
            this.#waiting.shift();
          }
        };
        this.#ends.set(topic, this.#robot.watch(topic, take));
      }
    }
  }
}
