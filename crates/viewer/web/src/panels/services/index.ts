/** Calls the robot's services. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const services: PanelType = {
  title: "Services",
  icon: PATHS.services,
  isAddable: true,
  Body: lazily(() => import("./ServicesPanel")),
};
