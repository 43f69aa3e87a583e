// An alert in a few words: ours where a figure or a state says it all, else the sentence that messages have.
import { figure, isKnown, raised } from "../format.js";
import { html, nothing } from "../html.js";
import { t, told, word } from "../words.js";
import { inlineSubject, subjectAddress } from "./subject.js";

const STATES = { trunk_state: "trunk_state", peer_state: "peer_state" };
const FIGURES = new Set(["loss_percent", "loss_percent_reported", "jitter_ms", "rtt_ms", "mos", "r_factor", "qualify_rtt_ms"]);

function isOurs(alert) {
  if (alert.is_own_wording || alert.details.usual) return false;
  return (alert.topic in STATES && alert.details.state) || (FIGURES.has(alert.topic) && isKnown(alert.value));
}

// A sentence of the daemon, with a link where it names its subject.
export function spoken(alert, text) {
  const named = [`${alert.name} ${alert.subject}`, alert.subject].find((each) => text.includes(each));
  const to = named === undefined ? null : subjectAddress(alert.pbx, alert.subject, alert.topic);
  const at = named === undefined ? -1 : text.indexOf(named);
  const shown = at === 0 ? text : raised(text);
  if (to === null) return shown;
  return html`${shown.slice(0, at)}<a href=${to}>${named}</a>${shown.slice(at + named.length)}`;
}

export function sentence(alert, { withPeak = true } = {}) {
  const text = told(alert.text);
  if (!isOurs(alert) && text) return spoken(alert, text);
  const subject = inlineSubject(alert.pbx, alert.subject);
  if (alert.topic in STATES) return html`${subject}: <strong>${word(STATES[alert.topic], alert.details.state)}</strong>`;
  const direction = alert.direction === null ? "" : word("direction", alert.direction);
  const peak = withPeak && isKnown(alert.peak) && alert.peak !== alert.value
    ? html`, <span class="quiet">${t("peak", { value: figure(alert.topic, alert.peak) })}</span>` : nothing;
  return html`${word("topic", alert.topic)} ${direction} ${subject}: <strong>${figure(alert.topic, alert.value)}</strong>${peak}`;
}

// Where on the way a loss arises.
export function where(alert) {
  const text = told(alert.where);
  return text ? html`<span class="where quiet">${raised(text)}</span>` : nothing;
}
