/** Panels that belong to no single topic. */
import { PANELS } from "../panels/registry";
import { Icon } from "./icons";
import { openPanel, resetPanels } from "./state";

export function AddMenu() {
  return (
    <section class="add-menu" aria-label="Add a panel">
      <span>
        <Icon name="add" /> Add
      </span>
      {Object.entries(PANELS).map(
        ([kind, { title, icon, isAddable }]) =>
          isAddable && (
            <button key={kind} type="button" onClick={() => openPanel({ kind })}>
              <Icon path={icon} /> {title}
            </button>
          ),
      )}
      <button type="button" onClick={resetPanels}>
        <Icon name="reset" /> Reset layout
      </button>
    </section>
  );
}
