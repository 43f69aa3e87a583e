// Before the first paint: the theme its reader chose, so that a dark page does not flash white.
try {
  const theme = localStorage.getItem("qualitywatch.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden: the system's theme will do.
}
