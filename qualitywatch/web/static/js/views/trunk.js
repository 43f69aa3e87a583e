// One trunk: its state, the figures of its calls, its history, the peers behind it.
import { get } from "../api.js";
import { duration, moment, number, percent, seconds } from "../format.js";
import { html, nothing } from "../html.js";
import { kpisOf } from "../kpis.js";
import { alertTable } from "../parts/alert_table.js";
import { callTable } from "../parts/calls.js";
import { eventTable } from "../parts/events.js";
import { Pages, Reading } from "../parts/reading.js";
import { maybeSeverity, trunkSign } from "../parts/sign.js";
import { SilenceForm } from "../parts/silence_form.js";
import { Span } from "../parts/span.js";
import { inlineSubject } from "../parts/subject.js";
import { key, nameOf, nowAt, state } from "../state.js";
import { t } from "../words.js";

const alerts = alertTable("trunk-alerts");
const form = new SilenceForm("trunk-silence");
let [pbx, subject] = ["", ""];
let [span, series, events, calls] = [null, null, null, null];

function bounded() {
  const [since, until] = span.bounds();
  return { pbx, subject, since, until: span.isLive ? undefined : until };
}

function section(id, title, content) {
  return html`<section class="card" aria-labelledby=${id}><h2 id=${id}>${t(title)}</h2>${content}</section>`;
}

function facts(trunk) {
  const behind = [...state.peers.values()].filter((each) => each.pbx === pbx && each.trunk === subject);
  return html`<div class="card">
    <div class="row">${trunkSign(trunk.state)}<span>${t("peer.since", { time: moment(trunk.since.unix, nowAt(pbx)) })}</span>
      ${maybeSeverity(trunk.severity)}</div>
    <dl class="figures">
      <div><dt>${t("pbx")}</dt><dd>${pbx}</dd></div>
      ${trunk.cause ? html`<div><dt>${t("col.cause")}</dt><dd>${trunk.cause}</dd></div>` : nothing}
      ${behind.length ? html`<div><dt>${t("trunk.peers")}</dt><dd>${behind.map((each) => html`${inlineSubject(pbx, each.subject)} `)}</dd></div>` : nothing}
    </dl>
  </div>`;
}

function figures(value) {
  const kpis = kpisOf(value);
  const one = (label, text) => html`<div><dt>${label}</dt><dd>${text}</dd></div>`;
  return html`<dl class="figures" id="kpis">
    ${one(t("trunk.up"), percent(kpis.up, 1))}${one(t("col.attempts"), number(kpis.attempts))}
    ${one(t("col.asr"), percent(kpis.asr, 0))}${one(t("col.ner"), percent(kpis.ner, 0))}
    ${one(t("col.acd"), duration(kpis.acd))}${one(t("topic.post_dial_delay_s"), seconds(kpis.pdd, 1))}</dl>`;
}

export const trunk = {
  title({ parts }) {
    const name = nameOf(...parts);
    return name === null ? parts[1] ?? "" : `${name} (${parts[1]})`;
  },
  enter({ parts }) {
    [pbx, subject] = parts;
    span = new Span({ pbx, length_s: 86_400, onChange: () => this.read() });
    series = new Reading((signal) => get("series", bounded(), signal));
    events = new Pages((offset, signal) => get("events", { ...bounded(), limit: 50, offset }, signal));
    calls = new Pages((offset, signal) => get("calls", { ...bounded(), limit: 20, offset }, signal));
    if (state.loaded) this.read();
  },
  read() {
    [series, events, calls].forEach((each) => each.read());
  },
  told(name, items) {
    const isOurs = (item) => item.pbx === pbx && item.trunk === subject;
    if (!span.isLive || (name !== "alerts" && !(name === "trunks" && items.some(isOurs)))) return;
    if (!series.isBusy) series.read();
    events.refresh();
    calls.refresh();
  },
  leave() {
    [series, events, calls].forEach((each) => each.stop());
  },
  get keys() {
    return span.keys;
  },
  render() {
    if (series.value === null && !series.isBusy && !series.error) this.read();
    const known = state.trunks.get(key(pbx, subject));
    const ours = state.alerts.filter((alert) => alert.pbx === pbx && alert.subject === subject);
    return html`
      ${known ? facts(known) : html`<p class="card">${t("trunk.unknown")}</p>`}
      ${ours.length ? section("alerts-head", "peer.alerts", alerts.render(ours)) : nothing}
      ${span.render()}
      ${section("kpis-head", "trunk.kpis", series.render(figures))}
      ${section("events-head", "peer.events", events.renderPages((items) => eventTable(items, { caption: t("peer.events"), withSubject: false })))}
      ${section("calls-head", "peer.calls", calls.renderPages((items) => callTable(items)))}
      ${section("silence-head", "silences.new", form.render({ subjects: subject, pbx }))}`;
  },
};
