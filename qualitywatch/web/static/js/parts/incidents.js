// Incidents as cards: what belongs to them, who has taken them on, and what can be done.
import { post, remove } from "../api.js";
import { duration, moment, raised } from "../format.js";
import { html, nothing } from "../html.js";
import { readIncidents } from "../lists.js";
import { say } from "../note.js";
import { address } from "../route.js";
import { nowAt, state } from "../state.js";
import { t, told, word } from "../words.js";
import { sentence, spoken, where } from "./sentence.js";
import { severitySign } from "./sign.js";
import { MAX_SELECTORS } from "./silence_form.js";

const MAX_MEMBERS = 12;
const MAX_REMEDIES = 6;
const STATES = ["firing", "happened", "resolved"];
const SEVERITIES = ["critical", "warning", "info"];

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

// What fires before what is over, what somebody is told of before what is silenced, severe before mild.
function inOrder(members) {
  const place = (each) => [STATES.indexOf(each.state), each.mute === null ? 0 : 1, SEVERITIES.indexOf(each.alert.severity)];
  const compare = (a, b) => a.map((part, index) => part - b[index]).find((part) => part !== 0) ?? 0;
  return [...members].sort((a, b) => compare(place(a), place(b)));
}

// Who it is about, and who is only affected: explained by another alert.
function cast(incident) {
  const members = inOrder(incident.members);
  const isAffected = (each) => each.mute?.kind === "inhibited";
  const main = members.filter((each) => !isAffected(each));
  return main.length ? [main, members.filter(isAffected)] : [members, []];
}

function listed(members, isPlaced) {
  return html`<ul>${members.slice(0, MAX_MEMBERS).map((each) => member(each, isPlaced))}
    ${members.length > MAX_MEMBERS ? html`<li>… +${members.length - MAX_MEMBERS}</li>` : nothing}</ul>`;
}

function member(each, isPlaced) {
  const { alert, mute, state: stands } = each;
  const over = told(each.text);
  return html`<li>${stands === "resolved" && over ? spoken(alert, over) : sentence(alert)}
    ${stands === "resolved" && !over ? html`<span class="quiet">(${word("member_state", stands)})</span>` : nothing}
    ${mute === null ? nothing : html`<span class="quiet">(${t(`mute.${mute.kind}`, { name: mute.name })})</span>`}
    ${isPlaced && stands === "firing" ? where(alert) : nothing}</li>`;
}

// All that fire lose for one reason: that is said once.
function isShared(members) {
  const firing = members.filter((each) => each.state === "firing");
  return firing.length > 1 && firing.every((each) => each.alert.details.segment === "pbx");
}

function done(incident) {
  if (!incident.remedies.length) return nothing;
  const earlier = incident.remedies.length - MAX_REMEDIES;
  return html`<h4>${t("incident.remedies")}</h4><ul class="remedies">
    ${earlier > 0 ? html`<li class="quiet">${t("incident.remedies.earlier", { count: earlier })}</li>` : nothing}
    ${incident.remedies.slice(-MAX_REMEDIES).map((each) => html`
      <li><span class="quiet">${moment(each.at.unix, Date.now() / 1000)}</span> ${told(each.text)}</li>`)}</ul>`;
}

export function incidentCard(incident) {
  const everybody = [...new Set(incident.members.map((each) => each.alert.subject))];
  const subjects = everybody.slice(0, MAX_SELECTORS).join(",");
  const without = Math.max(0, everybody.length - MAX_SELECTORS) || "";
  const number = t("incident", { id: incident.id });
  const [members, affected] = cast(incident);
  const shared = isShared(members);
  return html`
    <li class="card incident ${incident.severity}" id="incident-${incident.id}">
      <div class="row">
        ${severitySign(incident.severity)}
        <h3>${state.pbxes.length > 1 ? `${incident.pbx}: ` : ""}${number}</h3>
        ${incident.is_flapping ? html`<span class="quiet">${t("incident.flapping")}</span>` : nothing}
      </div>
      <p class="quiet">${when(incident)}</p>
      ${members.length > 1 && told(incident.text) ? html`<p class="gist">${raised(told(incident.text))}</p>` : nothing}
      ${listed(members, !shared)}
      ${shared ? where(members[0].alert) : nothing}
      ${affected.length ? html`<details><summary>${t("incident.affected", { count: affected.length })}</summary>
        ${listed(affected, false)}</details>` : nothing}
      ${done(incident)}
      ${incident.ack === null ? nothing : html`
        <p>✔ ${t("incident.acked", { by: incident.ack.by, time: moment(incident.ack.at.unix, Date.now() / 1000) })}</p>`}
      ${incident.is_open ? html`
        <div class="row">
          ${incident.ack === null
            ? html`<button type="button" class="main" aria-label="${t("incident.ack")}: ${number}"
                @click=${() => ack(incident)}>${t("incident.ack")}</button>`
            : html`<button type="button" aria-label="${t("incident.giveback")}: ${number}"
                @click=${() => giveBack(incident)}>${t("incident.giveback")}</button>`}
          <a href=${address("silences", [], { subjects, pbx: incident.pbx, without })} aria-label="${t("incident.silence")}: ${number}"
            >${t("incident.silence")}</a>
        </div>` : nothing}
    </li>`;
}
