// One peer: how it stands, charts, calls with both legs, User-Agents, a silence.
import { get } from "../api.js";
import { milliseconds, moment } from "../format.js";
import { html, nothing } from "../html.js";
import { alertTable } from "../parts/alert_table.js";
import { callTable } from "../parts/calls.js";
import { charts } from "../parts/charts.js";
import { eventTable } from "../parts/events.js";
import { Pages, Reading } from "../parts/reading.js";
import { maybeSeverity, peerSign } from "../parts/sign.js";
import { SilenceForm } from "../parts/silence_form.js";
import { Soon } from "../parts/soon.js";
import { Span } from "../parts/span.js";
import { inlineSubject } from "../parts/subject.js";
import { address } from "../route.js";
import { key, nameOf, nowAt, state } from "../state.js";
import { t } from "../words.js";

const AGENTS_S = 90 * 86_400;

const alerts = alertTable("peer-alerts");
const form = new SilenceForm("peer-silence");
let [pbx, subject] = ["", ""];
let span = null;
let [series, calls, agents] = [null, null, null];
const seriesNews = new Soon(() => series.read());
const callNews = new Soon(() => calls.refresh());

function bounded() {
  const [since, until] = span.bounds();
  return { pbx, subject, since, until: span.isLive ? undefined : until };
}

function facts(peer) {
  const fact = (label, value) => html`<div><dt>${t(label)}</dt><dd>${value}</dd></div>`;
  return html`<div class="card">
    <div class="row">${peerSign(peer.state)}<span>${t("peer.since", { time: moment(peer.since.unix, nowAt(pbx)) })}</span>
      ${maybeSeverity(peer.severity)}</div>
    <dl class="figures">
      ${fact("pbx", pbx)}${fact("col.address", peer.address ?? t("none"))}${fact("col.agent", peer.user_agent ?? t("none"))}
      ${fact("peer.qualify", milliseconds(peer.qualify_rtt_ms))}
      ${peer.site === null ? nothing : fact("col.site", html`<a href=${address("peers", [], { site: peer.site })}>${peer.site}</a>`)}
      ${peer.trunk === null ? nothing : fact("peer.trunk", inlineSubject(pbx, peer.trunk))}
    </dl>
    ${peer.is_direct_media ? html`<p>${t("peer.direct")}</p>` : nothing}
  </div>`;
}

function section(id, title, content) {
  return html`<section class="card" aria-labelledby=${id}><h2 id=${id}>${t(title)}</h2>${content}</section>`;
}

export const peer = {
  title({ parts }) {
    const name = nameOf(...parts);
    return name === null ? parts[1] ?? "" : `${name} (${parts[1]})`;
  },
  enter({ parts, query }) {
    [pbx, subject] = parts;
    span = new Span({ pbx, length_s: Number(query.get("last")) || 3_600, onChange: () => {
      seriesNews.now();
      calls.read();
    } });
    series = new Reading((signal) => get("series", bounded(), signal));
    calls = new Pages((offset, signal) => get("calls", { ...bounded(), limit: 20, offset }, signal));
    agents = new Reading((signal) => get("events", {
      pbx, subject, kind: "user_agent", since: Math.max(0, nowAt(pbx) - AGENTS_S), limit: 100,
    }, signal));
    if (state.loaded) this.read();
  },
  read() {
    seriesNews.now();
    calls.read();
    agents.read();
  },
  told(name, items) {
    const isOurs = (item) => item.pbx === pbx && item.subject === subject;
    if (span.isLive && name === "peers" && items.some(isOurs)) seriesNews.ask();
    if (span.isLive && name === "pbxes" && items.some((item) => item.name === pbx)) callNews.ask();
    if (name === "alerts" && !agents.isBusy) agents.read();
  },
  leave() {
    seriesNews.stop();
    callNews.stop();
    [series, calls, agents].forEach((each) => each.stop());
  },
  get keys() {
    return span.keys;
  },
  render() {
    if (series.value === null && !series.isBusy && !series.error) this.read();
    const known = state.peers.get(key(pbx, subject));
    const ours = state.alerts.filter((alert) => alert.pbx === pbx && alert.subject === subject);
    return html`
      ${known ? facts(known) : html`<p class="card">${t("peer.unknown")}</p>`}
      ${ours.length ? section("alerts-head", "peer.alerts", alerts.render(ours)) : nothing}
      ${section("charts-head", "peer.charts", html`${span.render()}${series.render((value) => charts(value, span))}`)}
      ${section("calls-head", "peer.calls", calls.renderPages((items) => callTable(items)))}
      ${section("agents-head", "peer.agents", agents.render(({ items }) => eventTable(items, {
        id: "agents", caption: t("peer.agents"), withSubject: false, empty: t("peer.no_agents"),
      })))}
      ${section("silence-head", "peer.silence", form.render({ subjects: subject, pbx }))}`;
  },
};
