/**
 * The dead-man's switch: velocity commands go out only while somebody holds on, and a stop the moment
 * that ends, for whatever reason.
 */
import type { Robot } from "../remote/robot";
import { encodeTwist, STANDSTILL, type TwistType, twistSchema, type Velocity } from "../ros/twist";
import { wheelOf } from "./wheel";

/** Time between two commands while somebody holds on. */
const PERIOD_MS = 50;
/** Stops that are sent: one could be the message that a bad link loses. */
const STOPS = 3;

export class Driver {
  #robot: Robot;
  #check: () => void;
  #topic: string;
  #type: TwistType;
  #channel: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #velocity = STANDSTILL;
  /** Whether to drive although another does, by right. */
  takesWheel = false;

  /** `check` is called before every command; it stops what must not go on. */
  constructor(robot: Robot, topic: string, type: TwistType, check: () => void = () => {}) {
    this.#robot = robot;
    this.#check = check;
    this.#topic = topic;
    this.#type = type;
  }

  get isDriving(): boolean {
    return this.#timer !== undefined;
  }

  /**
   * Why the robot does not take commands from here, as it said itself: somebody else drives, the channel
   * was refused, or driving is.
   */
  get refusal(): string | undefined {
    const { obstacle, canTake } = wheelOf(this.#robot, this.#topic, 0);
    if (obstacle !== undefined && !(canTake && this.takesWheel)) {
      return obstacle;
    }
    const { statuses } = this.#robot;
    const refused =
      statuses.get(`refused-driving-${this.#topic}`) ?? statuses.get(`client-channel-${this.#channel}`);
    return refused?.message;
  }

  /** Makes ready to drive, so that the robot tells who does. */
  prepare(): void {
    this.#open();
  }

  /** Drives so fast from now on, until the next call or {@link stop}. */
  drive(velocity: Velocity): void {
    this.#velocity = velocity;
    this.#open();
    if (this.#timer === undefined) {
      this.#send(velocity);
      this.#timer = setInterval(() => this.#goOn(), PERIOD_MS);
    }
  }

  #goOn(): void {
    this.#check();
    if (this.#timer !== undefined) {
      this.#send(this.#velocity);
    }
  }

  /** Stops the robot. Nothing is sent if it was not driven, or not from here: that would stop who drives it. */
  stop(): void {
    if (this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      if (this.refusal === undefined) {
        this.#sendStops();
      }
    }
  }

  /** Sends a stop, whether or not the robot is driven from here. */
  sendStop(): void {
    this.#open();
    this.#sendStops();
  }

  /** Stops, and publishes nothing any more. */
  dispose(): void {
    this.stop();
    if (this.#channel !== undefined) {
      this.#robot.unadvertise(this.#channel);
      this.#channel = undefined;
    }
  }

  #open(): void {
    this.#channel ??= this.#robot.advertise({
      topic: this.#topic,
      encoding: "cdr",
      schemaName: this.#type,
      schemaEncoding: "ros2msg",
      schema: twistSchema(this.#type),
    });
  }

  #sendStops(): void {
    for (let count = 0; count < STOPS; count += 1) {
      this.#send(STANDSTILL);
    }
  }

  #send(velocity: Velocity): void {
    if (this.#channel !== undefined) {
      this.#robot.publish(
        this.#channel,
        encodeTwist(this.#type, velocity, this.#robot.clockMs(performance.now()) ?? Date.now()),
      );
    }
  }
}
