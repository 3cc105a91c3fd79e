/** What drives one robot from this page: pads, keys and a gamepad, their lock, and STOP. */
import { type Signal, signal } from "@preact/signals";
import { stopOnLeaving } from "../app/leaving";
import { refused } from "../app/permissions";
import type { Place } from "../app/state";
import type { Robot } from "../remote/robot";
import { topicsOf } from "../ros/kinds";
import { navigatorOf } from "../route/navigator";
import { Driver } from "./driver";
import { emergencyStop } from "./emergency";
import { firstPad, readPad } from "./gamepad";
import { Grip, type Stick } from "./grip";
import { staleReason } from "./lock";
import { type DriveSettings, parseSettings } from "./settings";
import { type Wheel, wheelOf } from "./wheel";

/** How often the lock and the gamepad are looked at. */
const LOOK_MS = 50;
/** How long a phone shakes when it loses control, in milliseconds. */
const SHAKE_MS = 300;

export class Pilot {
  /** Where the stick is held, if it is. */
  readonly stick = signal<Stick | undefined>(undefined);
  /** Why nobody can drive from here now. */
  readonly lock = signal<string | undefined>(undefined);
  readonly settings = signal<DriveSettings>(parseSettings(null));
  /** Name of the gamepad that is there. */
  readonly gamepad = signal<string | undefined>(undefined);
  /** What became of the last STOP. */
  readonly outcome = signal<{ text: string; isError: boolean } | undefined>(undefined);
  /** Who has the wheel. */
  readonly wheel: Signal<Wheel>;
  readonly grip = new Grip();

  #place: Place;
  #driver: Driver;
  /** Whose settings these are. */
  #loaded: string | undefined;
  #users = 0;
  #end: (() => void) | undefined;
  /** The gamepad's dead-man's switch must come up before it holds again. */
  #padIsSpent = false;
  #padStopped = false;

  constructor(place: Place) {
    this.#place = place;
    this.#driver = this.#makeDriver();
    this.wheel = signal(this.#wheelNow());
    // A pad is never seen open before somebody has looked.
    this.lock.value = this.#reason();
  }

  get #key(): string {
    return `remote-access-drive:${this.#place.robot.name}`;
  }

  /** Takes commands until the returned function is called: somebody sees a pad. */
  use(): () => void {
    this.#users += 1;
    this.#load();
    this.#end ??= this.#begin();
    let isOver = false;
    return () => {
      if (!isOver) {
        isOver = true;
        this.#users -= 1;
        if (this.#users === 0) {
          this.#end?.();
          this.#end = undefined;
        }
      }
    };
  }

