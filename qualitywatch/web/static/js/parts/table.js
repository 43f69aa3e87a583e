// A table that can be sorted and scrolled sideways. Of thousands of rows only the chunks near the window are in the page, so that
// what changes all of them costs no more than what changes the first; of the others their height keeps the place.
import { html, nothing, repeat } from "../html.js";
import { changed, drawNow } from "../state.js";
import { t } from "../words.js";

const CHUNK = 50;
const NEAR = "1500px"; // drawn before somebody scrolls there

// On paper nobody scrolls.
let isPrinted = false;
for (const [event, is] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    isPrinted = is;
    drawNow();
  });
}

export class Table {
  // columns: {id, label, cell(item), value(item)?, first?: what comes first ("low", "high"), number?, isHead?,
  //          wide?: not on a phone, brief?: signs without words on a phone}
  constructor({ id, columns, keyOf, caption, sort = null, isCaptionHidden = false }) {
    Object.assign(this, { id, columns, keyOf, caption, sort, isCaptionHidden });
    this.shown = CHUNK;
    this.isReversed = false;
    this.away = new Map(); // chunk that is not near to the height of a row of it
    this.watched = new Set();
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: NEAR });
  }

  render(items) {
    const sorted = this.sorted(items);
    const rows = sorted.slice(0, this.shown);
    const caption = this.caption();
    queueMicrotask(() => this.watch());
    return html`
      <div class="scroll" role="region" tabindex="0" aria-label=${t("table.scroll", { what: caption })}>
        <table class="list" id=${this.id}>
          <caption class=${this.isCaptionHidden ? "hidden" : ""}><span>${caption}</span></caption>
          <thead><tr>${this.columns.map((column) => this.heading(column))}</tr></thead>
          ${this.chunks(rows)}
        </table>
      </div>
      ${sorted.length > rows.length ? html`
        <p><button type="button" id="${this.id}-more" @click=${() => this.grow()}>${t("more")}</button>
          <span class="quiet">${t("count.shown", { shown: rows.length, count: sorted.length })}</span></p>` : nothing}`;
  }

  chunks(rows) {
    const count = Math.ceil(rows.length / CHUNK);
    return Array.from({ length: count }, (_, index) => {
      const some = rows.slice(index * CHUNK, (index + 1) * CHUNK);
      const height = count > 1 && !isPrinted ? this.away.get(index) : undefined;
      return html`<tbody data-chunk=${index} @wanted=${() => this.bring(index)}>${height === undefined
        ? repeat(some, this.keyOf, (item) => this.row(item))
        : html`<tr aria-hidden="true"><td colspan=${this.columns.length} height=${Math.round(height * some.length)}></td></tr>`}</tbody>`;
    });
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

  // Somebody goes there before the window does.
  bring(chunk) {
    if (this.away.delete(chunk)) drawNow();
  }

  // Also the button at the end: whoever scrolls there sees more without a press.
  watch() {
    const found = document.querySelectorAll(`#${this.id} > tbody, #${this.id}-more`);
    const now = new Set(found.length > 1 ? found : []); // a single chunk is always drawn
    for (const each of this.watched) if (!now.has(each)) this.observer.unobserve(each);
    for (const each of now) if (!this.watched.has(each)) this.observer.observe(each);
    this.watched = now;
  }

  seen(entries) {
    // Where somebody scrolls fast one chunk came and went: what counts, and can be measured, is where it is now.
    const last = new Map(entries.map((entry) => [entry.target, entry]));
    for (const { target, isIntersecting, boundingClientRect } of last.values()) {
      if (target.dataset.chunk === undefined) {
        if (!isIntersecting) continue;
        this.observer.unobserve(target); // and asked anew: it may be near still
        this.watched.delete(target);
        this.grow();
        continue;
      }
      const chunk = Number(target.dataset.chunk);
      if (isIntersecting) {
        if (this.away.delete(chunk)) changed();
      } else if (target.isConnected && !this.away.has(chunk) && !target.contains(document.activeElement)) {
        this.away.set(chunk, boundingClientRect.height / target.rows.length);
        changed();
      }
    }
  }
}

const { compare } = new Intl.Collator(undefined, { numeric: true });
