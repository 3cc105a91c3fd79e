/** The route that is being made, or that the robot is led along. */
import type { Place } from "../app/state";
import { navigatorOf } from "./navigator";

export function RouteBar({ place }: { place: Place }) {
  const navigator = navigatorOf(place.robot);
  const places = navigator.places.value;
  const progress = navigator.progress.value;
  const outcome = navigator.outcome.value;
  if (places.length === 0) {
    return null;
  }
  return (
    <section class="route" aria-label="Route">
      <ol>
        {places.map((each, index) => (
          <li key={index} aria-current={progress?.at === index ? "step" : undefined}>
            {each.x.toFixed(2)}, {each.y.toFixed(2)} m, {Math.round((each.yaw * 180) / Math.PI)}°
            {progress === undefined && (
              <button
                type="button"
                aria-label={`Remove place ${index + 1}`}
                onClick={() => navigator.remove(index)}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ol>
      {progress === undefined ? (
        <>
          <button type="button" class="primary" onClick={() => navigator.start()}>
            Send the robot along {places.length === 1 ? "1 place" : `${places.length} places`}
          </button>
          <button type="button" onClick={() => navigator.clear()}>
            Clear
          </button>
        </>
      ) : (
        <>
          <span>
            To place {progress.at + 1} of {places.length}
            {progress.distanceM !== undefined && `, ${progress.distanceM.toFixed(1)} m`}
          </span>
          <button type="button" onClick={() => navigator.skip()}>
            Skip
          </button>
          <button type="button" onClick={() => navigator.stay("The route was stopped")}>
            Stop the route
          </button>
        </>
      )}
      <small role="status">{outcome}</small>
    </section>
  );
}
