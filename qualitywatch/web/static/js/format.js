// Figures, instants and durations as people read them. What nobody knows is a dash, never 0.
import { currentLanguage, t } from "./words.js";

const cache = new Map();

function cached(kind, options) {
  const key = `${currentLanguage()} ${kind.name} ${JSON.stringify(options)}`;
  if (!cache.has(key)) cache.set(key, new kind(currentLanguage() === "ru" ? "ru" : "en-GB", options));
  return cache.get(key);
}

export function isKnown(value) {
  return value !== null && value !== undefined && !Number.isNaN(value);
}

export function number(value, digits = 0) {
  if (!isKnown(value)) return t("none");
  return cached(Intl.NumberFormat, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

function inUnit(unit, value, digits) {
  return isKnown(value) ? t(`unit.${unit}`, { value: number(value, digits) }) : t("none");
}

export const percent = (value, digits = 2) => inUnit("percent", value, digits);
export const milliseconds = (value) => inUnit("ms", value, value < 10 ? 1 : 0);
export const seconds = (value, digits = 0) => inUnit("s", value, digits);
export const score = (value) => number(value, 2);

// A figure of a topic or metric in its unit.
export function figure(topic, value) {
  if (!isKnown(value)) return "";
  if (topic.endsWith("_percent")) return percent(value);
  if (topic.endsWith("_ms")) return milliseconds(value);
  if (topic.endsWith("_s")) return seconds(value, value < 10 ? 1 : 0);
  if (topic === "mos" || topic === "r_factor") return score(value);
  if (["answered", "delivered", "long_enough", "covered"].includes(topic)) return percent(value, 0);
  return number(value, Number.isInteger(value) ? 0 : 1);
}

// A sentence of the daemon begins small, because a message has more before it.
export const raised = (text) => text.charAt(0).toLocaleUpperCase() + text.slice(1);

export function time(unix) {
  if (!isKnown(unix)) return t("none");
  return cached(Intl.DateTimeFormat, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(unix * 1000);
}

export function dateTime(unix) {
  if (!isKnown(unix)) return t("none");
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return cached(Intl.DateTimeFormat, options).format(unix * 1000);
}

// The time alone for what was within half a day, else with its date.
export function moment(unix, now) {
  return isKnown(unix) && Math.abs(now - unix) < 43_200 ? time(unix) : dateTime(unix);
}

export function duration(given) {
  if (!isKnown(given)) return t("none");
  const whole = Math.max(0, Math.round(given));
  const parts = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
  const first = parts.findIndex(([, size]) => whole >= size);
  if (first < 0) return t("time.s", { value: 0 });
  let rest = whole;
  return parts.slice(first, first + 2).flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count ? [t(`time.${unit}`, { value: count })] : [];
  }).join(" ");
}

// As it is called at present: zones have changed their names and hours.
export function zoneName() {
  const parts = cached(Intl.DateTimeFormat, { timeZoneName: "long" }).formatToParts(Date.now());
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}
