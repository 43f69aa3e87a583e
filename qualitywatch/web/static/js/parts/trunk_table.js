// Trunks: those that are down first.
import { duration } from "../format.js";
import { html, nothing } from "../html.js";
import { key, nowAt } from "../state.js";
import { t } from "../words.js";
import { trunkSign } from "./sign.js";
import { subjectLink } from "./subject.js";
import { Table } from "./table.js";

// What the provider said belongs to a trunk that is down; one that is up has nothing to explain.
const state = (trunk) => html`${trunkSign(trunk.state)}${trunk.cause && !trunk.is_up ? html`<br><small>${trunk.cause}</small>` : nothing}`;
const ORDER = { false: 0, null: 1, true: 2 };

export function trunkTable(id, more = []) {
  return new Table({
    id,
    sort: "state",
    caption: () => (more.length ? t("trunks.caption") : t("overview.trunks")),
    isCaptionHidden: !more.length,
    keyOf: (trunk) => key(trunk.pbx, trunk.trunk),
    columns: [
      { id: "name", label: "trunk", isHead: true, value: (trunk) => trunk.trunk, cell: (trunk) => subjectLink(trunk.pbx, trunk.trunk) },
      { id: "state", label: "col.state", value: (trunk) => ORDER[trunk.is_up], cell: state },
      { id: "since", label: "col.since", number: true, wide: true, value: (trunk) => -trunk.since.unix, cell: (trunk) => duration(nowAt(trunk.pbx) - trunk.since.unix) },
      ...more,
    ],
  });
}
