// Light, dark, or as the system; charts must be told, because they draw with fixed colours.
import { write } from "./memory.js";
import { changed } from "./state.js";

const THEMES = ["auto", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", changed);

export function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

export function nextTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  write("theme", next === "auto" ? null : next);
  changed();
}

export function isDark() {
  return theme() === "dark" || (theme() === "auto" && dark.matches);
}
