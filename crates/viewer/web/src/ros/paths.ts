/** Numbers inside of messages, by the path that leads to them: `pose.position.x`, `ranges[3]`. */

export type Path = (string | number)[];

export function pathName(path: Path): string {
  return path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
}

/** The number at a path; a truth value is 0 or 1, a time its seconds. Undefined where there is none. */
export function numberAt(message: unknown, path: Path): number | undefined {
  return asNumber(valueAt(message, path));
}

/** What is at a path. Undefined where there is nothing. */
export function valueAt(message: unknown, path: Path): unknown {
  let value = message;
  for (const step of path) {
    if (typeof value !== "object" || value === null) {
      return undefined;
    }
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** What a value is worth in a plot. */
export function asNumber(value: unknown): number | undefined {
  switch (typeof value) {
    case "number":
      return value;
    case "bigint":
      return Number(value);
    case "boolean":
      return value ? 1 : 0;
    case "object": {
      const time = value as { sec?: unknown; nanosec?: unknown } | null;
      if (time && typeof time.sec === "number" && typeof time.nanosec === "number") {
        return time.sec + time.nanosec / 1e9;
      }
      return undefined;
    }
    default:
      return undefined;
  }
}
