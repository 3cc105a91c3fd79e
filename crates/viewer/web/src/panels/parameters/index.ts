/** The robot's parameters, by node. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const parameters: PanelType = {
  title: "Parameters",
  icon: PATHS.parameters,
  isAddable: true,
  Body: lazily(() => import("./ParametersPanel")),
};
