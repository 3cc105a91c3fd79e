/** Times of day: all of the page in one time zone, which the user chooses. */
import { signal } from "@preact/signals";

const STORED = "remote-access-time-zone";

/** Whether times are in UTC rather than in the zone of this computer. */
export const isUtc = signal(globalThis.localStorage?.getItem(STORED) === "utc");

export function toggleZone(): void {
  isUtc.value = !isUtc.value;
  localStorage.setItem(STORED, isUtc.value ? "utc" : "local");
}

/** A time of day, from milliseconds since 1970. */
export function clockTime(ms: number, hasMilliseconds = false): string {
  return new Intl.DateTimeFormat("en-GB", {
    hourCycle: "h23",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    ...(hasMilliseconds && { fractionalSecondDigits: 3 }),
    ...(isUtc.value && { timeZone: "UTC" }),
  }).format(ms);
}

/** What the zone is called, such as `UTC` or `GMT+2`. */
export function zoneName(): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZoneName: "short",
    ...(isUtc.value && { timeZone: "UTC" }),
  }).formatToParts(Date.now());
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "local";
}
