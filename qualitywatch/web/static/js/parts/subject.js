// A peer, a trunk, or whatever else an alert is about: its name with a link to its view.
import { html, nothing } from "../html.js";
import { address } from "../route.js";
import { key, nameOf, state } from "../state.js";

// Of whole sites an alert leads to who is there.
export function subjectAddress(pbx, subject, topic = "") {
  if (topic === "site_loss") return address("peers", [], { site: subject });
  if (state.trunks.has(key(pbx, subject))) return address("trunk", [pbx, subject]);
  return state.peers.has(key(pbx, subject)) ? address("peer", [pbx, subject]) : null;
}

export function subjectLink(pbx, subject, { withPbx = state.pbxes.length > 1 } = {}) {
  const to = subjectAddress(pbx, subject);
  const name = nameOf(pbx, subject);
  const text = name === null ? subject : name;
  return html`<span class="subject">${to === null ? text : html`<a class="open" href=${to}>${text}</a>`}${name === null
    ? nothing : html`<small>${subject}</small>`}${withPbx ? html`<small>${pbx}</small>` : nothing}</span>`;
}

// On one line, as within a sentence.
export function inlineSubject(pbx, subject) {
  const to = subjectAddress(pbx, subject);
  const name = nameOf(pbx, subject);
  const text = name === null ? subject : `${name} (${subject})`;
  return to === null ? text : html`<a href=${to}>${text}</a>`;
}
