/** STOP: always on the screen while driving is possible. The space bar does the same. */
import { useEffect } from "preact/hooks";
import { refused } from "../app/permissions";
import type { Place } from "../app/state";
import { WheelQuestion } from "./Handover";
import { pilotOf } from "./pilot";

/** How long the outcome stays, in milliseconds. */
const OUTCOME_MS = 6000;
/** What the space bar means something else for. */
const OWN_SPACE = "input, select, textarea, button, a, summary, [role=button], [contenteditable]";

export function StopButton({ place }: { place: Place }) {
  const pilot = pilotOf(place);
  const isPossible = refused(place, "clientPublish") === undefined;
  const outcome = pilot.outcome.value;
  useEffect(() => {
    if (!isPossible) {
      return undefined;
    }
    const onKeyDown = (event: KeyboardEvent) => {
      const isShortcut = event.ctrlKey || event.metaKey || event.altKey;
      if (event.code !== "Space" || isShortcut || event.repeat) {
        return;
      }
      const isElsewhere = event.target instanceof Element && event.target.closest(OWN_SPACE) !== null;
      if (pilot.stick.value || !isElsewhere) {
        event.preventDefault();
        pilot.stop();
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [pilot, isPossible]);
  useEffect(() => {
    const timer = setTimeout(() => {
      pilot.outcome.value = undefined;
    }, OUTCOME_MS);
    return () => clearTimeout(timer);
  }, [pilot, outcome]);
  if (!isPossible) {
    return null;
  }
  return (
    <div class="stop">
      <WheelQuestion pilot={pilot} />
      <p role="status" class={outcome?.isError ? "error" : ""}>
        {outcome?.text}
      </p>
      <button
        type="button"
        title="Stops the robot, now (space bar)"
        // A finger that comes down is enough; the click is for keyboards and assistive technology.
        onPointerDown={() => pilot.stop()}
        onClick={(event) => event.detail === 0 && pilot.stop()}
      >
        STOP
      </button>
    </div>
  );
}
