// All trunks, with the figures of their calls.
import { get } from "../api.js";
import { duration, number, percent } from "../format.js";
import { html } from "../html.js";
import { kpisOf } from "../kpis.js";
import { trunkTable } from "../parts/trunk_table.js";
import { changed, key, state } from "../state.js";
import { t } from "../words.js";

const MOST = 60; // whose figures are read; the others' views have them
const KEPT_MS = 60_000;

const figures = new Map(); // by key
let [isReading, readAt] = [false, -Infinity];

const of = (trunk) => figures.get(key(trunk.pbx, trunk.trunk)) ?? {};
const column = (id, show) => ({
  id, label: `col.${id}`, number: true, wide: id === "attempts", first: id === "attempts" ? "high" : "low",
  value: (trunk) => of(trunk)[id] ?? null, cell: (trunk) => show(of(trunk)[id] ?? null),
});
const table = trunkTable("trunks", [
  column("asr", (value) => percent(value, 0)),
  column("ner", (value) => percent(value, 0)),
  column("acd", duration),
  column("attempts", (value) => number(value)),
]);

async function readFigures() {
  if (isReading || performance.now() - readAt < KEPT_MS) return;
  isReading = true;
  for (const trunk of [...state.trunks.values()].slice(0, MOST)) {
    try {
      figures.set(key(trunk.pbx, trunk.trunk), kpisOf(await get("series", { pbx: trunk.pbx, subject: trunk.trunk })));
    } catch {
      // Its figures stay unknown.
    }
  }
  [isReading, readAt] = [false, performance.now()];
  changed();
}

export const trunks = {
  title: () => t("view.trunks"),
  enter() {
    readAt = -Infinity;
  },
  render() {
    if (state.trunks.size) readFigures();
    return html`<div class="card">${state.trunks.size ? table.render([...state.trunks.values()])
      : html`<p>${t("overview.no_trunks")}</p>`}</div>`;
  },
};
