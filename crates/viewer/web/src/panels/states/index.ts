/** Values that are one of a few, over time: when each became another. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const states: PanelType = {
  title: "States",
  icon: PATHS.states,
  Body: lazily(() => import("./StatesPanel")),
};
