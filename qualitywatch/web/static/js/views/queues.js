// Queues as they were read last.
import { duration, moment, number } from "../format.js";
import { html } from "../html.js";
import { readQueues } from "../lists.js";
import { marked } from "../parts/sign.js";
import { Table } from "../parts/table.js";
import { key, nowAt, state } from "../state.js";
import { t } from "../words.js";

const table = new Table({
  id: "queues",
  sort: "callers",
  caption: () => t("queues.caption"),
  keyOf: (queue) => key(queue.pbx, queue.queue),
  columns: [
    { id: "name", label: "col.queue", isHead: true, value: (queue) => queue.queue, cell: (queue) => queue.queue },
    { id: "pbx", label: "pbx", wide: true, value: (queue) => queue.pbx, cell: (queue) => queue.pbx },
    {
      id: "callers", label: "col.callers", number: true, first: "high", value: (queue) => queue.callers,
      cell: (queue) => marked(number(queue.callers), queue.callers_unattended > 0 ? "critical" : null),
    },
    { id: "hold", label: "col.hold", number: true, first: "high", value: (queue) => queue.longest_hold_s, cell: (queue) => duration(queue.longest_hold_s) },
    { id: "free", label: "col.free", number: true, value: (queue) => queue.agents_available, cell: (queue) => number(queue.agents_available) },
    { id: "logged_in", label: "col.logged_in", number: true, value: (queue) => queue.agents_logged_in, cell: (queue) => number(queue.agents_logged_in) },
    { id: "read", label: "col.read", number: true, wide: true, cell: (queue) => moment(queue.read.unix, nowAt(queue.pbx)) },
  ],
});

export const queues = {
  title: () => t("view.queues"),
  enter() {
    readQueues().catch(() => {});
  },
  render() {
    return html`<div class="card">${state.queues.length ? table.render(state.queues) : html`<p>${t("queues.none")}</p>`}</div>`;
  },
};
