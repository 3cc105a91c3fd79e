/** Asking for the wheel, taking it, and handing it over. */
import type { Pilot } from "./pilot";

/** For who cannot drive because another does. */
export function AskForWheel({ pilot }: { pilot: Pilot }) {
  const { driver, canAsk, canTake, answer } = pilot.wheel.value;
  const isShown = pilot.stick.value === undefined && (driver !== undefined || answer !== undefined);
  return isShown ? (
    <div class="wheel">
      {answer !== undefined && <span role="status">{answer}</span>}
      {canAsk && (
        <button type="button" onClick={() => pilot.askForWheel()}>
          Ask for the wheel
        </button>
      )}
      {canTake && (
        <button type="button" class="primary" onClick={() => pilot.takeWheel()}>
          Take over from {driver}
        </button>
      )}
    </div>
  ) : null;
}

/** For who drives and is asked. It lies beside STOP, so that the stick does not move away below a finger. */
export function WheelQuestion({ pilot }: { pilot: Pilot }) {
  const { asker } = pilot.wheel.value;
  // The pad keeps the focus: who goes on driving does not have to let go for that.
  const stay = (event: Event) => event.preventDefault();
  return asker === undefined ? null : (
    <div class="wheel question" role="alertdialog" aria-label="The wheel">
      <span>{asker} asks for the wheel.</span>
      <button type="button" class="primary" onMouseDown={stay} onClick={() => pilot.answerWheel("give")}>
        Hand over
      </button>
      <button type="button" onMouseDown={stay} onClick={() => pilot.answerWheel("keep")}>
        Keep
      </button>
    </div>
  );
}
