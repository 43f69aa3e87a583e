// Alerts: now, incidents that ended, and the whole history.
import { get } from "../api.js";
import { html } from "../html.js";
import { alertTable } from "../parts/alert_table.js";
import { eventTable } from "../parts/events.js";
import { incidentCard } from "../parts/incidents.js";
import { pastFilters, PastQuery } from "../parts/past_filters.js";
import { Pages } from "../parts/reading.js";
import { state } from "../state.js";
import { t } from "../words.js";

const MOST_ENDED = 12;

const table = alertTable("alerts-now");
const past = new PastQuery();
const history = new Pages((offset, signal) => get("events", {
  ...past.query(), kind: past.fields.kind === "all" ? undefined : "alert", limit: 50, offset,
}, signal));

function section(id, title, content) {
  return html`<section aria-labelledby=${id}><h2 id=${id}>${t(title)}</h2>${content}</section>`;
}

export const alerts = {
  title: () => t("view.alerts"),
  enter({ query }) {
    past.enter(query, () => history.read());
    history.read();
  },
  told(name) {
    if (name === "alerts" && past.span.isLive) history.refresh();
  },
  leave() {
    history.stop();
  },
  render() {
    const ended = state.incidents.filter((incident) => !incident.is_open).slice(0, MOST_ENDED);
    const kind = html`<label class="field">${t("alerts.kind")}
      <select id="filter-kind" @change=${(event) => past.set("kind", event.target.value)}>
        <option value="">${t("alerts.kind.alert")}</option>
        <option value="all" ?selected=${past.fields.kind === "all"}>${t("alerts.kind.all")}</option></select></label>`;
    return html`
      ${section("now-head", "alerts.now", html`<div class="card">${state.alerts.length ? table.render(state.alerts)
        : html`<p>✔ ${t("alerts.none")}</p>`}</div>`)}
      ${section("history-head", "alerts.history", html`${pastFilters(past, t("alerts.subject"), kind)}
        <div class="card">${history.renderPages((items) => eventTable(items, { caption: t("alerts.history") }))}</div>`)}
      ${section("ended-head", "alerts.incidents", ended.length ? html`<ul class="cards broad">${ended.map(incidentCard)}</ul>`
        : html`<p class="card">${t("alerts.no_incidents")}</p>`)}`;
  },
};
