// What happened, newest first.
import { moment } from "../format.js";
import { html, nothing } from "../html.js";
import { nowAt } from "../state.js";
import { t, word } from "../words.js";
import { severitySign } from "./sign.js";
import { subjectLink } from "./subject.js";

// What the daemon keeps of an alert: "firing critical trunk-down".
const ALERT = /^(firing|severity_increased|resolved|happened) (info|warning|critical) (.+)$/;

function what(event) {
  const alert = event.kind === "alert" ? ALERT.exec(event.text) : null;
  if (alert === null) {
    return html`<strong>${word("kind", event.kind)}</strong>: ${event.kind === "peer" ? word("peer_state", event.text) : event.text}`;
  }
  const [, reason, severity, rule] = alert;
  return html`${severitySign(severity)} <strong>${rule}</strong> ${word("event", reason)}`;
}

export function eventTable(events, { id = "events", caption, withSubject = true, empty = t("alerts.no_history") }) {
  if (!events.length) return html`<p>${empty}</p>`;
  return html`
    <div class="scroll" role="region" tabindex="0" aria-label=${t("table.scroll", { what: caption })}>
      <table class="list" id=${id}>
        <caption class="hidden">${caption}</caption>
        <thead><tr><th scope="col" class="time">${t("col.time")}</th>
          ${withSubject ? html`<th scope="col">${t("peer")}, ${t("trunk").toLowerCase()}</th>` : nothing}
          <th scope="col">${t("col.what")}</th></tr></thead>
        <tbody>${events.map((event) => html`
          <tr><td class="time">${moment(event.at.unix, nowAt(event.pbx))}</td>
            ${withSubject ? html`<td>${subjectLink(event.pbx, event.subject)}</td>` : nothing}
            <td class="brief">${what(event)}</td></tr>`)}</tbody>
      </table>
    </div>`;
}
