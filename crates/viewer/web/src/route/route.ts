/** Places for the robot to go to one after another. */
import type { Aim } from "../ros/goals";

/** How near is there, in metres. */
export const NEAR_M = 0.3;
/** How long it must be near before it goes on, in milliseconds. */
const STAY_MS = 1000;
/** Places on one route at most. */
export const MAX_PLACES = 100;

/** Which place the robot is on its way to, and when it goes on to the next. */
export class Route {
  readonly places: readonly Aim[];
  #at = 0;
  #nearSince: number | undefined;

  constructor(places: readonly Aim[]) {
    this.places = places;
  }

  /** Number of the place that the robot is on its way to; that of the last one and 1 more when it was there. */
  get at(): number {
    return this.#at;
  }

  /** The place that the robot is on its way to. Undefined if it was everywhere. */
  get goal(): Aim | undefined {
    return this.places[this.#at];
  }

  /** How far it is to the goal, in metres. */
  distance(robot: { x: number; y: number } | undefined): number | undefined {
    const { goal } = this;
    return goal && robot && Math.hypot(goal.x - robot.x, goal.y - robot.y);
  }

  /** Looks where the robot is. Says whether it has reached its goal by that, and is to go on. */
  look(robot: { x: number; y: number } | undefined, nowMs: number): boolean {
    const distance = this.distance(robot);
    if (distance === undefined || distance > NEAR_M) {
      this.#nearSince = undefined;
      return false;
    }
    this.#nearSince ??= nowMs;
    return nowMs - this.#nearSince >= STAY_MS && this.skip();
  }

  /** Goes on without having been there. */
  skip(): true {
    this.#at += 1;
    this.#nearSince = undefined;
    return true;
  }
}
