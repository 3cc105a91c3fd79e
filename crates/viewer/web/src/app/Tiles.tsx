/** The panels of a page on the screen: where they are, and how they are moved and resized. */
import { useRef, useState } from "preact/hooks";
import { Panel } from "../panels/Panel";
import {
  type Bar,
  type Box,
  barsOf,
  beside,
  boxesOf,
  idsOf,
  moved,
  resized,
  rowsOf,
  type Side,
  stretched,
  swapped,
  type Tile,
  tileAt,
  without,
} from "./split";
import type { Place } from "./state";
import { afterDrawing, maximized, page, setTiles } from "./workspace";

/** Least height of a panel in pixels; a page with more of them can be scrolled. */
const MIN_HEIGHT = 170;
/** How far a pointer goes before it drags a panel, in pixels. */
const SLACK = 6;
/** Part of the page by which a key resizes. */
const STEP = 0.04;

const ARROWS: Record<string, Side> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "top",
  ArrowDown: "bottom",
};

/** Where a dragged panel would go: beside another one, or in its place. */
interface Target {
  id: string;
  side: Side | undefined;
}

interface Drag {
  id: string;
  pointer: number;
  from: { x: number; y: number };
  isMoving: boolean;
  target: Target | undefined;
}

export function Tiles({ place }: { place: Place }) {
  const host = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<Drag>();
  const current = page.value;
  if (!current) {
    return null;
  }
  const { tiles, panels } = current;
  const boxes = boxesOf(tiles);
  const isFilled = maximized.value !== undefined;

  const onPointerMove = (event: PointerEvent) => {
    if (!drag || drag.pointer !== event.pointerId || !host.current) {
      return;
    }
    const isMoving =
      drag.isMoving || Math.hypot(event.clientX - drag.from.x, event.clientY - drag.from.y) > SLACK;
    const area = host.current.getBoundingClientRect();
    const target = targetAt(
      boxes,
      drag.id,
      (event.clientX - area.left) / area.width,
      (event.clientY - area.top) / area.height,
    );
    setDrag({ ...drag, isMoving, target: isMoving ? target : undefined });
  };
  const onPointerUp = () => {
    if (drag?.target && tiles !== undefined) {
      setTiles(dropped(tiles, drag.id, drag.target));
    }
    setDrag(undefined);
  };
  const onGripKey = (id: string, event: KeyboardEvent) => {
    const side = ARROWS[event.key];
    if (!side || tiles === undefined) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    setTiles(event.shiftKey ? stretched(tiles, id, side, STEP) : moved(tiles, id, side));
    const grip = event.currentTarget as HTMLElement;
    afterDrawing(() => grip.focus());
  };
  const ordered = idsOf(tiles).flatMap((id) => panels.find((panel) => panel.id === id) ?? []);
  return (
    <div
      class={`tiles ${drag?.isMoving ? "moving" : ""}`}
      ref={host}
      style={{ "--least": isFilled ? "0" : `${MIN_HEIGHT * rowsOf(tiles)}px` }}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={() => setDrag(undefined)}
    >
      {ordered.map((spec) => (
        <Panel
          key={`${place.key} ${spec.id}`}
          place={place}
          spec={spec}
          box={boxStyle(boxes.get(spec.id))}
          isCovered={isFilled && maximized.value !== spec.id}
          onGrip={(event) => {
            host.current?.setPointerCapture(event.pointerId);
            const from = { x: event.clientX, y: event.clientY };
            setDrag({ id: spec.id, pointer: event.pointerId, from, isMoving: false, target: undefined });
          }}
          onGripKey={(event) => onGripKey(spec.id, event)}
        />
      ))}
      {!isFilled &&
        tiles !== undefined &&
        barsOf(tiles).map((bar) => (
          <Divider key={`${current.id} ${bar.path}`} tiles={tiles} bar={bar} host={host} />
        ))}
      {drag?.target && <div class="drop" style={boxStyle(dropBox(boxes, drag.target))} aria-hidden="true" />}
      {ordered.length === 0 && (
        <p class="hint">This page is empty. Choose a topic in the list of topics, or a panel from “Add”.</p>
      )}
    </div>
  );
}

