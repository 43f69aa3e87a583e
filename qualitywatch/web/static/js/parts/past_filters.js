// What part of the past is looked at: a PBX, a subject, a span; kept in the address.
import { html } from "../html.js";
import { keepQuery } from "../route.js";
import { state } from "../state.js";
import { t } from "../words.js";
import { Span } from "./span.js";

export class PastQuery {
  constructor() {
    this.fields = {};
    this.onChange = () => {};
    this.span = new Span({ length_s: 86_400, onChange: () => this.onChange() });
  }

  enter(query, onChange) {
    this.fields = Object.fromEntries(query);
    this.onChange = onChange;
  }

  query() {
    const [since, until] = this.span.bounds();
    const { pbx, subject } = this.fields;
    return { pbx, subject, since: Math.max(0, since), until: this.span.isLive ? undefined : until };
  }

  set(name, value) {
    this.fields[name] = value.trim();
    keepQuery(this.fields);
    this.onChange();
  }
}

export function pastFilters(past, label, more = "") {
  return html`
    <form class="filters" role="search" @submit=${(event) => event.preventDefault()}>
      <label class="field">${label}
        <input type="search" data-filter id="filter-subject" list="subjects" .value=${past.fields.subject ?? ""} autocomplete="off"
          spellcheck="false" @change=${(event) => past.set("subject", event.target.value)}></label>
      <datalist id="subjects">${[...state.peers.values()].slice(0, 500).map((peer) => html`<option value=${peer.subject}></option>`)}
        ${[...state.trunks.values()].slice(0, 500).map((trunk) => html`<option value=${trunk.trunk}></option>`)}</datalist>
      ${state.pbxes.length > 1 ? html`<label class="field">${t("pbx")}
        <select id="filter-pbx" @change=${(event) => past.set("pbx", event.target.value)}><option value="">${t("all")}</option>
          ${state.pbxes.map(({ name }) => html`<option value=${name} ?selected=${past.fields.pbx === name}>${name}</option>`)}</select></label>` : ""}
      ${more}
    </form>
    ${past.span.render({ canZoom: true })}`;
}
