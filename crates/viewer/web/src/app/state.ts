/** What the page shows: rooms, the robot in focus, panels. */
import { computed, signal } from "@preact/signals";
import { forgetConnection, loadConfig, type PageConfig, renewConfig } from "../remote/config";
import type { Robot } from "../remote/robot";
import { RemoteRoom } from "../remote/room";
import { defaultPanels, type PanelSpec, parsePanels } from "./layout";
import { endOnLeaving } from "./leaving";

/** A robot and the room it is in. */
export interface Place {
  key: string;
  room: RemoteRoom;
  robot: Robot;
}

export const config = signal<PageConfig | undefined>(undefined);
export const configError = signal<string | undefined>(undefined);
export const rooms = signal<RemoteRoom[]>([]);
/** Grows once per frame in which something about rooms or robots changed. */
export const revision = signal(0);
export const chosen = signal<string | undefined>(undefined);
export const panels = signal<PanelSpec[]>([]);
/** The one panel that fills the page. */
export const maximized = signal<string | undefined>(undefined);
/** What a small screen shows. */
export const tab = signal<"panels" | "topics">("panels");

export const places = computed<Place[]>(() => {
  revision.value;
  return rooms.value.flatMap((room, index) =>
    room.robots.map((robot) => ({ key: `${index}/${robot.identity}`, room, robot })),
  );
});

/** The robot in focus: the chosen one, else one that is there, else any. */
export const place = computed<Place | undefined>(() => {
  const all = places.value;
  const wanted = config.value?.robot;
  return (
    all.find((each) => each.key === chosen.value) ??
    all.find((each) => each.robot.identity === wanted) ??
    all.find((each) => each.robot.online) ??
    all[0]
  );
});

let announced = false;
function changed(): void {
  if (!announced) {
    announced = true;
    // A hidden page has no frames; a timer comes at last.
    const tell = () => {
      if (announced) {
        announced = false;
        revision.value += 1;
        followRobot();
      }
    };
    requestAnimationFrame(tell);
    setTimeout(tell, 250);
  }
}

export async function start(): Promise<void> {
  endOnLeaving(() => {
    for (const room of rooms.value) {
      room.leave();
    }
  });
  try {
    await connect(await loadConfig());
  } catch (error) {
    configError.value = error instanceof Error ? error.message : String(error);
  }
}

/** Joins the rooms of a configuration. */
export async function connect(wanted: PageConfig): Promise<void> {
  config.value = wanted;
  configError.value = wanted.error;
  if (wanted.rooms.length === 0) {
    return;
  }
  const livekit = await import("../lazy/livekit");
  livekit.setLogLevel(livekit.LogLevel.error);
  rooms.value = wanted.rooms.map(
    (credentials, index) =>
      new RemoteRoom({
        livekit,
        credentials,
        changed,
        renew: async () => (await renewConfig(wanted)).rooms[index] ?? credentials,
      }),
  );
}

/** Leaves all rooms and forgets how to join them. */
export function disconnect(): void {
  forgetConnection();
  for (const room of rooms.value) {
    void room.close();
  }
  rooms.value = [];
  chosen.value = undefined;
  config.value = { rooms: [], robot: undefined, websocket: undefined, error: undefined };
}

let layoutOf: string | undefined;
/** Whether the user has changed anything; until then the panels follow what the robot has. */
let isTouched = false;

/** Loads the panels of the robot that came into focus. */
function followRobot(): void {
  const robot = place.value?.robot;
  if (!robot?.online || robot.channels.size === 0) {
    return;
  }
  if (layoutOf !== layoutKey(robot)) {
    layoutOf = layoutKey(robot);
    const saved = parsePanels(localStorage.getItem(layoutOf));
    isTouched = saved !== undefined;
    panels.value = saved ?? [];
    maximized.value = undefined;
  }
  if (!isTouched) {
    const wanted = defaultPanels(robot).map(
      (panel) => panels.value.find((each) => isSame(each, panel)) ?? panel,
    );
    if (
      wanted.length !== panels.value.length ||
      wanted.some((panel, index) => panel !== panels.value[index])
    ) {
      panels.value = wanted;
    }
  }
}

function isSame(a: PanelSpec, b: PanelSpec): boolean {
  return JSON.stringify({ ...a, id: "" }) === JSON.stringify({ ...b, id: "" });
}

export function choose(key: string): void {
  chosen.value = key;
  followRobot();
}

function layoutKey(robot: Robot): string {
  return `remote-access-panels:${robot.name}`;
}

function setPanels(next: PanelSpec[]): void {
  panels.value = next;
  isTouched = true;
  if (layoutOf) {
    localStorage.setItem(layoutOf, JSON.stringify(next));
  }
}

/** Adds a panel, and brings it into view; one that is there already is not added again. */
export function openPanel(wanted: Omit<PanelSpec, "id">): void {
  const same = panels.value.find((each) => each.kind === wanted.kind && each.topic === wanted.topic);
  const panel = same && wanted.kind !== "plot" ? same : { ...wanted, id: crypto.randomUUID() };
  if (panel !== same) {
    setPanels([...panels.value, panel]);
  }
  tab.value = "panels";
  maximized.value = undefined;
  reveal(panel.id);
}

/** Scrolls to a panel once it is there, and puts the focus on it. */
export function reveal(id: string): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const element = document.getElementById(`panel-${id}`);
      element?.scrollIntoView({ block: "nearest", behavior: "smooth" });
      element?.focus({ preventScroll: true });
    }),
  );
}

export function closePanel(id: string): void {
  setPanels(panels.value.filter((panel) => panel.id !== id));
  if (maximized.value === id) {
    maximized.value = undefined;
  }
}

export function updatePanel(id: string, change: Partial<PanelSpec>): void {
  setPanels(panels.value.map((panel) => (panel.id === id ? { ...panel, ...change } : panel)));
}

export function movePanel(id: string, by: number): void {
  const next = [...panels.value];
  const from = next.findIndex((panel) => panel.id === id);
  const [panel] = next.splice(from, 1);
  if (panel) {
    next.splice(Math.max(0, Math.min(next.length, from + by)), 0, panel);
    setPanels(next);
  }
}

/** Back to the panels that a new robot gets. */
export function resetPanels(): void {
  const robot = place.value?.robot;
  if (robot && layoutOf) {
    localStorage.removeItem(layoutOf);
    isTouched = false;
    panels.value = [];
    followRobot();
  }
}
