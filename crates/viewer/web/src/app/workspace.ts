/** What the page shows of the robot in focus: pages of panels, kept in the browser for each robot. */
import { computed, signal } from "@preact/signals";
import { canDecodeVideo } from "../panels/picture/video";
import type { Robot } from "../remote/robot";
import {
  ASPECT,
  cameraPanels,
  defaultPanels,
  type Layout,
  newPage,
  type Page,
  type PanelSpec,
  parseLayout,
} from "./layout";
import { added, arranged, type Tile, without } from "./split";

export const pages = signal<Page[]>([]);
/** Id of the page that is shown. */
const chosenPage = signal<string | undefined>(undefined);
/** The one panel that fills the page. */
export const maximized = signal<string | undefined>(undefined);
/** What a small screen shows. */
export const tab = signal<"panels" | "topics">("panels");

const SIDEBAR = "remote-access-topics";
/** Whether a large screen shows the list of topics. */
export const hasSidebar = signal(localStorage.getItem(SIDEBAR) !== "hidden");

export function toggleSidebar(): void {
  hasSidebar.value = !hasSidebar.value;
  localStorage.setItem(SIDEBAR, hasSidebar.value ? "shown" : "hidden");
}

export const page = computed(() => pages.value.find(({ id }) => id === chosenPage.value) ?? pages.value[0]);
export const panels = computed(() => page.value?.panels ?? []);

/** Under which name the layout of the robot in focus is stored. */
let key: string | undefined;
/** Whether the user has changed anything; until then the panels follow what the robot has. */
let isTouched = false;
/** Pages of a link, which wait for a robot. */
let shared: Page[] = [];

/** Loads the pages of the robot that came into focus. */
export function followRobot(robot: Robot | undefined): void {
  if (!robot?.online || robot.channels.size === 0) {
    return;
  }
  if (key !== keyOf(robot)) {
    key = keyOf(robot);
    const saved = parseLayout(localStorage.getItem(key));
    isTouched = saved !== undefined;
    pages.value = saved?.pages ?? [newPage("Overview", [])];
    chosenPage.value = undefined;
    maximized.value = undefined;
  }
  if (!isTouched) {
    followTopics(robot);
  }
  if (shared.length > 0) {
    addPages(shared.splice(0));
  }
}

/** The panels that the robot's topics call for, while the user has chosen none. */
function followTopics(robot: Robot): void {
  const [first] = pages.value;
  const known = first?.panels ?? [];
  const wanted = defaultPanels(robot, canDecodeVideo.value ?? false).map(
    (panel) => known.find((each) => isSame(each, panel)) ?? panel,
  );
  if (first && (wanted.length !== known.length || wanted.some((panel, index) => panel !== known[index]))) {
    const ids = wanted.map(({ id }) => id);
    pages.value = [{ ...first, panels: wanted, tiles: arranged(ids, ASPECT) }, ...pages.value.slice(1)];
  }
}

function isSame(a: PanelSpec, b: PanelSpec): boolean {
  return JSON.stringify({ ...a, id: "" }) === JSON.stringify({ ...b, id: "" });
}

function keyOf(robot: Robot): string {
  return `remote-access-panels:${robot.name}`;
}

function setPages(next: Page[]): void {
  pages.value = next;
  isTouched = true;
  if (key) {
    localStorage.setItem(key, JSON.stringify({ pages: next } satisfies Layout));
  }
}

function changePage(change: (page: Page) => Page): void {
  const current = page.value;
  setPages(pages.value.map((each) => (each === current ? change(each) : each)));
}

export function setTiles(tiles: Tile | undefined): void {
  changePage((each) => ({ ...each, tiles }));
}

/** Adds a panel, and brings it into view; one that is there already is not added again. */
export function openPanel(wanted: Omit<PanelSpec, "id">): void {
  const same = panels.value.find((each) => each.kind === wanted.kind && each.topic === wanted.topic);
  const panel = same && wanted.series === undefined ? same : { ...wanted, id: crypto.randomUUID() };
  if (panel !== same) {
    changePage((each) => ({
      ...each,
      panels: [...each.panels, panel],
      tiles: added(each.tiles, panel.id, ASPECT),
    }));
  }
  tab.value = "panels";
  maximized.value = undefined;
  reveal(panel.id);
}

/** Scrolls to a panel once it is there, and puts the focus on it. */
export function reveal(id: string): void {
  afterDrawing(() => {
    const element = document.getElementById(`panel-${id}`);
    element?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    // Whoever is typing in it already goes on.
    if (!element?.contains(document.activeElement)) {
      element?.focus({ preventScroll: true });
    }
  });
}

export function afterDrawing(run: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(run));
}

export function closePanel(id: string): void {
  changePage((each) => ({
    ...each,
    panels: each.panels.filter((panel) => panel.id !== id),
    tiles: without(each.tiles, id),
  }));
  if (maximized.value === id) {
    maximized.value = undefined;
  }
}

export function updatePanel(id: string, change: Partial<PanelSpec>): void {
  if (panels.value.some((panel) => panel.id === id)) {
    changePage((each) => ({
      ...each,
      panels: each.panels.map((panel) => (panel.id === id ? { ...panel, ...change } : panel)),
    }));
  }
}

export function showPage(id: string): void {
  chosenPage.value = id;
  maximized.value = undefined;
}

/** Adds pages and shows the first of them. Those that are there already are not added again. */
export function addPages(wanted: Page[]): void {
  const content = (each: Page) => JSON.stringify([each.name, each.panels, each.tiles]);
  const fresh = wanted.filter((each) => !pages.value.some((known) => content(known) === content(each)));
  if (fresh.length > 0) {
    setPages([...pages.value, ...fresh.map((each) => ({ ...each, id: crypto.randomUUID() }))]);
  }
  const [first] = wanted;
  const shown = first && pages.value.find((each) => content(each) === content(first));
  if (shown) {
    showPage(shown.id);
  }
}

/** Pages of a link: they are added to those of the robot that comes into focus. */
export function addSharedPages(wanted: Page[]): void {
  shared = wanted;
}

export function addPage(): void {
  addPages([newPage(`Page ${pages.value.length + 1}`, [])]);
}

/** A page with every camera of the robot. */
export function addCameraPage(robot: Robot): void {
  const name = "Cameras";
  const cameras = cameraPanels(robot, canDecodeVideo.value ?? false);
  const others = pages.value.filter((each) => each.name !== name);
  const made = newPage(name, cameras);
  setPages([...others, made]);
  showPage(made.id);
}

export function renamePage(name: string): void {
  changePage((each) => ({ ...each, name }));
}

export function removePage(): void {
  const current = page.value;
  if (pages.value.length > 1) {
    setPages(pages.value.filter((each) => each !== current));
    maximized.value = undefined;
  }
}

/** Back to the panels that a new robot gets. */
export function resetLayout(robot: Robot): void {
  if (key) {
    localStorage.removeItem(key);
    key = undefined;
    followRobot(robot);
  }
}

type Widened<T> = T extends string ? string : T extends number ? number : boolean;

/** Something that the user chose in a panel; it is kept with the layout. */
export function useSetting<T extends string | number | boolean>(
  spec: PanelSpec,
  name: string,
  initial: T,
): [Widened<T>, (value: Widened<T>) => void] {
  const given = spec.settings?.[name];
  const value = (typeof given === typeof initial ? given : initial) as Widened<T>;
  const set = (next: Widened<T>) => {
    const now = panels.value.find(({ id }) => id === spec.id) ?? spec;
    updatePanel(spec.id, { settings: { ...now.settings, [name]: next } });
  };
  return [value, set];
}
