// The charts of one peer: loss, jitter, MOS, round trip; with the limits of the rules in force, and the figures as a table.
import { dateTime, isKnown, milliseconds, number, percent, score } from "../format.js";
import { html } from "../html.js";
import { t, word } from "../words.js";
import "./chart.js";
import { linesOf } from "./lines.js";

const digits = (value) => [0, 1].find((count) => Math.abs(value * 10 ** count - Math.round(value * 10 ** count)) < 1e-6) ?? 2;
const wholeMilliseconds = (value) => t("unit.ms", { value: number(value, digits(value)) });

const TO = { direction: "to_peer", colour: "to-peer", label: "chart.to" };
const FROM = { direction: "from_peer", colour: "from-peer", label: "chart.from", dash: [9, 4] };
const CHARTS = [
  {
    id: "loss", metric: "loss_percent", format: percent, formatAxis: (value) => percent(value, digits(value)),
    lines: [{ ...TO, field: "loss_percent" }, { ...FROM, field: "loss_percent" },
      { ...TO, field: "loss_percent_reported", label: "chart.reported", dash: [2, 4] }],
  },
  {
    id: "jitter", metric: "jitter_ms", format: milliseconds, formatAxis: wholeMilliseconds,
    lines: [{ ...TO, field: "jitter_ms" }, { ...FROM, field: "jitter_ms" }],
  },
  {
    id: "mos", metric: "mos", format: score, formatAxis: (value) => number(value, 1), low: 1, high: 4.6,
    lines: [{ ...TO, field: "mos_min" }, { ...FROM, field: "mos_min" }],
  },
  {
    id: "rtt", metric: "rtt_ms", format: milliseconds, formatAxis: wholeMilliseconds,
    lines: [{ direction: null, field: "rtt_ms", colour: "neither", label: "chart.rtt.calls" }],
  },
];
const MOST_ROWS = 200;


function spoken(what, lines, format) {
  const told = lines.map(({ label, values }) => {
    const known = values.filter(isKnown);
    return known.length ? t("chart.spoken.series", {
      name: label, low: format(Math.min(...known)), high: format(Math.max(...known)), last: format(known.at(-1)),
    }) : `${label}: ${t("none")}`;
  });
  return t("chart.spoken", { what, series: told.join("; ") });
}

function figuresTable(times, lines, format, title) {
  const rows = times.map((at, index) => [at, ...lines.map((line) => line.values[index])])
    .filter(([, ...values]) => values.some(isKnown)).slice(-MOST_ROWS);
  return html`
    <details><summary>${t("chart.table")}</summary>
      <div class="scroll" role="region" tabindex="0" aria-label=${t("table.scroll", { what: title })}>
        <table class="list"><caption>${title}</caption>
          <thead><tr><th scope="col">${t("chart.time")}</th>${lines.map((line) => html`<th scope="col" class="number">${line.label}</th>`)}</tr></thead>
          <tbody>${rows.map(([at, ...values]) => html`
            <tr><th scope="row">${dateTime(at)}</th>${values.map((value) => html`<td class="number">${format(value)}</td>`)}</tr>`)}</tbody>
        </table>
      </div>
    </details>`;
}

function chart({ id, metric, format, formatAxis, lines: wanted, low, high }, series, span) {
  const { times, values } = linesOf(series.points, wanted);
  const lines = wanted.map((line, index) => ({ ...line, label: t(line.label), values: values[index] }));
  const limits = series.limits.filter((limit) => limit.metric === metric).map((limit) => ({
    value: limit.enter, severity: limit.severity,
    label: t("chart.limit", { severity: word("severity", limit.severity), value: formatAxis(limit.enter) }),
  }));
  const [from, to] = span.bounds();
  const title = t(`chart.${id}`);
  return html`
    <figure class="chart" id="chart-${id}">
      <figcaption>${title} <small>${limits.map((limit) => limit.label).join(", ")}</small></figcaption>
      ${times.length ? html`
        <qw-chart .shown=${{
          from, to, times, lines, limits, low, high, format, formatAxis, spoken: spoken(title, lines, format),
          timeLabel: t("chart.time"), formatTime: dateTime,
          onZoom: (first, last) => span.set(first, last), onZoomOut: () => span.zoom(2),
        }}></qw-chart>
        ${figuresTable(times, lines, format, title)}` : html`<p class="quiet">${t("chart.none")}</p>`}
    </figure>`;
}

export function charts(series, span) {
  return html`<div class="charts">${CHARTS.map((each) => chart(each, series, span))}</div>
    <p class="quiet">${t("zoom.hint")}</p>`;
}
