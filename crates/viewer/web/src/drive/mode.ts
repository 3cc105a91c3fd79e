/** Drive mode: the robot's picture fills the screen, with what one needs to drive on top. */
import { signal } from "@preact/signals";

export const driveMode = signal(false);

/** What keeps the screen on, as soon as the browser grants it. */
let wakeLock: Promise<WakeLockSentinel | undefined> | undefined;

/** To be called from a click: browsers let nobody else take the whole screen. */
export function openDriveMode(): void {
  driveMode.value = true;
  void document.documentElement.requestFullscreen?.().catch(() => {});
  keepAwake();
}

export function closeDriveMode(): void {
  driveMode.value = false;
  void wakeLock?.then((held) => held?.release());
  wakeLock = undefined;
  if (document.fullscreenElement) {
    void document.exitFullscreen();
  }
}

/** The screen stays on. A browser ends that whenever the page is hidden. */
function keepAwake(): void {
  const before = wakeLock;
  wakeLock = (async () => {
    const held = await before;
    if (held && !held.released) {
      return held;
    }
    // A device that saves its battery refuses; the page works all the same.
    return navigator.wakeLock?.request("screen").catch(() => undefined);
  })();
}

document.addEventListener("visibilitychange", () => {
  if (driveMode.value && document.visibilityState === "visible") {
    keepAwake();
  }
});
document.addEventListener("fullscreenchange", () => {
  if (!document.fullscreenElement) {
    closeDriveMode();
  }
});
