/** All panels, by the name that layouts have for them. The order is that of the menu. */
import { diagnostics } from "./diagnostics";
import { fix } from "./fix";
import { frames } from "./frames";
import { log } from "./log";
import { map } from "./map";
import type { PanelType } from "./panel";
import { parameters } from "./parameters";
import { picture } from "./picture";
import { plot } from "./plot";
import { publish } from "./publish";
import { record } from "./record";
import { rosout } from "./rosout";
import { scene } from "./scene";
import { services } from "./services";
import { states } from "./states";
import { teleop } from "./teleop";
import { tree } from "./tree";
import { viewers } from "./viewers";

export const PANELS: Record<string, PanelType> = {
  tree,
  picture,
  plot,
  states,
  scene,
  map,
  fix,
  frames,
  teleop,
  publish,
  services,
  parameters,
  diagnostics,
  rosout,
  log,
  viewers,
  record,
};
