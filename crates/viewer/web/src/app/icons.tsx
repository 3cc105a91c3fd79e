/** Line icons, drawn on 24 × 24. */

export const PATHS = {
  tree: "M5 4v13a2 2 0 0 0 2 2h4M5 9h6M15 9h4M15 19h4M15 14h4M5 14h6",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  plot: "M4 4v16h16M7 15l4-5 3 3 5-7",
  scene: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5",
  map: "M9 4L3 6.5v13.5l6-2.5 6 2.5 6-2.5V4l-6 2.5zM9 4v13.5M15 6.5V20",
  teleop:
    "M12 3v6M12 15v6M3 12h6M15 12h6M12 3l-2 2M12 3l2 2M12 21l-2-2M12 21l2-2M3 12l2-2M3 12l2 2M21 12l-2-2M21 12l-2 2",
  services: "M13 3L5 13h6l-1 8 8-10h-6z",
  parameters: "M4 7h10M18 7h2M4 17h4M12 17h8M14 5v4M8 15v4",
  log: "M5 5h14v11H10l-5 4zM9 9h6M9 12h4",
  close: "M6 6l12 12M18 6L6 18",
  expand: "M14 4h6v6M10 20H4v-6M20 4l-7 7M4 20l7-7",
  shrink: "M20 10h-6V4M4 14h6v6M14 10l6-6M10 14l-6 6",
  move: "M12 3v18M3 12h18M12 3l-3 3M12 3l3 3M12 21l-3-3M12 21l3-3M3 12l3-3M3 12l3 3M21 12l-3-3M21 12l-3 3",
  down: "M12 4v12M7 11l5 5 5-5M5 20h14",
  up: "M12 16V4M7 9l5-5 5 5M5 20h14",
  share: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  goal: "M6 21V4M6 4h11l-3 4 3 4H6",
  pin: "M12 21c5-6 7-9 7-12a7 7 0 0 0-14 0c0 3 2 6 7 12zM12 7a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  snapshot: "M4 8h4l2-3h4l2 3h4v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  frames: "M12 4v4M12 8H6v4M12 8h6v4M6 12v4M18 12v4M10 4h4M4 16h4M16 16h4",
  publish: "M4 12h10M10 7l5 5-5 5M19 5v14",
  record: "M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12z",
  viewers:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-4 3-6 6-6s6 2 6 6M16 4.5a3.5 3.5 0 0 1 0 6.5M17 14c2.5 1 4 3 4 6",
  states: "M4 7h7v4H4zM11 7h9v4h-9M4 14h10v4H4zM14 14h6v4h-6",
  less: "M5 12h14",
  star: "M12 3l2.8 5.8 6.2.9-4.5 4.4 1.1 6.2-5.6-3-5.6 3 1.1-6.2L3 9.7l6.2-.9z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M19 5l-1.5 1.5M6.5 17.5L5 19",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  layers: "M12 4l9 5-9 5-9-5zM3 14l9 5 9-5",
  add: "M12 5v14M5 12h14",
  robot: "M6 9h12v9H6zM12 9V5M9 13h.01M15 13h.01M3 12v3M21 12v3M10 5h4",
  leave: "M10 4H5v16h5M10 12h10M16 8l4 4-4 4",
  reset: "M4 12a8 8 0 1 0 3-6.2M4 4v5h5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({
  name,
  path,
}: { name: IconName; path?: undefined } | { name?: undefined; path: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={name === undefined ? path : PATHS[name]} />
    </svg>
  );
}
