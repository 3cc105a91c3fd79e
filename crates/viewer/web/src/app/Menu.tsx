/** A button that opens a list of things to do. The browser closes it on Escape and on a click elsewhere. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons";

interface MenuProps {
  label: string;
  icon: IconName;
  class?: string;
  children: ComponentChildren;
}

/** Room between a list and its button, in pixels. */
const GAP = 4;
/** A list is not squeezed into less, in pixels. */
const LEAST_HEIGHT = 280;

export function Menu({ label, icon, class: more = "", children }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  // The browser says that it has opened only after it may have drawn it: it is out of sight until it has its place.
  const onBeforeToggle = ({ newState }: { newState: string }) => {
    list.current?.classList.toggle("placeless", newState === "open");
  };
  const onToggle = ({ newState }: { newState: string }) => {
    if (newState === "open" && button.current && list.current) {
      putBeside(list.current, button.current);
      list.current.classList.remove("placeless");
    }
  };
  useEffect(() => {
    const open = list.current;
    const onClick = (event: MouseEvent) => {
      if (event.target instanceof Element && event.target.closest("button")) {
        open?.hidePopover();
      }
    };
    // Whatever button was chosen, the list is done with.
    open?.addEventListener("click", onClick);
    return () => open?.removeEventListener("click", onClick);
  }, []);
  return (
    <span class={`menu ${more}`}>
      <button type="button" ref={button} popovertarget={id}>
        <Icon name={icon} /> {label}
      </button>
      <section
        id={id}
        popover="auto"
        class="menu-list"
        aria-label={label}
        ref={list}
        onBeforeToggle={onBeforeToggle}
        onToggle={onToggle}
      >
        {children}
      </section>
    </span>
  );
}

/** Above the button if there is more room than below it, or beside it where both are low. */
function putBeside(list: HTMLElement, button: HTMLElement): void {
  const box = button.getBoundingClientRect();
  const isAbove = box.top > innerHeight - box.bottom;
  const room = (isAbove ? box.top : innerHeight - box.bottom) - 2 * GAP;
  const isLow = room < Math.min(list.scrollHeight, LEAST_HEIGHT) && box.left > list.offsetWidth + 2 * GAP;
  list.style.maxHeight = `${isLow ? innerHeight - 2 * GAP : room}px`;
  if (isLow) {
    list.style.left = `${box.left - list.offsetWidth - GAP}px`;
    list.style.top = `${GAP}px`;
    return;
  }
  list.style.left = `${Math.max(GAP, Math.min(box.left, innerWidth - list.offsetWidth - GAP))}px`;
  list.style.top = isAbove ? `${box.top - GAP - list.offsetHeight}px` : `${box.bottom + GAP}px`;
}
