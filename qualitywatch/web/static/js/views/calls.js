// Finished calls with both legs.
import { get } from "../api.js";
import { html } from "../html.js";
import { callTable } from "../parts/calls.js";
import { pastFilters, PastQuery } from "../parts/past_filters.js";
import { Pages } from "../parts/reading.js";
import { Soon } from "../parts/soon.js";
import { t } from "../words.js";

const past = new PastQuery();
const found = new Pages((offset, signal) => get("calls", { ...past.query(), limit: 50, offset }, signal));
const news = new Soon(() => found.refresh());

export const calls = {
  title: () => t("view.calls"),
  enter({ query }) {
    past.enter(query, () => found.read());
    found.read();
  },
  told(name) {
    if (name === "pbxes" && past.span.isLive) news.ask();
  },
  leave() {
    news.stop();
    found.stop();
  },
  render() {
    return html`${pastFilters(past, t("calls.subject"))}
      <div class="card">${found.renderPages((items) => callTable(items))}</div>`;
  },
};
