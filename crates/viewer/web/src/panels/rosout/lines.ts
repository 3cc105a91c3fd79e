/** The lines of /rosout that are kept, and those that somebody looks for. */

/** Levels of rcl_interfaces/Log, the least first. */
export const LEVELS = [
  { level: 10, name: "DEBUG" },
  { level: 20, name: "INFO" },
  { level: 30, name: "WARN" },
  { level: 40, name: "ERROR" },
  { level: 50, name: "FATAL" },
] as const;

/** Lines that are kept. */
const MAX_LINES = 5000;

/** A message of rcl_interfaces/Log. */
export interface LogMessage {
  stamp: { sec: number; nanosec: number };
  level: number;
  name: string;
  msg: string;
  file: string;
  function: string;
  line: number;
}

export interface Line extends LogMessage {
  /** Counts the lines, so that each has a name of its own. */
  id: number;
}

export class Lines {
  #lines: Line[] = [];
  #next = 0;

  /** How many came so far. */
  get count(): number {
    return this.#next;
  }

  add(message: LogMessage): void {
    this.#lines.push({ ...message, id: this.#next });
    this.#next += 1;
    // Not one at a time, which would move all of them each time.
    if (this.#lines.length > 1.2 * MAX_LINES) {
      this.#lines = this.#lines.slice(-MAX_LINES);
    }
  }

  clear(): void {
    this.#lines = [];
  }

  /** The newest lines of at least this level with a text in node or message, the newest first. */
  find(level: number, text: string, most: number): Line[] {
    const wanted = text.toLowerCase();
    const found: Line[] = [];
    for (let index = this.#lines.length - 1; index >= 0 && found.length < most; index -= 1) {
      const line = this.#lines[index];
      if (line && line.level >= level && `${line.name} ${line.msg}`.toLowerCase().includes(wanted)) {
        found.push(line);
      }
    }
    return found;
  }
}

export function levelName(level: number): string {
  return LEVELS.findLast((each) => level >= each.level)?.name ?? String(level);
}
