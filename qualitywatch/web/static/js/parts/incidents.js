// Incidents as cards: what belongs to them, who has taken them on, and what can be done.
import { post, remove } from "../api.js";
import { duration, moment } from "../format.js";
import { html, nothing } from "../html.js";
import { readIncidents } from "../lists.js";
import { say } from "../note.js";
import { address } from "../route.js";
import { nowAt, state } from "../state.js";
import { t, word } from "../words.js";
import { sentence } from "./sentence.js";
import { severitySign } from "./sign.js";

const MAX_MEMBERS = 12;

async function ack(incident) {
  await act(post(`incidents/${incident.id}/ack`), t("incident.ack.done", { id: incident.id }));
}

async function giveBack(incident) {
  await act(remove(`incidents/${incident.id}/ack`), t("incident.giveback.done", { id: incident.id }));
}

async function act(asked, done) {
  try {
    await asked;
    say(done);
    await readIncidents();
  } catch (failure) {
    say(failure.message);
  }
}

function when(incident) {
  const now = nowAt(incident.pbx);
  const from = incident.opened.unix;
  if (incident.is_open) {
    return t("incident.since", { time: moment(from, now), duration: duration(now - from) });
  }
  const to = incident.closed?.unix ?? from;
  return t("incident.from_to", { from: moment(from, now), to: moment(to, now), duration: duration(to - from) });
}

function member(each) {
  const { mute } = each;
  return html`<li>${sentence(each.alert)}
    ${each.state === "firing" ? nothing : html`<span class="quiet">(${word("member_state", each.state)})</span>`}
    ${mute === null ? nothing : html`<span class="quiet">(${t(`mute.${mute.kind}`, { name: mute.name })})</span>`}</li>`;
}

export function incidentCard(incident) {
  const subjects = [...new Set(incident.members.map((each) => each.alert.subject))].slice(0, 20).join(",");
  const number = t("incident", { id: incident.id });
  return html`
    <li class="card incident ${incident.severity}" id="incident-${incident.id}">
      <div class="row">
        ${severitySign(incident.severity)}
        <h3>${state.pbxes.length > 1 ? `${incident.pbx}: ` : ""}${number}</h3>
        ${incident.is_flapping ? html`<span class="quiet">${t("incident.flapping")}</span>` : nothing}
      </div>
      <p class="quiet">${when(incident)}</p>
      <ul>${incident.members.slice(0, MAX_MEMBERS).map(member)}
        ${incident.members.length > MAX_MEMBERS ? html`<li>… +${incident.members.length - MAX_MEMBERS}</li>` : nothing}</ul>
      ${incident.ack === null ? nothing : html`
        <p>✔ ${t("incident.acked", { by: incident.ack.by, time: moment(incident.ack.at.unix, Date.now() / 1000) })}</p>`}
      ${incident.is_open ? html`
        <div class="row">
          ${incident.ack === null
            ? html`<button type="button" class="main" aria-label="${t("incident.ack")}: ${number}"
                @click=${() => ack(incident)}>${t("incident.ack")}</button>`
            : html`<button type="button" aria-label="${t("incident.giveback")}: ${number}"
                @click=${() => giveBack(incident)}>${t("incident.giveback")}</button>`}
          <a href=${address("silences", [], { subjects, pbx: incident.pbx })} aria-label="${t("incident.silence")}: ${number}"
            >${t("incident.silence")}</a>
        </div>` : nothing}
    </li>`;
}
