/**
 * Leads one robot along a route: each place is a navigation goal, sent when the robot has been at the one
 * before. Actions are not needed for that, which no viewer reaches by default.
 */
import { signal } from "@preact/signals";
import { latestMessage } from "../app/hooks";
import { TransformStore } from "../app/transforms";
import type { Robot } from "../remote/robot";
import { type Aim, encodeAim, GOAL } from "../ros/goals";
import { topicsOf } from "../ros/kinds";
import { compose, type Pose, type Stamp, seconds, yaw } from "../ros/tf";
import { MAX_PLACES, Route } from "./route";

/** How often it is looked where the robot is, in milliseconds. */
const LOOK_MS = 200;

interface Odometry {
  header: { frame_id: string; stamp: Stamp };
  pose: { pose: Pose };
}

/** How far the robot has come. */
export interface Progress {
  /** Number of the place that it goes to, from 0. */
  at: number;
  distanceM: number | undefined;
}

export class Navigator {
  /** The places of the route, in `frame`. */
  readonly places = signal<readonly Aim[]>([]);
  readonly progress = signal<Progress | undefined>(undefined);
  /** What became of the last route. */
  readonly outcome = signal<string | undefined>(undefined);
  frame = "";

  #robot: Robot;
  #route: Route | undefined;
  #end: (() => void) | undefined;
  /** Where goals are published. It is open before the first is sent: what comes at once may find no listener. */
  #channel: { id: number; topic: string } | undefined;

  constructor(robot: Robot) {
    this.#robot = robot;
  }

  get isUnderWay(): boolean {
    return this.#route !== undefined;
  }

  /** Adds a place, in the frame of the view. Says why not, if it cannot. */
  add(place: Aim, frame: string, topic: string): string | undefined {
    if (this.isUnderWay) {
      return "The robot is on its way; stop the route to change it";
    }
    if (this.places.value.length > 0 && frame !== this.frame) {
      return `The places of the route are in ${this.frame}, this one is in ${frame}`;
    }
    if (this.places.value.length >= MAX_PLACES) {
      return `A route has at most ${MAX_PLACES} places`;
    }
    if (this.places.value.length === 0) {
      this.frame = frame;
      this.#open(topic);
    }
    this.places.value = [...this.places.value, place];
    this.outcome.value = undefined;
    return undefined;
  }

  remove(index: number): void {
    this.places.value = this.places.value.filter((_, each) => each !== index);
  }

  clear(): void {
    this.stop(undefined);
    this.places.value = [];
    this.outcome.value = undefined;
  }

  /** Sends the robot to the first place, and then from place to place. */
  start(): void {
    this.stop(undefined);
    this.#route = new Route(this.places.value);
    const odometry = this.#odometry();
    const unwatch = odometry === undefined ? undefined : this.#robot.watch(odometry);
    const forget = TransformStore.of(this.#robot).use();
    const timer = setInterval(() => this.#look(), LOOK_MS);
    this.#end = () => {
      clearInterval(timer);
      unwatch?.();
      forget();
    };
    this.outcome.value = undefined;
    this.#go();
  }

  /** Goes on to the next place. */
  skip(): void {
    if (this.#route?.skip()) {
      this.#go();
    }
  }

  /** Sends no further places. The robot still goes to the one that it was sent to. */
  stop(reason: string | undefined): void {
    if (this.#route) {
      this.#route = undefined;
      this.#end?.();
      this.#end = undefined;
      this.progress.value = undefined;
      this.outcome.value = reason;
    }
  }

  /** Sends no further places, and the robot to where it is. Nothing if it is on no route. */
  stay(reason: string): void {
    if (!this.isUnderWay) {
      return;
    }
    const here = this.here();
    this.stop(reason);
    if (!here) {
      this.outcome.value = `${reason}. It is not known where the robot is: it may go on to its last goal`;
    } else if (!this.#send(here)) {
      this.outcome.value = `${reason}. There is no connection to the robot: it may go on to its last goal`;
    }
  }

  /** Where the robot is, in the frame of the route, as its odometry and transforms tell. */
  here(): Aim | undefined {
    const topic = this.#odometry();
    const channel = topic === undefined ? undefined : this.#robot.channel(topic);
    const message = (channel && latestMessage(channel)?.value) as Odometry | undefined;
    if (!message) {
      return undefined;
    }
    const { frame_id, stamp } = message.header;
    const base = TransformStore.of(this.#robot).current.pose(frame_id, this.frame, seconds(stamp));
    const pose = base && compose(base, message.pose.pose);
    return pose && { x: pose.position.x, y: pose.position.y, yaw: yaw(pose.orientation) };
  }

  #odometry(): string | undefined {
    return topicsOf(this.#robot.channels.values(), "nav_msgs/Odometry", 1)[0];
  }

  #look(): void {
    const route = this.#route;
    if (!route) {
      return;
    }
    const refusal = this.#robot.statuses.get(`client-channel-${this.#channel?.id}`);
    if (refusal) {
      this.stop(refusal.message);
      return;
    }
    const here = this.here();
    if (route.look(here, performance.now())) {
      this.#go();
    } else {
      this.progress.value = { at: route.at, distanceM: route.distance(here) };
    }
  }

  #go(): void {
    const route = this.#route;
    if (!route?.goal) {
      this.stop("The robot was at all places");
    } else if (!this.#send(route.goal)) {
      this.stop("There is no connection to the robot: the route has ended");
    } else {
      this.progress.value = { at: route.at, distanceM: route.distance(this.here()) };
    }
  }

  #send(goal: Aim): boolean {
    const now = this.#robot.clockMs(performance.now()) ?? Date.now();
    const message = encodeAim(GOAL, goal, this.frame, now);
    return this.#channel !== undefined && this.#robot.publish(this.#channel.id, message);
  }

  #open(topic: string): void {
    if (this.#channel?.topic === topic) {
      return;
    }
    if (this.#channel) {
      this.#robot.unadvertise(this.#channel.id);
    }
    const { schemaName, schema } = GOAL;
    const id = this.#robot.advertise({
      topic,
      encoding: "cdr",
      schemaName,
      schemaEncoding: "ros2msg",
      schema,
    });
    this.#channel = { id, topic };
  }
}

const navigators = new WeakMap<Robot, Navigator>();

/** What leads a robot along its route. */
export function navigatorOf(robot: Robot): Navigator {
  const known = navigators.get(robot) ?? new Navigator(robot);
  navigators.set(robot, known);
  return known;
}
