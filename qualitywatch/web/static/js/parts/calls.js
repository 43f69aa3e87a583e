// Finished calls: one group of rows a call, one row a leg.
import { duration, isKnown, milliseconds, moment, percent, score } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { largest, severityOf, smallest } from "../limits.js";
import { nowAt, state } from "../state.js";
import { t } from "../words.js";
import { marked } from "./sign.js";
import { subjectLink } from "./subject.js";

function loss(side) {
  const text = marked(percent(side.loss_percent), severityOf("loss_percent", side.loss_percent));
  const { loss_percent: net, loss_percent_reported: reported } = side;
  if (!isKnown(reported) || !isKnown(net) || Math.abs(reported - net) < 0.05) return text;
  return html`${text}<br><small class="quiet wrapped">${t("leg.reported", { value: percent(reported) })}</small>`;
}

function leg(call, each, isFirst) {
  const mos = smallest(each.to_peer.mos_min, each.from_peer.mos_min);
  const jitter = largest(each.to_peer.jitter_max_ms, each.from_peer.jitter_max_ms);
  const begun = moment(call.started.unix, nowAt(call.pbx));
  return html`<tr>
    ${isFirst ? html`<th scope="rowgroup" rowspan=${call.legs.length} class="time">${begun}</th>` : nothing}
    <td>${subjectLink(call.pbx, each.subject, { withPbx: state.pbxes.length > 1 && isFirst })}</td>
    <td class="number wide">${each.talk_s === null ? t("leg.not_answered") : duration(each.talk_s)}</td>
    <td class="number">${loss(each.to_peer)}</td>
    <td class="number">${loss(each.from_peer)}</td>
    <td class="number">${marked(score(mos), severityOf("mos", mos))}</td>
    <td class="number wide">${marked(milliseconds(jitter), severityOf("jitter_ms", jitter))}</td>
    <td class="number wide">${milliseconds(each.rtt_max_ms)}</td>
    <td class="wide">${each.codec ?? t("none")}</td>
    <td class="number wide">${each.cause ?? t("none")}</td>
  </tr>`;
}

export function callTable(calls, { id = "calls" } = {}) {
  if (!calls.length) return html`<p>${t("calls.none")}</p>`;
  return html`
    <div class="scroll" role="region" tabindex="0" aria-label=${t("table.scroll", { what: t("view.calls") })}>
      <table class="list" id=${id}>
        <caption><span>${t("calls.caption")}</span></caption>
        <thead><tr>
          <th scope="col" class="time">${t("col.started")}</th><th scope="col">${t("col.leg")}</th>
          <th scope="col" class="number wide">${t("col.talk")}</th>
          <th scope="col" class="number">${t("col.loss_to")}</th><th scope="col" class="number">${t("col.loss_from")}</th>
          <th scope="col" class="number">${t("col.mos")}</th><th scope="col" class="number wide">${t("col.jitter")}</th>
          <th scope="col" class="number wide">${t("col.rtt")}</th><th scope="col" class="wide">${t("col.codec")}</th>
          <th scope="col" class="number wide">${t("col.end")} (Q.850)</th>
        </tr></thead>
        ${repeat(calls, (call) => `${call.pbx} ${call.linkedid}`, (call) => html`
          <tbody class="call">${call.legs.map((each, index) => leg(call, each, index === 0))}</tbody>`)}
      </table>
    </div>`;
}
