/** Drawings on pictures: foxglove_msgs/ImageAnnotations and visualization_msgs/ImageMarker as shapes. */

interface Point {
  x: number;
  y: number;
}

interface Colour {
  r: number;
  g: number;
  b: number;
  a: number;
}

/** Something to draw, in pixels of the picture. */
export interface Shape {
  kind: "circle" | "strip" | "loop" | "list" | "points" | "text";
  /** The middle of a circle, where a text begins, or the points of a line. */
  points: Point[];
  /** Width of lines, radius of points. */
  thickness: number;
  outline: string;
  /** CSS colours of the points or of the lines from each of two, where each has its own. */
  outlines: string[];
  /** Undefined where nothing is filled. */
  fill: string | undefined;
  /** In pixels; of circles only. */
  radius: number;
  text: string;
  /** Height of the text in pixels. */
  size: number;
}

const EMPTY: Shape = {
  kind: "points",
  points: [],
  thickness: 1,
  outline: "transparent",
  outlines: [],
  fill: undefined,
  radius: 0,
  text: "",
  size: 0,
};

export interface ImageAnnotations {
  circles: {
    position: Point;
    diameter: number;
    thickness: number;
    fill_color: Colour;
    outline_color: Colour;
  }[];
  points: {
    type: number;
    points: Point[];
    outline_color: Colour;
    outline_colors: Colour[];
    fill_color: Colour;
    thickness: number;
  }[];
  texts: {
    position: Point;
    text: string;
    font_size: number;
    text_color: Colour;
    background_color: Colour;
  }[];
}

/** By the numbers of `foxglove_msgs/PointsAnnotation`. */
const POINTS_KINDS: Record<number, Shape["kind"]> = { 1: "points", 2: "loop", 3: "strip", 4: "list" };

export function annotationShapes({ circles, points, texts }: ImageAnnotations): Shape[] {
  return [
    ...circles.map(
      (each): Shape => ({
        ...EMPTY,
        kind: "circle",
        points: [each.position],
        radius: each.diameter / 2,
        thickness: each.thickness,
        outline: css(each.outline_color),
        fill: filled(each.fill_color),
      }),
    ),
    ...points.flatMap((each): Shape[] => {
      const kind = POINTS_KINDS[each.type];
      return kind === undefined
        ? []
        : [
            {
              ...EMPTY,
              kind,
              points: each.points,
              thickness: each.thickness,
              outline: css(each.outline_color),
              outlines: each.outline_colors.map(css),
              fill: kind === "loop" ? filled(each.fill_color) : undefined,
            },
          ];
    }),
    ...texts.map(
      (each): Shape => ({
        ...EMPTY,
        kind: "text",
        points: [each.position],
        text: each.text,
        size: each.font_size,
        outline: css(each.text_color),
        fill: filled(each.background_color),
      }),
    ),
  ];
}

export interface ImageMarker {
  ns: string;
  id: number;
  type: number;
  /** 0 adds, 1 removes. */
  action: number;
  position: Point;
  scale: number;
  outline_color: Colour;
  filled: number;
  fill_color: Colour;
  lifetime: { sec: number; nanosec: number };
  points: Point[];
  outline_colors: Colour[];
}

/** By the numbers of `visualization_msgs/ImageMarker`. */
const MARKER_KINDS: Record<number, Shape["kind"]> = {
  0: "circle",
  1: "strip",
  2: "list",
  3: "loop",
  4: "points",
};

export function markerShape(marker: ImageMarker): Shape | undefined {
  const kind = MARKER_KINDS[marker.type];
  return (
    kind && {
      ...EMPTY,
      kind,
      points: kind === "circle" ? [marker.position] : marker.points,
      radius: kind === "circle" ? marker.scale / 2 : 0,
      thickness: kind === "circle" ? 1 : Math.max(1, marker.scale),
      outline: css(marker.outline_color),
      outlines: marker.outline_colors.map(css),
      fill: marker.filled ? css(marker.fill_color) : undefined,
    }
  );
}

/** The image markers of one topic, by namespace and number, for as long as they live. */
export class ImageMarkers {
  #markers = new Map<string, { shape: Shape; untilMs: number }>();

  take(marker: ImageMarker, nowMs: number): void {
    const key = `${marker.ns} ${marker.id}`;
    const shape = marker.action === 0 ? markerShape(marker) : undefined;
    this.#markers.delete(key);
    if (shape && this.#markers.size < MAX_MARKERS) {
      const { sec, nanosec } = marker.lifetime;
      const lifetimeMs = sec * 1000 + nanosec / 1e6;
      this.#markers.set(key, {
        shape,
        untilMs: lifetimeMs > 0 ? nowMs + lifetimeMs : Number.POSITIVE_INFINITY,
      });
    }
  }

  shapes(nowMs: number): Shape[] {
    for (const [key, { untilMs }] of this.#markers) {
      if (untilMs <= nowMs) {
        this.#markers.delete(key);
      }
    }
    return [...this.#markers.values()].map(({ shape }) => shape);
  }
}

/** Markers of one topic that are kept at once. */
const MAX_MARKERS = 2000;

function css({ r, g, b, a }: Colour): string {
  const byte = (part: number) => Math.round(255 * Math.min(1, Math.max(0, part)));
  return `rgb(${byte(r)} ${byte(g)} ${byte(b)} / ${Math.min(1, Math.max(0, a))})`;
}

function filled(colour: Colour): string | undefined {
  return colour.a > 0 ? css(colour) : undefined;
}
