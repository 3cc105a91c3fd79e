/** The bar at the top: which robot, and how well it is connected. */
import { useState } from "preact/hooks";
import { describeKeyProblem } from "../remote/encryption";
import { EXPIRED } from "../remote/failure";
import { rate } from "./format";
import { useRepaint } from "./hooks";
import { Icon } from "./icons";
import { choose, config, disconnect, type Place, place, places, rooms } from "./state";
import { currentTheme, toggleTheme } from "./theme";
import { isUtc, toggleZone, zoneName } from "./time";
import { hasSidebar, openPanel, toggleSidebar } from "./workspace";

export function Header() {
  const current = place.value;
  return (
    <header class="bar">
      <h1 aria-label="Remote access">
        <Icon name="robot" />
        <span class="narrow-hidden">Remote access</span>
      </h1>
      {rooms.value.length > 0 && (
        <>
          <button
            type="button"
            class="tool narrow-hidden"
            aria-label="Topics"
            title={hasSidebar.value ? "Hide the topics" : "Show the topics"}
            aria-pressed={hasSidebar.value}
            onClick={toggleSidebar}
          >
            <Icon name="tree" />
          </button>
          <RobotPicker current={current} />
        </>
      )}
      <span class="spring" />
      {rooms.value.length > 0 && <Connection current={current} />}
      <FullScreenButton />
      <ZoneButton />
      <ThemeButton />
      {rooms.value.length > 0 && (
        <button type="button" class="tool" aria-label="Disconnect" title="Disconnect" onClick={disconnect}>
          <Icon name="leave" />
        </button>
      )}
    </header>
  );
}

function RobotPicker({ current }: { current: Place | undefined }) {
  const all = places.value;
  if (all.length === 0) {
    return null;
  }
  const severalRooms = rooms.value.length > 1;
  return (
    <select
      class="robots"
      aria-label="Robot"
      value={current?.key}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      {all.map(({ key, robot, room }) => (
        <option key={key} value={key}>
          {robot.name}
          {severalRooms && ` in ${room.name}`}
          {!robot.online && !room.keyProblem(robot.identity) && " (offline)"}
        </option>
      ))}
    </select>
  );
}

const QUALITY = { excellent: 3, good: 2, poor: 1, lost: 0, unknown: 0 };

function Connection({ current }: { current: Place | undefined }) {
  useRepaint(true, 4);
  const room = current?.room ?? rooms.value[0];
  const robot = current?.robot;
  const now = performance.now();
  const [text, level, brief] = stateText(current);
  const problems = robot ? [...robot.statuses.values()].filter((status) => status.level > 0) : [];
  const bars = QUALITY[room?.quality ?? "unknown"];
  const websocket = config.value?.websocket;
  return (
    <div class="connection">
      <span class={`state ${level}`} role="status" title={room?.error}>
        <span class={brief === undefined ? "" : "narrow-hidden"}>{text}</span>
        {brief !== undefined && <span class="wide-hidden">{brief}</span>}
      </span>
      {robot?.online && (
        <>
          <span class="chip" title="Round trip from this page to the robot and back">
            <small>RTT</small>{" "}
            <span data-figure="rtt">{robot.rttMs === undefined ? "–" : `${robot.rttMs.toFixed(0)} ms`}</span>
          </span>
          <span class="chip narrow-hidden" title="What arrives from this robot">
            <span aria-hidden="true">↓</span>{" "}
            <span data-figure="bandwidth">{rate(robot.total.bytes(now))}</span>
          </span>
        </>
      )}
      {problems.length > 0 && (
        <button
          type="button"
          class="chip warning"
          title={problems.map(({ message }) => message).join("\n")}
          onClick={() => openPanel({ kind: "log" })}
        >
          {problems.length}{" "}
          <span class="narrow-hidden">{problems.length === 1 ? "warning" : "warnings"}</span>
          <span class="wide-hidden">!</span>
        </button>
      )}
      <span class="bars" role="img" aria-label={`Connection to the server: ${room?.quality ?? "unknown"}`}>
        {[1, 2, 3].map((bar) => (
          <i key={bar} class={bar <= bars ? "on" : ""} />
        ))}
      </span>
      {websocket !== undefined && (
        <a
          class="chip narrow-hidden"
          href={`https://app.foxglove.dev/~/view?ds=foxglove-websocket&ds.url=${encodeURIComponent(websocket)}`}
          target="_blank"
          rel="noreferrer"
          title={`Open ${websocket} in Foxglove; Lichtblick takes the same address`}
        >
          Open in Foxglove ↗
        </a>
      )}
    </div>
  );
}

/** Whether the robot has stopped answering pings. */
function isSilent({ room, robot }: Place): boolean {
  return room.canPublishData && !robot.answers;
}

/** The state, how good it is, and what to call it where there is little room. */
function stateText(current: Place | undefined): [string, string, string?] {
  const room = current?.room ?? rooms.value[0];
  switch (room?.state) {
    case "connected": {
      if (!current) {
        return ["No robot", "warn"];
      }
      const problem = current.room.keyProblem(current.robot.identity);
      if (problem) {
        return [describeKeyProblem(problem).state, "bad"];
      }
      if (!current.robot.online) {
        return ["Robot offline", "warn", "Offline"];
      }
      return isSilent(current) ? ["Robot does not answer", "warn", "No answer"] : ["Live", "ok"];
    }
    case "reconnecting":
      return ["Reconnecting", "warn"];
    case "waiting":
      return room.error?.startsWith(EXPIRED)
        ? [EXPIRED, "bad", "Expired"]
        : ["No connection. Retrying automatically", "bad", "No connection"];
    case "ended":
      return [room.end?.state ?? "Not connected", "bad"];
    default:
      return ["Connecting", "warn"];
  }
}

/** Not where there is no full screen, as on an iPhone. */
function FullScreenButton() {
  if (!document.fullscreenEnabled) {
    return null;
  }
  const toggle = () => {
    void (document.fullscreenElement
      ? document.exitFullscreen()
      : document.documentElement.requestFullscreen().catch(() => {}));
  };
  return (
    <button
      type="button"
      class="tool narrow-hidden"
      aria-label="Full screen"
      title="Full screen"
      onClick={toggle}
    >
      <Icon name="expand" />
    </button>
  );
}

/** The zone of all times, and a way to change it. */
function ZoneButton() {
  const next = isUtc.value ? "the zone of this computer" : "UTC";
  return (
    <button
      type="button"
      class="chip narrow-hidden"
      title={`Times are in this zone. Press for ${next}`}
      onClick={toggleZone}
    >
      {zoneName()}
    </button>
  );
}

function ThemeButton() {
  const [theme, setTheme] = useState(currentTheme());
  const label = theme === "dark" ? "Light colours" : "Dark colours";
  return (
    <button
      type="button"
      class="tool"
      aria-label={label}
      title={label}
      onClick={() => setTheme(toggleTheme())}
    >
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </button>
  );
}
