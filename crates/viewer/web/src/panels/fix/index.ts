/** Where satellites say that the robot is: on a grid of metres, over tiles of a server if the user names one. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const fix: PanelType = {
  title: "Satellite position",
  icon: PATHS.pin,
  isAddable: true,
  Body: lazily(() => import("./FixPanel")),
};
