/** Records topics into an MCAP file, which Foxglove, Lichtblick and `ros2 bag` read. */
import { PATHS } from "../../app/icons";
import { lazily } from "../lazily";
import type { PanelType } from "../panel";

export const record: PanelType = {
  title: "Record",
  icon: PATHS.record,
  isAddable: true,
  Body: lazily(() => import("./RecordPanel")),
};
