/** The whole page. */
import { useEffect } from "preact/hooks";
import { DriveMode } from "../drive/DriveMode";
import { driveMode } from "../drive/mode";
import { StopButton } from "../drive/Stop";
import { needsNewLink } from "../remote/failure";
import type { RemoteRoom } from "../remote/room";
import { ConnectForm } from "./ConnectForm";
import { Header } from "./Header";
import { Icon } from "./icons";
import { LinkForm } from "./LinkForm";
import { PageBar } from "./PageBar";
import { config, place, revision, rooms } from "./state";
import { Tiles } from "./Tiles";
import { TopicList } from "./TopicList";
import { hasSidebar, tab } from "./workspace";

export function App() {
  const isConfigured = rooms.value.length > 0;
  return (
    <>
      {isConfigured && (
        <a class="skip" href="#panels">
          To the panels
        </a>
      )}
      <Header />
      {isConfigured ? <Workspace /> : <ConnectForm isLoading={config.value === undefined} />}
    </>
  );
}

function Workspace() {
  const current = place.value;
  const name = current?.robot.name;
  useEffect(() => {
    document.title = name ? `${name} · Remote access` : "Remote access";
  }, [name]);
  const drives = driveMode.value && current !== undefined;
  return (
    <main
      class={`workspace show-${tab.value} ${drives ? "drives" : ""} ${hasSidebar.value ? "" : "no-topics"}`}
    >
      {drives && <DriveMode key={current.key} place={current} />}
      {current && <StopButton key={current.key} place={current} />}
      <section class="sidebar" aria-label="Topics">
        <TopicList place={current} />
      </section>
      <section id="panels" aria-label="Panels">
        {current ? (
          <>
            {needsNewLink(current.room.error) && (
              <div class="expired">
                <p class="hint error" role="alert">
                  {current.room.error}
                </p>
                <LinkForm />
              </div>
            )}
            <EndOfRoom room={current.room} />
            <div class="page">
              <Tiles place={current} />
            </div>
            <PageBar place={current} />
          </>
        ) : (
          <NoRobot />
        )}
      </section>
      <nav class="tabs" aria-label="Views">
        {(["panels", "topics"] as const).map((each) => (
          <button
            key={each}
            type="button"
            aria-current={tab.value === each ? "page" : undefined}
            onClick={() => {
              tab.value = each;
            }}
          >
            <Icon name={each === "panels" ? "layers" : "tree"} />
            {each === "panels" ? "Panels" : "Topics"}
          </button>
        ))}
      </nav>
    </main>
  );
}

/** Where the connection was ended on purpose: why, and a way back. */
function EndOfRoom({ room }: { room: RemoteRoom }) {
  if (room.end === undefined) {
    return null;
  }
  return (
    <div class="expired">
      <p class="hint error" role="alert">
        {room.end.text}
      </p>
      <button type="button" class="primary" onClick={() => room.retry()}>
        {room.end.action}
      </button>
    </div>
  );
}

function NoRobot() {
  // Rooms change without becoming others.
  revision.value;
  const problems = rooms.value.flatMap((room) => (room.error === undefined ? [] : [room.error]));
  const isConnected = rooms.value.some((room) => room.state === "connected");
  const isUseless = problems.some(needsNewLink);
  const ended = rooms.value.filter((room) => room.end !== undefined);
  if (ended.length > 0 && ended.length === rooms.value.length) {
    return (
      <div class="empty">
        <Icon name="robot" />
        <h2>Not connected</h2>
        {ended.map((room) => (
          <EndOfRoom key={room.name} room={room} />
        ))}
      </div>
    );
  }
  return (
    <div class="empty">
      <Icon name="robot" />
      <h2>{isConnected ? "No robot is in the room yet" : isUseless ? "Not connected" : "Connecting …"}</h2>
      {!isUseless && (
        <p>
          {isConnected
            ? "It shows up here as soon as its remote_access_bridge joins the room."
            : "Retrying automatically until it is connected."}
        </p>
      )}
      {problems.map((problem) => (
        <p key={problem} class="hint error" role="alert">
          {problem}
        </p>
      ))}
      {isUseless && <LinkForm />}
    </div>
  );
}
