/** What reports on /diagnostics, the worst first. */
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const diagnostics: PanelType = {
  title: "Diagnostics",
  icon: "M3 12h4l3 8 4-16 3 8h4",
  isAddable: true,
  Body: lazily(() => import("./DiagnosticsPanel")),
};
