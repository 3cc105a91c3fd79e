/** A robot in the room: its state, the page's stream to it, and when to start anew. */
import { PendingBytes } from "./downlink";
import { Robot, type RobotLink } from "./robot";
import { Uplink, type Writer } from "./uplink";

/** Least time between two fresh starts that the page asks for. */
const RESTART_MS = 1500;
/** A robot that says nothing of itself, or answers nothing, for so long after a stream was opened has missed it. */
const BEGINNING_MS = 4000;
/** A robot that answers no more pings for so long gets a fresh stream. */
const SILENCE_MS = 10_000;
/** And at least so many pings must be unanswered: the timers of a hidden page are slow. */
const SILENT_PINGS = 10;

export type OpenStream = (identity: string) => Promise<Writer>;

export class Member {
  readonly robot: Robot;
  /** The robot's session in the room. It changes when the robot joins again, and may be known late. */
  sid: string | undefined;
  /** Whether the robot is in the room. */
  isPresent = false;
  /** What its streams hold of incomplete messages. */
  readonly pending = new PendingBytes();
  /** Counts the robot's sessions: what was opened in an earlier one is void. */
  session = 0;

  #open: OpenStream;
  #now: () => number;
  #uplink: Uplink | undefined;
  #startedMs = Number.NEGATIVE_INFINITY;
  #restartAtMs: number | undefined;
  #unanswered = 0;
  /** Whether it has answered on the stream that is open. */
  #isHeard = false;

  constructor(identity: string, open: OpenStream, now: () => number) {
    this.robot = new Robot(identity, now);
    this.#open = open;
    this.#now = now;
  }

  /** The robot is in the room. */
  begin(sid: string | undefined): void {
    this.sid = sid;
    this.isPresent = true;
    this.session += 1;
  }

  /** Opens the page's stream to the robot, in the place of the one before. */
  start(): void {
    const last = this.#uplink;
    const uplink = new Uplink({
      // The robot takes the page's streams for one conversation: the old one must end first.
      open: async () => {
        await last?.close();
        return this.#open(this.robot.identity);
      },
      failed: (error) => this.restart(`the stream to the robot failed: ${error}`),
    });
    this.#uplink = uplink;
    this.#startedMs = this.#now();
    this.#restartAtMs = undefined;
    this.#unanswered = 0;
    this.#isHeard = false;
    const link: RobotLink = {
      send: (frame) => uplink.send(frame),
      sendPing: (frame) => uplink.sendPing(frame),
      sendAck: (frame) => {
        this.#unanswered = 0;
        this.#isHeard = true;
        uplink.sendAck(frame);
      },
    };
    this.robot.attach(link);
    if (last) {
      this.robot.resubscribe();
    }
    uplink.start();
  }

  /** The robot is gone, or the room is. */
  stop(): void {
    this.sid = undefined;
    this.isPresent = false;
    this.session += 1;
    this.#restartAtMs = undefined;
    void this.#uplink?.close();
    this.#uplink = undefined;
    this.robot.attach(undefined);
  }

  /** Something was lost: asks the robot to start anew, not more often than it makes sense. */
  restart(reason: string): void {
    if (this.#uplink && this.#restartAtMs === undefined) {
      console.warn(`${this.robot.name}: starting anew: ${reason}`);
      this.#restartAtMs = this.#startedMs + RESTART_MS;
    }
  }

  /** Ten times a second while the room is connected. */
  tick(): void {
    const now = this.#now();
    this.#unanswered += 1;
    const patienceMs = this.#isHeard ? SILENCE_MS : BEGINNING_MS;
    if (now - this.robot.answeredMs > patienceMs && this.#unanswered > SILENT_PINGS) {
      this.restart("it answers no ping");
    }
    if (!this.robot.online && now - this.#startedMs > BEGINNING_MS) {
      this.restart("it has not introduced itself");
    }
    if (this.#restartAtMs !== undefined && now >= this.#restartAtMs) {
      this.start();
    }
    this.robot.tick();
  }
}
