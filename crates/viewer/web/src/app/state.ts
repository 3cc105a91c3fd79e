/** What the page is connected to: rooms, and the robot in focus. */
import { computed, signal } from "@preact/signals";
import { askForVideo } from "../panels/picture/video";
import { forgetConnection, fromFragment, loadConfig, type PageConfig, renewConfig } from "../remote/config";
import type { Robot } from "../remote/robot";
import { RemoteRoom } from "../remote/room";
import { endOnLeaving } from "./leaving";
import { takeSharedPages } from "./share";
import { addSharedPages, followRobot } from "./workspace";

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
        followRobot(place.value?.robot);
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
  addSharedPages(await takeSharedPages());
  window.addEventListener("hashchange", async () => {
    addSharedPages(await takeSharedPages());
    // A link that is pasted over the page's address loads nothing anew.
    if (fromFragment(location.hash)) {
      await connect(await loadConfig());
    }
    followRobot(place.value?.robot);
  });
  try {
    await connect(await loadConfig());
  } catch (error) {
    configError.value = error instanceof Error ? error.message : String(error);
  }
}

/** Joins the rooms of a configuration, in place of those before. */
export async function connect(wanted: PageConfig): Promise<void> {
  leaveRooms();
  wayBack.value = undefined;
  config.value = wanted;
  configError.value = wanted.error;
  if (wanted.rooms.length === 0) {
    return;
  }
  // What the robot's own layout has depends on the answer.
  const [livekit] = await Promise.all([import("../lazy/livekit"), askForVideo()]);
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

/** Joins again what was left last. Only the open page knows how; a reload forgets it. */
export const wayBack = signal<(() => void) | undefined>(undefined);

/** Leaves all rooms and forgets how to join them. */
export function disconnect(): void {
  const left = config.value;
  const restore = forgetConnection();
  leaveRooms();
  config.value = { rooms: [], robot: undefined, websocket: undefined, error: undefined };
  wayBack.value =
    left &&
    (() => {
      restore();
      void renewConfig(left).then(connect);
    });
}

function leaveRooms(): void {
  for (const room of rooms.value) {
    void room.close();
  }
  rooms.value = [];
  chosen.value = undefined;
}

export function choose(key: string): void {
  chosen.value = key;
  followRobot(place.value?.robot);
}
