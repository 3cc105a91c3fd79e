/** Topics that the user wants to have at hand, for each robot. */
import { type Signal, signal } from "@preact/signals";

const MAX = 200;
const loaded = new Map<string, Signal<string[]>>();

function keyOf(robot: string): string {
  return `remote-access-favourites:${robot}`;
}

export function favouritesOf(robot: string): string[] {
  return store(robot).value;
}

export function toggleFavourite(robot: string, topic: string): void {
  const favourites = store(robot);
  const { value } = favourites;
  favourites.value = value.includes(topic)
    ? value.filter((each) => each !== topic)
    : [...value, topic].slice(-MAX);
  localStorage.setItem(keyOf(robot), JSON.stringify(favourites.value));
}

function store(robot: string): Signal<string[]> {
  const known = loaded.get(robot) ?? signal(parse(localStorage.getItem(keyOf(robot))));
  loaded.set(robot, known);
  return known;
}

function parse(stored: string | null): string[] {
  try {
    const value: unknown = JSON.parse(stored ?? "[]");
    return Array.isArray(value) ? value.filter((each) => typeof each === "string").slice(0, MAX) : [];
  } catch {
    return [];
  }
}
