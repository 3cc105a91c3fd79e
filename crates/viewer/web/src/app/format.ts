/** Figures for people. */
import type { Channel } from "../remote/channel";

const UNITS = ["B", "kB", "MB", "GB"];

export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toPrecision(3)} ${UNITS[unit]}`;
}

export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

export function hertz(perSecond: number): string {
  return `${perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)} Hz`;
}

/** How often messages come: no figure where none do, as of what is latched. */
export function pace({ rate: measured, isLatched }: Channel, nowMs: number): string {
  const perSecond = measured.messages(nowMs);
  return perSecond > 0 ? hertz(perSecond) : isLatched === true ? "latched" : "–";
}

export function duration(milliseconds: number): string {
  // Rounded first: never "1000 ms" or "60.0 s".
  if (milliseconds < 995) {
    return `${Math.max(0, Math.round(milliseconds / 10) * 10)} ms`;
  }
  if (milliseconds < 59_950) {
    return `${(milliseconds / 1000).toFixed(1)} s`;
  }
  return milliseconds < 3_600_000
    ? `${Math.max(1, Math.floor(milliseconds / 60_000))} min`
    : `${Math.floor(milliseconds / 3_600_000)} h`;
}

/** How old something is. */
export function age(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "–" : `${duration(milliseconds)} old`;
}

/** A number as short as it can be without hiding what matters. */
export function number(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) {
    return String(value);
  }
  const size = Math.abs(value);
  return size >= 1e-4 && size < 1e7
    ? String(Number(value.toFixed(size >= 100 ? 3 : 5)))
    : value.toExponential(4);
}

/** `package/msg/Type` without the middle, which says nothing. */
export function shortType(type: string): string {
  return type.replace(/\/(msg|srv)\//, "/");
}
