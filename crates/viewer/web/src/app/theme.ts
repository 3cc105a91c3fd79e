/** Dark or light: the user's choice, else the system's. */

const STORED = "remote-access-theme";
export type Theme = "dark" | "light";

export function currentTheme(): Theme {
  const stored = localStorage.getItem(STORED);
  if (stored === "dark" || stored === "light") {
    return stored;
  }
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
}

export function toggleTheme(): Theme {
  const next = currentTheme() === "dark" ? "light" : "dark";
  localStorage.setItem(STORED, next);
  applyTheme();
  return next;
}
