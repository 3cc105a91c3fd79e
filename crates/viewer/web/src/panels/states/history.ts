/** When a value became another one. */

/** Changes that are kept. */
const MAX_CHANGES = 2000;

export interface Change {
  timeS: number;
  value: string;
}

export class History {
  changes: Change[] = [];
  /** Time of the newest message. */
  lastS: number | undefined;

  /** A time before the last one means that the clock was set: what was before is void. */
  add(timeS: number, value: string): void {
    if (this.lastS !== undefined && timeS < this.lastS) {
      this.changes = [];
    }
    this.lastS = timeS;
    if (this.changes.at(-1)?.value !== value) {
      this.changes.push({ timeS, value });
      if (this.changes.length > MAX_CHANGES) {
        this.changes.shift();
      }
    }
  }

  /** The states of a span of time, each from when until when. */
  between(fromTime: number, toTime: number): { beginS: number; endS: number; value: string }[] {
    return this.changes.flatMap(({ timeS, value }, index) => {
      const next = this.changes[index + 1]?.timeS ?? toTime;
      return next > fromTime && timeS < toTime
        ? [{ beginS: Math.max(timeS, fromTime), endS: Math.min(next, toTime), value }]
        : [];
    });
  }
}

/** The same colour for the same value, whenever it comes: hue in degrees. */
export function hueOf(value: string): number {
  let hash = 7;
  for (const character of value) {
    hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  }
  return (hash * 137) % 360;
}
