// A span of time: one that ends now and moves along, or one that was chosen and stays.
import { dateTime, time } from "../format.js";
import { html } from "../html.js";
import { changed, nowAt } from "../state.js";
import { t } from "../words.js";

export const LENGTHS_S = [900, 3_600, 21_600, 86_400, 604_800, 2_592_000];
const SHORTEST_S = 30;
const LONGEST_S = 100 * 86_400;

export class Span {
  constructor({ pbx, length_s = 3_600, onChange }) {
    this.pbx = pbx;
    this.length_s = length_s;
    this.until = null; // null: now
    this.onChange = onChange;
  }

  get isLive() {
    return this.until === null;
  }

  bounds() {
    const until = this.until ?? nowAt(this.pbx);
    return [until - this.length_s, until];
  }

  set(from, to) {
    const now = nowAt(this.pbx);
    this.length_s = Math.min(Math.max(to - from, SHORTEST_S), LONGEST_S);
    const until = (from + to + this.length_s) / 2;
    this.until = until >= now - 1 ? null : until;
    this.onChange();
    changed();
  }

  last(length_s) {
    this.length_s = length_s;
    this.until = null;
    this.onChange();
    changed();
  }

  zoom(factor) {
    const [from, to] = this.bounds();
    const length_s = (to - from) * factor;
    if (this.isLive) this.set(to - Math.max(length_s, SHORTEST_S), to);
    else this.set((from + to - length_s) / 2, (from + to + length_s) / 2);
  }

  move(share) {
    const [from, to] = this.bounds();
    this.set(from + (to - from) * share, to + (to - from) * share);
  }

  now() {
    this.last(this.length_s);
  }

  get keys() {
    return {
      "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5),
      "-": () => this.zoom(2),
      ArrowLeft: () => this.move(-0.5),
      ArrowRight: () => this.move(0.5),
      0: () => this.now(),
    };
  }

  render({ canZoom = true } = {}) {
    const [from, to] = this.bounds();
    const told = to - from < 43_200 && nowAt(this.pbx) - from < 43_200 ? time : dateTime; // both alike
    const button = (id, sign, act) => html`
      <button type="button" aria-label=${t(`zoom.${id}`)} title=${t(`zoom.${id}`)} @click=${act}>${sign}</button>`;
    return html`
      <div class="ranges" role="group" aria-label=${t("range")}>
        ${LENGTHS_S.map((length_s) => html`
          <button type="button" aria-pressed=${String(this.isLive && this.length_s === length_s)}
            @click=${() => this.last(length_s)}>${t(`range.${length_s}`)}</button>`)}
        ${canZoom ? html`
          ${button("earlier", "←", () => this.move(-0.5))}${button("later", "→", () => this.move(0.5))}
          ${button("in", "+", () => this.zoom(0.5))}${button("out", "−", () => this.zoom(2))}` : ""}
        ${this.isLive ? "" : html`<button type="button" id="now" @click=${() => this.now()}>${t("zoom.now")}</button>`}
        <span class="quiet" id="span">${t("zoom.shown", { from: told(from), to: told(to) })}</span>
      </div>`;
  }
}
