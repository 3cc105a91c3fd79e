/** Drives the robot: by a stick for finger or mouse, the keyboard or a gamepad. It stops when let go. */

import { PATHS } from "../../app/icons";
import { DriveSettings } from "../../drive/Controls";
import { openDriveMode } from "../../drive/mode";
import { Pad, Speeds } from "../../drive/Pad";
import { pilotOf } from "../../drive/pilot";
import type { PanelProps, PanelType } from "../panel";
import { Hint } from "../parts";

export const teleop: PanelType = {
  title: "Drive",
  icon: PATHS.teleop,
  isAddable: true,
  Body: TeleopPanel,
};

function TeleopPanel({ place, visible }: PanelProps) {
  const pilot = pilotOf(place);
  const lock = pilot.lock.value;
  return (
    <div class="body teleop">
      {lock !== undefined && <Hint>{lock}</Hint>}
      <div class="stick">
        <Pad pilot={pilot} active={visible} />
        <Speeds pilot={pilot} />
        <button type="button" onClick={openDriveMode}>
          Drive mode
        </button>
      </div>
      <DriveSettings pilot={pilot} />
    </div>
  );
}
