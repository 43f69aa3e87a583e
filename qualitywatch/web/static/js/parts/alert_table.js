// Alerts that are pending or firing, most urgent first.
import { duration } from "../format.js";
import { html } from "../html.js";
import { nowAt } from "../state.js";
import { t, word } from "../words.js";
import { sentence, where } from "./sentence.js";
import { severitySign } from "./sign.js";
import { Table } from "./table.js";

export function alertTable(id) {
  return new Table({
    id,
    caption: () => t("alerts.now"),
    isCaptionHidden: true,
    keyOf: (alert) => JSON.stringify([alert.rule, alert.pbx, alert.subject, alert.direction]),
    columns: [
      { id: "severity", label: "col.severity", brief: true, cell: (alert) => severitySign(alert.severity) },
      { id: "what", label: "col.what", cell: (alert) => html`<span class="said">${sentence(alert)}</span> ${where(alert)}`, isHead: true },
      { id: "state", label: "col.state", wide: true, cell: (alert) => word("alert_state", alert.state) },
      { id: "since", label: "col.since", number: true, cell: (alert) => duration(nowAt(alert.pbx) - alert.since.unix) },
      { id: "pbx", label: "pbx", wide: true, cell: (alert) => alert.pbx },
      { id: "rule", label: "col.rule", wide: true, cell: (alert) => alert.rule },
    ],
  });
}
