// Shortcuts of one key; off while somebody types, and for good where they are switched off in the help.
import { read, write } from "./memory.js";

const STORED = "keys";
const actions = new Map();

export const areKeysOn = () => read(STORED) !== "off";
export const switchKeys = (isOn) => write(STORED, isOn ? null : "off");

// `act` may return false: not for me.
export function onKey(name, act) {
  actions.set(name, act);
}

function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]") !== null;
}

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]") || (!areKeysOn() && event.key !== "?")) return;
    const act = actions.get(event.key);
    if (act && act(event) !== false) event.preventDefault();
  });
}

// j and k: from one row's link to the next.
export function moveRow(step) {
  const chunk = document.activeElement.closest("main tbody");
  const beside = step > 0 ? chunk?.nextElementSibling : chunk?.previousElementSibling;
  beside?.dispatchEvent(new Event("wanted")); // it may be far from the window, and not in the page
  const links = [...document.querySelectorAll("main tbody a.open")];
  if (!links.length) return false;
  const next = links.indexOf(document.activeElement) + step;
  links[Math.min(Math.max(next, 0), links.length - 1)].focus();
  return true;
}
