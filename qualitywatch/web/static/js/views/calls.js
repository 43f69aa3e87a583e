// Finished calls with both legs.
import { get } from "../api.js";
import { html } from "../html.js";
import { callTable } from "../parts/calls.js";
import { pastFilters, PastQuery } from "../parts/past_filters.js";
import { Pages } from "../parts/reading.js";
import { t } from "../words.js";

const past = new PastQuery();
const found = new Pages((offset, signal) => get("calls", { ...past.query(), limit: 50, offset }, signal));
let timer = null;

export const calls = {
  title: () => t("view.calls"),
  enter({ query }) {
    past.enter(query, () => found.read());
    found.read();
  },
  told(name) {
    if (name !== "pbxes" || timer !== null || !past.span.isLive) return;
    timer = setTimeout(() => {
      timer = null;
      found.read();
    }, 3000);
  },
  leave() {
    clearTimeout(timer);
    timer = null;
    found.stop();
  },
  render() {
    return html`${pastFilters(past, t("calls.subject"))}
      <div class="card">${found.renderPages((items) => callTable(items))}</div>`;
  },
};
