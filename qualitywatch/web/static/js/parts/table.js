// A table that can be sorted and scrolled sideways, drawn in chunks so that thousands of rows cost no more than the first.
import { html, nothing, repeat } from "../html.js";
import { changed } from "../state.js";
import { t } from "../words.js";

const CHUNK = 100;

export class Table {
  // columns: {id, label, cell(item), value(item)?, first?: what comes first ("low", "high"), number?, isHead?,
  //          wide?: not on a phone, brief?: signs without words on a phone}
  constructor({ id, columns, keyOf, caption, sort = null, isCaptionHidden = false }) {
    Object.assign(this, { id, columns, keyOf, caption, sort, isCaptionHidden });
    this.shown = CHUNK;
    this.isReversed = false;
    this.observer = null;
  }

  render(items) {
    const sorted = this.sorted(items);
    const rows = sorted.slice(0, this.shown);
    const caption = this.caption();
    queueMicrotask(() => this.watchEnd());
    return html`
      <div class="scroll" role="region" tabindex="0" aria-label=${t("table.scroll", { what: caption })}>
        <table class="list" id=${this.id}>
          <caption class=${this.isCaptionHidden ? "hidden" : ""}><span>${caption}</span></caption>
          <thead><tr>${this.columns.map((column) => this.heading(column))}</tr></thead>
          <tbody>${repeat(rows, this.keyOf, (item) => this.row(item))}</tbody>
        </table>
      </div>
      ${sorted.length > rows.length ? html`
        <p><button type="button" id="${this.id}-more" @click=${() => this.grow()}>${t("more")}</button>
          <span class="quiet">${t("count.shown", { shown: rows.length, count: sorted.length })}</span></p>` : nothing}`;
  }

  row(item) {
    return html`<tr>${this.columns.map((column) => (column.isHead
      ? html`<th scope="row" class=${this.classOf(column)}>${column.cell(item)}</th>`
      : html`<td class=${this.classOf(column)}>${column.cell(item)}</td>`))}</tr>`;
  }

  heading(column) {
    const label = t(column.label);
    if (!column.value) return html`<th scope="col" class=${this.classOf(column)}>${label}</th>`;
    const isSorted = this.sort === column.id;
    const isRising = (column.first ?? "low") === "low" ? !this.isReversed : this.isReversed;
    const order = isSorted ? (isRising ? "ascending" : "descending") : "none";
    return html`<th scope="col" class=${this.classOf(column)} aria-sort=${order}>
      <button type="button" title=${t("sort.by", { what: label })} @click=${() => this.sortBy(column.id)}>${label}
        <span aria-hidden="true">${isSorted ? (isRising ? "▲" : "▼") : ""}</span></button></th>`;
  }

  classOf(column) {
    return `${column.number ? "number" : ""}${column.wide ? " wide" : ""}${column.brief ? " brief" : ""}`;
  }

  sortBy(id) {
    this.isReversed = this.sort === id ? !this.isReversed : false;
    this.sort = id;
    changed();
  }

  // What nobody knows comes last, whichever way it is sorted; equals keep their order.
  sorted(items) {
    const column = this.columns.find((each) => each.id === this.sort);
    if (!column?.value) return items;
    const sign = ((column.first ?? "low") === "low" ? 1 : -1) * (this.isReversed ? -1 : 1);
    return items.map((item, index) => [column.value(item), index, item]).sort(([a, i], [b, j]) => {
      if (a === null || b === null) return (a === null) - (b === null) || i - j;
      const order = typeof a === "string" ? compare(a, b) : a - b;
      return sign * order || i - j;
    }).map(([, , item]) => item);
  }

  grow() {
    this.shown += CHUNK;
    changed();
  }

  // Whoever scrolls to the end sees more without a press.
  watchEnd() {
    const end = document.getElementById(`${this.id}-more`);
    if (end === this.end) return;
    this.observer?.disconnect();
    this.end = end;
    if (end === null) return;
    this.observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.grow();
    }, { rootMargin: "300px" });
    this.observer.observe(end);
  }
}

const { compare } = new Intl.Collator(undefined, { numeric: true });
