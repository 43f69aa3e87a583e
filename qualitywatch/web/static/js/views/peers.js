// All peers: filtered, sorted, live.
import { html } from "../html.js";
import { isTalking, PEER_COLUMNS } from "../parts/peer_columns.js";
import { Table } from "../parts/table.js";
import { keepQuery } from "../route.js";
import { changed, key, state } from "../state.js";
import { t, word } from "../words.js";

const STATES = ["registered", "reachable", "lagged", "unreachable", "unregistered", "unknown"];

const table = new Table({
  id: "peers", columns: PEER_COLUMNS, keyOf: (peer) => key(peer.pbx, peer.subject), sort: "name", caption: () => t("peers.caption"),
});
let filter = {};

function matches(peer) {
  const text = (filter.text ?? "").toLocaleLowerCase();
  return (!filter.pbx || peer.pbx === filter.pbx)
    && (!filter.state || peer.state === filter.state)
    && (!filter.trunk || peer.trunk === filter.trunk)
    && (!filter.site || peer.site === filter.site)
    && (!filter.trouble || peer.severity !== null)
    && (!filter.talking || isTalking(peer))
    && (!text || [peer.subject, peer.name, peer.address, peer.user_agent, peer.site].some((each) => each?.toLocaleLowerCase().includes(text)));
}

function set(name, value) {
  filter[name] = value;
  keepQuery(filter);
  changed();
}

export const peers = {
  title: () => t("view.peers"),
  enter({ query }) {
    filter = Object.fromEntries(query);
  },
  render() {
    const found = [...state.peers.values()].filter(matches);
    const check = (name) => html`<label class="check"><input type="checkbox" id="only-${name}" .checked=${Boolean(filter[name])}
      @change=${(event) => set(name, event.target.checked ? "1" : "")}> ${t(`peers.${name}`)}</label>`;
    const choice = (name, label, values, text) => html`<label class="field">${label}
      <select id="filter-${name}" @change=${(event) => set(name, event.target.value)}>
        <option value="">${t("all")}</option>
        ${values.map((value) => html`<option value=${value} ?selected=${filter[name] === value}>${text(value)}</option>`)}</select></label>`;
    // Only where there is a choice, or something chosen that must be seen.
    const chosen = (name, label) => {
      const values = [...new Set([...state.peers.values()].map((peer) => peer[name]).filter(Boolean))].sort();
      if (filter[name] && !values.includes(filter[name])) values.push(filter[name]);
      return values.length > 1 || filter[name] ? choice(name, label, values, (value) => value) : "";
    };
    return html`
      <form class="filters" role="search" @submit=${(event) => event.preventDefault()}>
        <label class="field">${t("peers.filter")}
          <input type="search" data-filter id="filter-text" .value=${filter.text ?? ""} autocomplete="off" spellcheck="false"
            @input=${(event) => set("text", event.target.value)}></label>
        ${choice("state", t("peers.state"), STATES, (value) => word("peer_state", value))}
        ${state.pbxes.length > 1 ? choice("pbx", t("pbx"), state.pbxes.map((pbx) => pbx.name), (value) => value) : ""}
        ${chosen("site", t("col.site"))}${chosen("trunk", t("trunk"))}
        ${check("trouble")}${check("talking")}
        <span class="quiet" id="count" role="status">${t("count.peers", { count: found.length })}</span>
      </form>
      <div class="card">${found.length ? table.render(found) : html`<p>${t("peers.none")}</p>`}</div>`;
  },
};
