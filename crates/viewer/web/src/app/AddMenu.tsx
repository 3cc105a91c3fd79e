/** Panels that belong to no single topic. */
import { panelTitle } from "../panels/Panel";
import { Icon } from "./icons";
import type { PanelKind } from "./layout";
import { openPanel, resetPanels } from "./state";

const ADDABLE: PanelKind[] = ["scene", "map", "teleop", "services", "parameters", "log"];

export function AddMenu() {
  return (
    <section class="add-menu" aria-label="Add a panel">
      <span>
        <Icon name="add" /> Add
      </span>
      {ADDABLE.map((kind) => (
        <button key={kind} type="button" onClick={() => openPanel({ kind })}>
          <Icon name={kind} /> {panelTitle(kind)}
        </button>
      ))}
      <button type="button" onClick={resetPanels}>
        <Icon name="reset" /> Reset layout
      </button>
    </section>
  );
}
