/** Publishes a message of any type that the robot has a topic of. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const publish: PanelType = {
  title: "Publish",
  icon: PATHS.publish,
  isAddable: true,
  Body: lazily(() => import("./PublishPanel")),
};
