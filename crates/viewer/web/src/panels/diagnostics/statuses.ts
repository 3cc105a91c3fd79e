/** The newest status of everything that reports on /diagnostics. */

export const LEVEL_NAMES = ["OK", "WARN", "ERROR", "STALE"] as const;
const STALE = 3;
/** A status that was not repeated for so long counts as stale, in milliseconds. */
const STALE_MS = 5000;
/** Statuses that are kept. */
const MAX_STATUSES = 2000;

/** A message of diagnostic_msgs/DiagnosticStatus. */
export interface DiagnosticStatus {
  level: number;
  name: string;
  message: string;
  hardware_id: string;
  values: { key: string; value: string }[];
}

export interface Report extends DiagnosticStatus {
  /** When it came, on the page's clock. */
  atMs: number;
}

export class Statuses {
  #byName = new Map<string, Report>();

  add(status: DiagnosticStatus, nowMs: number): void {
    if (this.#byName.has(status.name) || this.#byName.size < MAX_STATUSES) {
      this.#byName.set(status.name, { ...status, atMs: nowMs });
    }
  }

  /** Those with a text in name or message, the worst first. Who says nothing any more is stale. */
  find(text: string, nowMs: number): Report[] {
    const wanted = text.toLowerCase();
    return [...this.#byName.values()]
      .filter((report) => `${report.name} ${report.message}`.toLowerCase().includes(wanted))
      .map((report) => (nowMs - report.atMs > STALE_MS ? { ...report, level: STALE } : report))
      .sort((a, b) => b.level - a.level || a.name.localeCompare(b.name));
  }

  /** How many there are of each level. */
  counts(nowMs: number): number[] {
    const counts = LEVEL_NAMES.map(() => 0);
    for (const { level } of this.find("", nowMs)) {
      counts[level] = (counts[level] ?? 0) + 1;
    }
    return counts;
  }
}
