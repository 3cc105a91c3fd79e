/** Requests that wait for their answers. */

interface Waiting<Answer> {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
  deadlineMs: number;
}

/** A request without an answer fails after so long. */
const TIMEOUT_MS = 30_000;

export class Pending<Id, Answer> {
  #waiting = new Map<Id, Waiting<Answer>>();

  /** A request; `send` says whether it went out. */
  request(id: Id, nowMs: number, send: () => boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, deadlineMs: nowMs + TIMEOUT_MS });
      if (!send()) {
        this.fail(id, "there is no connection to the robot");
      }
    });
  }

  /** The answer came. One that nobody waits for is ignored. */
  answer(id: Id, answer: Answer): void {
    this.#take(id)?.resolve(answer);
  }

  fail(id: Id, reason: string): void {
    this.#take(id)?.reject(new Error(reason));
  }

  failAll(reason: string): void {
    for (const id of [...this.#waiting.keys()]) {
      this.fail(id, reason);
    }
  }

  /** Fails what has waited too long. */
  expire(nowMs: number): void {
    for (const [id, { deadlineMs }] of this.#waiting) {
      if (nowMs >= deadlineMs) {
        this.fail(id, `no answer within ${TIMEOUT_MS / 1000} s`);
      }
    }
  }

  #take(id: Id): Waiting<Answer> | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
