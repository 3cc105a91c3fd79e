/** Numbers over time. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const plot: PanelType = {
  title: "Plot",
  icon: PATHS.plot,
  Body: lazily(() => import("./PlotPanel")),
};
