/** The frame around every panel. */
import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { useVisible } from "../app/hooks";
import { Icon, PATHS } from "../app/icons";
import type { PanelSpec } from "../app/layout";
import { closePanel, maximized, movePanel, type Place, updatePanel } from "../app/state";
import type { PanelType } from "./panel";
import { Hint, Tool } from "./parts";
import { PANELS } from "./registry";

/** A layout of another version may name a panel that this one does not have. */
const UNKNOWN: PanelType = {
  title: "Unknown panel",
  icon: PATHS.close,
  Body: ({ spec }) => (
    <div class="body">
      <Hint error>This page has no panel “{spec.kind}”. Close it, or reset the layout.</Hint>
    </div>
  ),
};

export function Panel({ place, spec }: { place: Place; spec: PanelSpec }) {
  const [ref, visible] = useVisible<HTMLElement>();
  const { title, icon, Body } = PANELS[spec.kind] ?? UNKNOWN;
  const isMaximized = maximized.value === spec.id;
  const name = spec.topic ?? title;
  const classes = ["panel", `panel-${spec.kind}`, spec.wide && "wide", isMaximized && "maximized"];
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && isMaximized) {
      maximized.value = undefined;
    }
  };
  return (
    <section
      id={`panel-${spec.id}`}
      class={classes.filter(Boolean).join(" ")}
      data-kind={spec.kind}
      aria-label={`${title}${spec.topic ? ` of ${spec.topic}` : ""}`}
      tabIndex={-1}
      ref={ref}
      onKeyDown={onKeyDown}
    >
      <header>
        <Icon path={icon} />
        <h2 title={name}>{name}</h2>
        <span class="tools">
          <Tool
            icon="left"
            label={`Move ${name} forward`}
            run={() => movePanel(spec.id, -1)}
            class="narrow-hidden"
          />
          <Tool
            icon="right"
            label={`Move ${name} back`}
            run={() => movePanel(spec.id, 1)}
            class="narrow-hidden"
          />
          <Tool
            icon="wide"
            label={`Make ${name} ${spec.wide ? "narrow" : "wide"}`}
            run={() => updatePanel(spec.id, { wide: !spec.wide })}
            class="narrow-hidden"
          />
          <Tool
            icon={isMaximized ? "shrink" : "expand"}
            label={isMaximized ? `Restore ${name}` : `Maximise ${name}`}
            run={() => {
              maximized.value = isMaximized ? undefined : spec.id;
            }}
          />
          <Tool icon="close" label={`Close ${name}`} run={() => closePanel(spec.id)} />
        </span>
      </header>
      <Guard key={spec.topic}>
        <Body place={place} spec={spec} visible={visible} />
      </Guard>
    </section>
  );
}

/** A panel that fails shows why, and leaves the others alone. */
function Guard({ children }: { children: ComponentChildren }) {
  const [error, retry] = useErrorBoundary((failure) => console.error(failure));
  if (error) {
    return (
      <div class="body">
        <Hint error>This panel failed: {String(error)}</Hint>
        <button type="button" onClick={retry}>
          Try again
        </button>
      </div>
    );
  }
  return <>{children}</>;
}
