/** What the bridge says: drops, refusals, problems of the robot's topics. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const log: PanelType = {
  title: "Bridge log",
  icon: PATHS.log,
  isAddable: true,
  Body: lazily(() => import("./LogPanel")),
};
