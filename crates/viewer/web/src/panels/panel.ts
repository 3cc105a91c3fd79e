/**
 * What a panel is to the rest of the page. Each has a folder of its own, whose index.tsx exports its
 * {@link PanelType}; a line in registry.ts adds it to the page.
 */
import type { ComponentType } from "preact";
import type { PanelSpec } from "../app/layout";
import type { Place } from "../app/state";

export interface PanelProps {
  place: Place;
  /** What the user chose for this panel. {@link updatePanel} changes it, and it is kept. */
  spec: PanelSpec;
  /** Whether anybody can see it. A panel subscribes to nothing while it is out of sight. */
  visible: boolean;
}

export interface PanelType {
  /** Its heading where it shows no single topic. */
  title: string;
  /** The path of its icon, on 24 × 24. */
  icon: string;
  /** Whether it can be added without a topic. */
  isAddable?: boolean;
  /** What is below the heading: one element of the class `body`. */
  Body: ComponentType<PanelProps>;
}