interface DividerProps {
  tiles: Tile;
  bar: Bar;
  host: { current: HTMLElement | null };
}

/** A bar between tiles: dragged, or moved by the arrow keys. */
function Divider({ tiles, bar, host }: DividerProps) {
  const { path, split, box } = bar;
  const isRow = split.way === "row";
  const [held, setHeld] = useState(false);
  const onPointerMove = (event: PointerEvent) => {
    const area = host.current?.getBoundingClientRect();
    if (held && area) {
      const at = isRow
        ? ((event.clientX - area.left) / area.width - box.left) / box.width
        : ((event.clientY - area.top) / area.height - box.top) / box.height;
      setTiles(resized(tiles, path, at));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const side = ARROWS[event.key];
    if (side && isRow === (side === "left" || side === "right")) {
      event.preventDefault();
      const by = side === "left" || side === "top" ? -STEP : STEP;
      setTiles(resized(tiles, path, split.at + by));
    }
  };
  const place = isRow
    ? { left: box.left + box.width * split.at, top: box.top, width: 0, height: box.height }
    : { left: box.left, top: box.top + box.height * split.at, width: box.width, height: 0 };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved
    <div
      class={`divider ${split.way}`}
      role="separator"
      tabIndex={0}
      aria-orientation={isRow ? "vertical" : "horizontal"}
      aria-valuenow={Math.round(100 * split.at)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-label={isRow ? "Width of the panels" : "Height of the panels"}
      title="Drag to resize; a double click makes both equal"
      style={boxStyle(place)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setHeld(true);
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => setHeld(false)}
      onPointerCancel={() => setHeld(false)}
      onDblClick={() => setTiles(resized(tiles, path, 0.5))}
      onKeyDown={onKeyDown}
    />
  );
}

/** What a pointer at a place means: the outer quarters of a panel are its sides. */
function targetAt(boxes: Map<string, Box>, dragged: string, x: number, y: number): Target | undefined {
  const id = tileAt(boxes, x, y);
  const box = id === undefined ? undefined : boxes.get(id);
  if (id === undefined || !box || id === dragged) {
    return undefined;
  }
  const [across, down] = [(x - box.left) / box.width, (y - box.top) / box.height];
  const distances: [Side, number][] = [
    ["left", across],
    ["right", 1 - across],
    ["top", down],
    ["bottom", 1 - down],
  ];
  const [side, distance] = distances.reduce((a, b) => (b[1] < a[1] ? b : a));
  return { id, side: distance < 0.25 ? side : undefined };
}

function dropped(tiles: Tile, id: string, { id: target, side }: Target): Tile {
  if (side === undefined) {
    return swapped(tiles, id, target);
  }
  const rest = without(tiles, id);
  return rest === undefined ? tiles : beside(rest, target, id, side);
}

function dropBox(boxes: Map<string, Box>, { id, side }: Target): Box | undefined {
  const box = boxes.get(id);
  if (!box || side === undefined) {
    return box;
  }
  const { left, top, width, height } = box;
  switch (side) {
    case "left":
      return { left, top, width: width / 2, height };
    case "right":
      return { left: left + width / 2, top, width: width / 2, height };
    case "top":
      return { left, top, width, height: height / 2 };
    case "bottom":
      return { left, top: top + height / 2, width, height: height / 2 };
  }
}

function boxStyle(box: Box | undefined): Record<string, string> {
  const { left, top, width, height } = box ?? { left: 0, top: 0, width: 1, height: 1 };
  const percent = (part: number) => `${(100 * part).toFixed(3)}%`;
  return { "--x": percent(left), "--y": percent(top), "--w": percent(width), "--h": percent(height) };
}
