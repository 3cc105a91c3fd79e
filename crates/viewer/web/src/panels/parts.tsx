/** What panels are made of. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "../app/icons";

interface ToolProps {
  icon: IconName;
  label: string;
  run: () => void;
  pressed?: boolean;
  class?: string;
}

export function Tool({ icon, label, run, pressed, class: more = "" }: ToolProps) {
  return (
    <button
      type="button"
      class={`tool ${more}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={run}
    >
      <Icon name={icon} />
    </button>
  );
}

/** A line in a panel that has nothing better to show. */
export function Hint({ children, error }: { children: ComponentChildren; error?: boolean }) {
  return <p class={error ? "hint error" : "hint"}>{children}</p>;
}
