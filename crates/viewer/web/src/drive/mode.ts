/** Drive mode: the robot's picture fills the screen, with what one needs to drive on top. */
import { signal } from "@preact/signals";

export const driveMode = signal(false);

let wakeLock: WakeLockSentinel | undefined;

/** To be called from a click: browsers let nobody else take the whole screen. */
export function openDriveMode(): void {
  driveMode.value = true;
  void document.documentElement.requestFullscreen?.().catch(() => {});
  void keepAwake();
}

export function closeDriveMode(): void {
  driveMode.value = false;
  void wakeLock?.release();
  wakeLock = undefined;
  if (document.fullscreenElement) {
    void document.exitFullscreen();
  }
}

/** The screen stays on. A browser ends that whenever the page is hidden. */
async function keepAwake(): Promise<void> {
  try {
    wakeLock = await navigator.wakeLock?.request("screen");
  } catch {
    // A device that saves its battery refuses; the page works all the same.
  }
}

document.addEventListener("visibilitychange", () => {
  if (driveMode.value && document.visibilityState === "visible") {
    void keepAwake();
  }
});
document.addEventListener("fullscreenchange", () => {
  if (!document.fullscreenElement) {
    closeDriveMode();
  }
});
