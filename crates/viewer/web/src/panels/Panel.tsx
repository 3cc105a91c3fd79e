/** The frame around every panel. */
import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { useVisible } from "../app/hooks";
import { Icon } from "../app/icons";
import type { PanelSpec } from "../app/layout";
import { closePanel, maximized, movePanel, type Place, updatePanel } from "../app/state";
import { LogPanel } from "./Log";
import { MapPanel } from "./Map";
import { ParametersPanel } from "./Parameters";
import { PicturePanel } from "./Picture";
import { PlotPanel } from "./Plot";
import { Hint, type PanelProps, Tool } from "./parts";
import { ScenePanel } from "./Scene";
import { ServicesPanel } from "./Services";
import { TeleopPanel } from "./Teleop";
import { TreePanel } from "./Tree";

const PANELS = {
  tree: { title: "Message", body: TreePanel },
  picture: { title: "Picture", body: PicturePanel },
  plot: { title: "Plot", body: PlotPanel },
  scene: { title: "3D", body: ScenePanel },
  map: { title: "Map", body: MapPanel },
  teleop: { title: "Drive", body: TeleopPanel },
  services: { title: "Services", body: ServicesPanel },
  parameters: { title: "Parameters", body: ParametersPanel },
  log: { title: "Bridge log", body: LogPanel },
} satisfies Record<PanelSpec["kind"], { title: string; body: (props: PanelProps) => ComponentChildren }>;

export function panelTitle(kind: PanelSpec["kind"]): string {
  return PANELS[kind].title;
}

export function Panel({ place, spec }: { place: Place; spec: PanelSpec }) {
  const [ref, visible] = useVisible<HTMLElement>();
  const { title, body: Body } = PANELS[spec.kind];
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
        <Icon name={spec.kind} />
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
