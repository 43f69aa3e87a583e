// States and severities as a shape and a word; colour only besides.
import { html, nothing } from "../html.js";
import { t, word } from "../words.js";

const SHAPES = { critical: "✖", warning: "▲", info: "ℹ", good: "✔", none: "?" };
const PEER = { registered: "good", reachable: "good", lagged: "warning", unreachable: "critical", unregistered: "warning" };
const TRUNK = { registered: "good", retrying: "none", unknown: "none" };

function sign(kind, text) {
  return html`<span class="sign ${kind}" title=${text}><span aria-hidden="true">${SHAPES[kind]}</span><span class="text">${text}</span></span>`;
}

export const severitySign = (severity) => sign(severity, word("severity", severity));
export const maybeSeverity = (severity) => (severity === null ? nothing : severitySign(severity));
export const peerSign = (state) => sign(PEER[state] ?? "none", word("peer_state", state));
export const trunkSign = (state) => sign(TRUNK[state] ?? "critical", word("trunk_state", state));
export const seenSign = (isSeen) => sign(isSeen ? "good" : "critical", t(isSeen ? "pbx.seen" : "pbx.blind"));

// A figure with a shape where it is over a limit: critical, warning or null.
export function marked(text, severity) {
  if (severity === null) return text;
  const spoken = word("severity", severity);
  return html`<span class="over ${severity}" title=${spoken}><span aria-hidden="true">${SHAPES[severity]}</span>
    ${text}<span class="hidden"> ${spoken}</span></span>`;
}
