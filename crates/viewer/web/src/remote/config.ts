/** Where to connect to: the URL's fragment, the program that serves the page, or what the user typed. */
import { isObject } from "./messages";
import { claimsOf } from "./token";

/** How to join one room. */
export interface Credentials {
  url: string;
  token: string;
  /** The room's name, for people. */
  room: string;
  /** The key that the room's data is encrypted with. */
  key?: string;
}

export interface PageConfig {
  rooms: Credentials[];
  /** Identity of the robot to show first. */
  robot: string | undefined;
  /** Address of the Foxglove WebSocket on this computer, if the program serves one. */
  websocket: string | undefined;
  /** Why there is nothing to connect to. */
  error: string | undefined;
}

const STORED = "remote-access-connection";

/**
 * `#url=…&token=…[&token=…][&key=…]`: one room per token; the n-th token goes with the n-th URL and the n-th key, or the
 * last ones.
 */
export function fromFragment(fragment: string): PageConfig | undefined {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const urls = fields.getAll("url");
  const keys = fields.getAll("key");
  const rooms = fields.getAll("token").flatMap((token, index) => {
    const url = urls[Math.min(index, urls.length - 1)];
    const key = string(keys[Math.min(index, keys.length - 1)]);
    return url ? [credentials(url, token, roomOfToken(token), key)] : [];
  });
  const robot = fields.get("robot") ?? undefined;
  return rooms.length > 0 ? { rooms, robot, websocket: undefined, error: undefined } : undefined;
}

/** The answer of the program, see `docs/page.md`. */
export function fromProgram(answer: unknown): PageConfig {
  if (!isObject(answer)) {
    throw new Error("config.json is not a JSON object");
  }
  const rooms = Array.isArray(answer.rooms) ? answer.rooms : [];
  return {
    rooms: rooms.filter(isObject).flatMap((entry) => {
      const url = string(entry.url) ?? string(answer.url);
      const token = string(entry.token);
      const room = string(entry.room) ?? roomOfToken(token ?? "");
      return url && token ? [credentials(url, token, room, string(answer.key))] : [];
    }),
    robot: string(answer.robot),
    websocket: string(answer.websocket),
    error: string(answer.error),
  };
}

function credentials(url: string, token: string, room: string, key: string | undefined): Credentials {
  return key === undefined ? { url, token, room } : { url, token, room, key };
}

/** The room that a token names. */
function roomOfToken(token: string): string {
  const { video } = claimsOf(token);
  return isObject(video) ? (string(video.room) ?? "") : "";
}

/**
 * The configuration at the start. A fragment is taken out of the address, so that its token is neither
 * shown nor bookmarked; the tab remembers it for a reload.
 */
export async function loadConfig(): Promise<PageConfig> {
  const given = fromFragment(location.hash);
  if (given) {
    sessionStorage.setItem(STORED, location.hash);
    history.replaceState(null, "", location.pathname + location.search);
    return given;
  }
  return fromFragment(sessionStorage.getItem(STORED) ?? "") ?? (await askProgram());
}

/** Fresh tokens, where the program makes them; else what the page started with. */
export async function renewConfig(config: PageConfig): Promise<PageConfig> {
  if (sessionStorage.getItem(STORED)) {
    return config;
  }
  return askProgram().catch(() => config);
}

/** What the user typed becomes the tab's connection. */
export function rememberConnection(url: string, token: string, key: string): PageConfig | undefined {
  const fragment = `#${new URLSearchParams(key === "" ? { url, token } : { url, token, key })}`;
  sessionStorage.setItem(STORED, fragment);
  return fromFragment(fragment);
}

/** What a link says becomes the tab's connection. Undefined if it names none. */
export function rememberLink(link: string): PageConfig | undefined {
  const fragment = link.includes("#") ? link.slice(link.indexOf("#")) : "";
  const given = fromFragment(fragment);
  if (given) {
    sessionStorage.setItem(STORED, fragment);
  }
  return given;
}

/** Takes the connection out of the tab's memory. What is returned puts it back. */
export function forgetConnection(): () => void {
  const stored = sessionStorage.getItem(STORED);
  sessionStorage.removeItem(STORED);
  return () => {
    if (stored !== null) {
      sessionStorage.setItem(STORED, stored);
    }
  };
}

async function askProgram(): Promise<PageConfig> {
  const answer = await fetch("config.json", { cache: "no-store" });
  const type = answer.headers.get("content-type") ?? "";
  if (answer.status === 404 || !type.includes("json")) {
    return { rooms: [], robot: undefined, websocket: undefined, error: undefined };
  }
  if (!answer.ok) {
    throw new Error(`config.json: ${answer.status} ${answer.statusText}`);
  }
  return fromProgram(await answer.json());
}

function string(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
