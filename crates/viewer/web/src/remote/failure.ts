/** What people are told of a connection that failed. Never what the server said: it may quote the token. */
import type { Credentials } from "./config";
import { isObject } from "./messages";
import { claimsOf } from "./token";

export const EXPIRED = "This link has expired";
const RENEW = "Ask whoever gave it to you for a new one.";
/** `ConnectionErrorReason` of `livekit-client`, which is not loaded at the start. */
const NOT_ALLOWED = 0;
const REASONS: Record<number, string> = {
  1: "the server cannot be reached",
  2: "the server has an error",
  3: "the attempt was given up",
  4: "the server ended the connection",
  5: "the server does not answer in time",
  6: "the connection broke",
  7: "there is no LiveKit server at this address",
};

/** An end that somebody wanted: the page stays away until it is asked back. */
export interface End {
  /** In a few words. */
  state: string;
  text: string;
  /** What to do about it, as a button says it. */
  action: string;
}

/** By `DisconnectReason` of LiveKit's protocol. */
const ENDS: Record<number, End> = {
  2: {
    state: "Open elsewhere",
    text: "This link was opened in another window, and only one at a time can use it.",
    action: "Use it here",
  },
  4: {
    state: "Removed",
    text: "This viewer was removed from the room.",
    action: "Join again",
  },
};

/** The end behind a reason, unless the connection just broke. */
export function endOf(reason: number | undefined): End | undefined {
  return reason === undefined ? undefined : ENDS[reason];
}

export function describeFailure(error: unknown, credentials: Credentials, nowMs: number): string {
  const reason = isObject(error) ? error.reason : undefined;
  const said = error instanceof Error ? error.message : "";
  const isRefused = reason === NOT_ALLOWED;
  const endMs = expiry(credentials.token);
  if (isRefused && (/\bexpired\b/i.test(said) || (endMs !== undefined && endMs <= nowMs))) {
    return `${EXPIRED}. ${RENEW}`;
  }
  const why = isRefused
    ? `the server does not accept this link's token. ${RENEW}`
    : ((typeof reason === "number" ? REASONS[reason] : undefined) ?? "the connection failed");
  return `cannot connect to ${address(credentials.url)}: ${why}`;
}

/** Whether only another link helps against a failure. */
export function needsNewLink(failure: string | undefined): boolean {
  return failure?.endsWith(RENEW) ?? false;
}

function expiry(token: string): number | undefined {
  const { exp } = claimsOf(token);
  return typeof exp === "number" ? exp * 1000 : undefined;
}

/** Protocol, host and port: the rest of an address may hold a token. */
function address(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return "the server";
  }
}
