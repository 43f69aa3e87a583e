// An alert in a few words.
import { figure, isKnown } from "../format.js";
import { html, nothing } from "../html.js";
import { t, word } from "../words.js";
import { inlineSubject } from "./subject.js";

const STATES = { trunk_state: "trunk_state", peer_state: "peer_state", audio_state: "audio" };

function what(alert) {
  const state = alert.details.state;
  if (alert.topic in STATES && state) return word(STATES[alert.topic], state);
  const { old, new: fresh } = alert.details;
  if (fresh) return old ? `${old} → ${fresh}` : fresh;
  return figure(alert.topic, alert.value);
}

export function sentence(alert, { withPeak = true } = {}) {
  const isStated = alert.topic in STATES;
  const direction = alert.direction === null ? "" : word("direction", alert.direction);
  const peak = withPeak && isKnown(alert.peak) && !isStated && alert.peak !== alert.value
    ? html`, <span class="quiet">${t("peak", { value: figure(alert.topic, alert.peak) })}</span>` : nothing;
  const topic = word("topic", alert.topic);
  const subject = inlineSubject(alert.pbx, alert.subject);
  return isStated
    ? html`${subject}: <strong>${what(alert)}</strong>`
    : html`${topic} ${direction} ${subject}: <strong>${what(alert)}</strong>${peak}`;
}
