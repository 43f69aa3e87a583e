// A short note of what was done, also for those who listen to the page.
const SHOWN_MS = 6000;

let timer = null;

export function say(text) {
  const place = document.getElementById("note");
  if (place === null) return;
  place.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    place.textContent = "";
  }, SHOWN_MS);
}
