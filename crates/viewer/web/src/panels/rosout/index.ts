/** What the robot's nodes log on /rosout, by level and text. */
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const rosout: PanelType = {
  title: "Log",
  icon: "M4 5h16v14H4zM7 9h2M12 9h5M7 12h2M12 12h5M7 15h2M12 15h3",
  isAddable: true,
  Body: lazily(() => import("./RosoutPanel")),
};
