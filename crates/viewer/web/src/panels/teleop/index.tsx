/** Drives the robot: by a stick for finger or mouse, the keyboard or a gamepad. It stops when let go. */

import { useRepaint, useWatch } from "../../app/hooks";
import { PATHS } from "../../app/icons";
import { DriveSettings } from "../../drive/Controls";
import { AskForWheel } from "../../drive/Handover";
import { openDriveMode } from "../../drive/mode";
import { Pad, Speeds } from "../../drive/Pad";
import { type Pilot, pilotOf } from "../../drive/pilot";
import type { PanelProps, PanelType } from "../panel";
import { Hint } from "../parts";
import { currentViewers, viewersTopic } from "../viewers/current";

export const teleop: PanelType = {
  title: "Drive",
  icon: PATHS.teleop,
  isAddable: true,
  Body: TeleopPanel,
};

/** Who drives while this page does not, where the robot tells. */
function useOtherDriver({ robot }: PanelProps["place"], pilot: Pilot, visible: boolean): string | undefined {
  const topic = viewersTopic(robot);
  useWatch(robot, topic === undefined ? [] : [topic], visible);
  useRepaint(visible && topic !== undefined, 2);
  if (pilot.stick.value) {
    return undefined;
  }
  return currentViewers(robot)?.find(({ drives }) => drives.includes(pilot.settings.value.topic))?.name;
}

function TeleopPanel({ place, visible }: PanelProps) {
  const pilot = pilotOf(place);
  const lock = pilot.lock.value;
  const driver = useOtherDriver(place, pilot, visible);
  return (
    <div class="body teleop">
      {lock !== undefined && <Hint>{lock}</Hint>}
      {lock === undefined && driver !== undefined && <Hint>Driven by {driver}</Hint>}
      <AskForWheel pilot={pilot} />
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
