/** The frame around every panel. */
import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { useVisible } from "../app/hooks";
import { Icon, PATHS } from "../app/icons";
import type { PanelSpec } from "../app/layout";
import type { Place } from "../app/state";
import { closePanel, maximized } from "../app/workspace";
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

interface PanelFrameProps {
  place: Place;
  spec: PanelSpec;
  /** Where it is, as CSS variables. */
  box: Record<string, string>;
  /** Whether another panel fills the page. It goes on all the same. */
  isCovered: boolean;
  /** A pointer takes the panel by its heading. */
  onGrip: (event: PointerEvent) => void;
  onGripKey: (event: KeyboardEvent) => void;
}

export function Panel({ place, spec, box, isCovered, onGrip, onGripKey }: PanelFrameProps) {
  const [ref, visible] = useVisible<HTMLElement>();
  const { title, icon, Body } = PANELS[spec.kind] ?? UNKNOWN;
  const isMaximized = maximized.value === spec.id;
  const name = spec.topic ?? title;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && isMaximized) {
      maximized.value = undefined;
    }
  };
  const onPointerDown = (event: PointerEvent) => {
    const isTool = event.target instanceof Element && event.target.closest("button:not(.grip)") !== null;
    if (!isTool && !isMaximized && event.button === 0) {
      onGrip(event);
    }
  };
  return (
    <section
      id={`panel-${spec.id}`}
      class={`panel panel-${spec.kind} ${isMaximized ? "maximized" : ""}`}
      data-kind={spec.kind}
      aria-label={`${title}${spec.topic ? ` of ${spec.topic}` : ""}`}
      tabIndex={-1}
      ref={ref}
      style={box}
      inert={isCovered}
      onKeyDown={onKeyDown}
    >
      <header onPointerDown={onPointerDown}>
        <Icon path={icon} />
        <h2 title={name}>{name}</h2>
        <span class="tools">
          <button
            type="button"
            class="tool grip narrow-hidden"
            aria-label={`Move ${name}`}
            title={`Drag to move ${name}. Arrow keys move it, with Shift they resize it.`}
            onKeyDown={onGripKey}
          >
            <Icon name="move" />
          </button>
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
