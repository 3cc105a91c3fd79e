/** A number over time, the last so many values of it. */

const MAX_POINTS = 12_000;
/** Points of a line that are drawn as they are. */
const MAX_DRAWN = 1200;
/** Of more, the least and the most of each of so many spans of time: no peak is lost. */
const SPANS = MAX_DRAWN / 2;

export class TimeSeries {
  times: number[] = [];
  values: number[] = [];

  get last(): number | undefined {
    return this.values.at(-1);
  }

  /** A time before the last one means that the clock was set: what was before is void. */
  add(timeS: number, value: number): void {
    if (timeS < (this.times.at(-1) ?? timeS)) {
      this.times = [];
      this.values = [];
    }
    this.times.push(timeS);
    this.values.push(value);
    if (this.times.length > 2 * MAX_POINTS) {
      this.times.splice(0, MAX_POINTS);
      this.values.splice(0, MAX_POINTS);
    }
  }

  /** Several lines since a time, over one common list of times, as uPlot wants them. */
  static joined(all: TimeSeries[], sinceS: number): [number[], ...(number | null)[][]] {
    const picked = all.map((each) => each.#since(sinceS));
    const times = [...new Set(picked.flatMap((each) => each.map(([time]) => time)))].sort((a, b) => a - b);
    const places = new Map(times.map((time, index) => [time, index]));
    const lines = picked.map((each) => {
      const line = new Array<number | null>(times.length).fill(null);
      for (const [time, value] of each) {
        line[places.get(time) ?? 0] = Number.isFinite(value) ? value : null;
      }
      return line;
    });
    return [times, ...lines];
  }

  /** All that is kept, as comma-separated values: times since 1970, then a column for each line. */
  static table(all: TimeSeries[], names: string[]): string {
    const rows = new Map<number, (number | "")[]>();
    all.forEach((each, column) => {
      each.times.forEach((time, index) => {
        const row = rows.get(time) ?? new Array<number | "">(all.length).fill("");
        rows.set(time, row);
        row[column] = each.values[index] ?? "";
      });
    });
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const lines = [...rows]
      .sort(([a], [b]) => a - b)
      .map(([time, row]) => [time.toFixed(6), ...row].join(","));
    return [["time_s", ...names.map(quoted)].join(","), ...lines, ""].join("\r\n");
  }

  #since(sinceS: number): [number, number][] {
    let first = this.times.length;
    while (first > 0 && (this.times[first - 1] ?? 0) >= sinceS) {
      first -= 1;
    }
    const points: [number, number][] = [];
    if (this.times.length - first <= MAX_DRAWN) {
      for (let index = first; index < this.times.length; index += 1) {
        points.push([this.times[index] ?? 0, this.values[index] ?? 0]);
      }
      return points;
    }
    const spanS = Math.max((this.times.at(-1) ?? 0) - (this.times[first] ?? 0), 1e-9) / SPANS;
    for (let from = first; from < this.times.length; ) {
      // Spans begin at round times, lest the line flickers while it moves on.
      const span = Math.floor((this.times[from] ?? 0) / spanS);
      let [least, most, to] = [from, from, from];
      for (; to < this.times.length && Math.floor((this.times[to] ?? 0) / spanS) === span; to += 1) {
        const value = this.values[to] ?? 0;
        least = value < (this.values[least] ?? 0) ? to : least;
        most = value > (this.values[most] ?? 0) ? to : most;
      }
      for (const index of least === most ? [least] : [Math.min(least, most), Math.max(least, most)]) {
        points.push([this.times[index] ?? 0, this.values[index] ?? 0]);
      }
      from = to;
    }
    return points;
  }
}