  change(change: Partial<DriveSettings>): void {
    const before = this.settings.value;
    const settings = { ...before, ...change };
    this.settings.value = settings;
    localStorage.setItem(this.#key, JSON.stringify(settings));
    if (settings.topic !== before.topic || settings.type !== before.type) {
      this.release();
      this.#driver.dispose();
      this.#driver = this.#makeDriver();
    } else if (this.stick.value) {
      this.hold(this.stick.value);
    }
  }

  /** Holds the stick there, or lets it go. */
  hold(next: Stick | undefined): void {
    if (next && this.lock.value === undefined && this.#users > 0) {
      const { speed, turnSpeed } = this.settings.value;
      navigatorOf(this.#place.robot).stay("Driving by hand has ended the route");
      this.stick.value = next;
      this.#driver.drive({ ahead: next.ahead * speed, left: 0, turn: next.turn * turnSpeed });
    } else {
      this.stick.value = undefined;
      this.#driver.stop();
    }
  }

  /** Lets go of everything. What holds must be pressed anew. Says whether the robot was driven. */
  release(): boolean {
    const wasDriving = this.#driver.isDriving;
    this.grip.release();
    this.#padIsSpent = true;
    this.hold(undefined);
    return wasDriving;
  }

  /** STOP: a stop, whether or not it was driven from here, and the robot's own emergency stop. */
  stop(): void {
    this.release();
    this.#load();
    this.#driver.sendStop();
    navigatorOf(this.#place.robot).stay("STOP has ended the route");
    this.outcome.value = { text: "STOP was sent", isError: false };
    emergencyStop(this.#place.robot).then(
      (text) => {
        if (text !== undefined) {
          this.outcome.value = { text: `STOP was sent, ${text}`, isError: false };
        }
      },
      (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        this.outcome.value = { text: `STOP was sent, but ${text}`, isError: true };
      },
    );
  }

  /** Asks who drives for the wheel. */
  askForWheel(): void {
    this.#place.robot.wheel(this.settings.value.topic, "ask");
  }

  /** Answers who asks for the wheel that is held here. */
  answerWheel(answer: "give" | "keep"): void {
    if (answer === "give") {
      this.release();
    }
    this.#place.robot.wheel(this.settings.value.topic, answer);
  }

  /** Lets the next command take the wheel from who drives, where that is a right of this viewer. */
  takeWheel(): void {
    this.#driver.takesWheel = true;
    this.#look();
  }

  /** Takes up what was stored for the robot, whose name is known when somebody sees it. */
  #load(): void {
    if (this.#loaded !== this.#key) {
      this.#loaded = this.#key;
      this.settings.value = parseSettings(localStorage.getItem(this.#key));
      this.#driver.dispose();
      this.#driver = this.#makeDriver();
    }
  }

  #makeDriver(): Driver {
    const { topic, type } = this.settings.value;
    // After a standstill of the page its timers come in any order: the lock must be looked at first.
    return new Driver(this.#place.robot, topic, type, () => this.#lookAtLock());
  }

  #begin(): () => void {
    const { robot } = this.#place;
    const odometry = topicsOf(robot.channels.values(), "nav_msgs/Odometry", 1)[0];
    const unwatch = odometry === undefined ? undefined : robot.watch(odometry);
    const stay = stopOnLeaving(() => this.release());
    const letGo = () => this.release();
    const onVisibility = () => document.visibilityState === "hidden" && this.release();
    window.addEventListener("blur", letGo);
    document.addEventListener("visibilitychange", onVisibility);
    const timer = setInterval(() => this.#look(), LOOK_MS);
    this.#look();
    return () => {
      clearInterval(timer);
      unwatch?.();
      stay();
      window.removeEventListener("blur", letGo);
      document.removeEventListener("visibilitychange", onVisibility);
      this.release();
      this.#driver.dispose();
    };
  }

  #wheelNow(): Wheel {
    return wheelOf(this.#place.robot, this.settings.value.topic, performance.now());
  }

  #lookAtWheel(): void {
    if (this.#users > 0 && refused(this.#place, "clientPublish") === undefined) {
      this.#driver.prepare();
    }
    const wheel = this.#wheelNow();
    if (JSON.stringify(wheel) !== JSON.stringify(this.wheel.value)) {
      this.wheel.value = wheel;
    }
    if (wheel.driver === undefined) {
      this.#driver.takesWheel = false;
    }
  }

  #look(): void {
    this.#lookAtWheel();
    this.#lookAtLock();
    this.#lookAtPad();
  }

  #lookAtLock(): void {
    const lock = this.#reason();
    if (lock !== undefined && this.lock.value === undefined && this.release()) {
      shake();
    }
    this.lock.value = lock;
  }

  /** Why nobody can drive from here at this moment. */
  #reason(): string | undefined {
    return (
      refused(this.#place, "clientPublish") ??
      this.#driver.refusal ??
      staleReason(this.#place.robot, this.settings.value.maxAgeMs, performance.now())
    );
  }

  #lookAtPad(): void {
    const pad = document.hasFocus() ? firstPad() : undefined;
    const before = this.gamepad.value;
    this.gamepad.value = pad?.id;
    if (!pad) {
      if (before !== undefined) {
        this.release();
      }
      return;
    }
    const { stick, stop } = readPad(pad);
    if (stop && !this.#padStopped) {
      this.stop();
    }
    this.#padStopped = stop;
    if (!stick) {
      if (!this.#padIsSpent && !this.grip.isHeld) {
        this.hold(undefined);
      }
      this.#padIsSpent = false;
    } else if (!this.#padIsSpent) {
      this.hold(stick);
    }
  }
}

/** Tells hands that control is lost. */
function shake(): void {
  navigator.vibrate?.(SHAKE_MS);
  const effect = { duration: SHAKE_MS, strongMagnitude: 1, weakMagnitude: 1 };
  void firstPad()?.vibrationActuator?.playEffect("dual-rumble", effect);
}

const pilots = new WeakMap<Robot, Pilot>();

/** The pilot of a robot. */
export function pilotOf(place: Place): Pilot {
  const known = pilots.get(place.robot) ?? new Pilot(place);
  pilots.set(place.robot, known);
  return known;
}
