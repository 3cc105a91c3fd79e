/** The newest message of a topic as a tree. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const tree: PanelType = {
  title: "Message",
  icon: PATHS.tree,
  Body: lazily(() => import("./TreePanel")),
};
