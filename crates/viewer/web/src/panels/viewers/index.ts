/** Who looks at the robot, what at, and who drives. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const viewers: PanelType = {
  title: "Viewers",
  icon: PATHS.viewers,
  isAddable: true,
  Body: lazily(() => import("./ViewersPanel")),
};
