// Everything at a glance: open incidents, PBXes, trunks, the worst peers.
import { duration, number } from "../format.js";
import { html, nothing } from "../html.js";
import { incidentCard } from "../parts/incidents.js";
import { isTalking, WORST_COLUMNS, worstLoss, worstMos } from "../parts/peer_columns.js";
import { seenSign } from "../parts/sign.js";
import { Table } from "../parts/table.js";
import { trunkTable } from "../parts/trunk_table.js";
import { key, nowAt, state } from "../state.js";
import { t } from "../words.js";

const WORST = 10;
const LATE_S = 10;

const worst = new Table({
  id: "worst", columns: WORST_COLUMNS, keyOf: (peer) => key(peer.pbx, peer.subject), caption: () => t("peers.caption"),
});
const trunks = trunkTable("overview-trunks");

// Lost packets first, then the lower score.
function worstPeers() {
  return [...state.peers.values()].filter(isTalking)
    .sort((a, b) => (worstLoss(b) ?? -1) - (worstLoss(a) ?? -1) || (worstMos(a) ?? 5) - (worstMos(b) ?? 5)).slice(0, WORST);
}

function pbxCard(pbx) {
  const figure = (label, value) => html`<div><dt>${t(label)}</dt><dd>${number(value)}</dd></div>`;
  return html`<li class="card" data-pbx=${pbx.name}>
    <div class="row"><h3>${pbx.name}</h3>${seenSign(pbx.is_seen)}</div>
    ${pbx.is_seen ? nothing : html`<p class="error">${pbx.blind_since === null ? nothing
      : t("pbx.since", { duration: duration(nowAt(pbx.name) - pbx.blind_since.unix) })} ${pbx.trouble ?? nothing}</p>`}
    ${pbx.lag_s > LATE_S ? html`<p class="error">${t("pbx.lag", { seconds: number(pbx.lag_s) })}</p>` : nothing}
    <dl class="figures">${figure("pbx.calls", pbx.calls)}${figure("pbx.peers", pbx.peers)}${figure("pbx.trunks", pbx.trunks)}
      ${figure("pbx.firing", pbx.firing)}</dl>
  </li>`;
}

function incidents() {
  const open = state.incidents.filter((incident) => incident.is_open);
  const pending = state.alerts.filter((alert) => alert.state === "pending").length;
  return html`
    ${open.length ? html`<ul class="cards broad" id="incidents">${open.map(incidentCard)}</ul>`
      : html`<p class="card" id="calm">✔ ${t("overview.calm")}</p>`}
    ${pending ? html`<p><a href="#/alerts">${t("overview.pending", { count: pending })}</a></p>` : nothing}`;
}

export const overview = {
  title: () => t("view.overview"),
  render() {
    const found = worstPeers();
    return html`
      <section aria-labelledby="incidents-head"><h2 id="incidents-head">${t("overview.incidents")}</h2>${incidents()}</section>
      <section aria-labelledby="pbxes-head"><h2 id="pbxes-head">${t("overview.pbxes")}</h2>
        <ul class="cards">${state.pbxes.map(pbxCard)}</ul></section>
      <div class="halves">
        <section class="card" aria-labelledby="worst-head"><h2 id="worst-head">${t("overview.worst")}</h2>
          ${found.length ? worst.render(found) : html`<p>${t("overview.no_sound")}</p>`}</section>
        <section class="card" aria-labelledby="trunks-head"><h2 id="trunks-head">${t("overview.trunks")}</h2>
          ${state.trunks.size ? trunks.render([...state.trunks.values()]) : html`<p>${t("overview.no_trunks")}</p>`}</section>
      </div>`;
  },
};
