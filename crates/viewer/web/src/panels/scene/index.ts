/** Point clouds, scans, maps, paths and frames in three dimensions. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const scene: PanelType = {
  title: "3D",
  icon: PATHS.scene,
  isAddable: true,
  Body: lazily(() => import("./ScenePanel")),
};
