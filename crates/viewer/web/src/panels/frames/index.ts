/** The robot's frames as a tree: what is fixed to what, and how old each transform is. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const frames: PanelType = {
  title: "Frames",
  icon: PATHS.frames,
  isAddable: true,
  Body: lazily(() => import("./FramesPanel")),
};
