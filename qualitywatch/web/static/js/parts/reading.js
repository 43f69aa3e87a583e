// Something that is read from the daemon for a view: what came, why not, and no answer to a question of before.
import { html } from "../html.js";
import { changed } from "../state.js";
import { t } from "../words.js";

export class Reading {
  constructor(ask) {
    this.ask = ask; // (signal) => Promise
    this.value = null;
    this.error = "";
    this.controller = null;
    this.isBusy = false;
  }

  async read() {
    this.controller?.abort();
    const controller = new AbortController();
    this.controller = controller;
    this.isBusy = true;
    try {
      const value = await this.ask(controller.signal);
      if (controller.signal.aborted) return;
      this.value = value;
      this.error = "";
    } catch (failure) {
      if (failure.name === "AbortError" || controller.signal.aborted) return;
      this.error = failure.message;
    }
    this.isBusy = false;
    changed();
  }

  stop() {
    this.controller?.abort();
  }

  render(show) {
    if (this.value === null) {
      return this.error ? html`<p class="error" role="alert">${t("failed", { why: this.error })}</p>` : html`<p class="quiet">${t("loading")}</p>`;
    }
    return html`${this.error ? html`<p class="error" role="alert">${t("failed", { why: this.error })}</p>` : ""}${show(this.value)}`;
  }
}

// A long list, page by page. News read its first page anew only until somebody asked for older ones: whoever looks back
// must not lose what he looks at.
export class Pages extends Reading {
  // ask(offset, signal) returns a page of the API.
  constructor(ask) {
    super(async (signal) => {
      const page = await ask(0, signal);
      return { items: page.items, next: page.next_offset };
    });
    this.askPage = ask;
    this.isGrown = false;
    this.isGrowing = false;
  }

  read() {
    this.isGrown = false;
    this.isGrowing = false;
    this.reading = super.read();
    return this.reading;
  }

  // There are news of what it lists.
  refresh() {
    if (!this.isGrown && !this.isBusy) this.read();
  }

  async more() {
    if (this.isGrowing) return;
    this.isGrown = true;
    this.isGrowing = true;
    await this.reading; // what news began to read would replace the list afterwards
    if (!this.isGrowing) return; // something else is asked for by now
    const { signal } = this.controller;
    const { items, next } = this.value;
    try {
      const page = await this.askPage(next, signal);
      if (signal.aborted) return;
      this.value = { items: [...items, ...page.items], next: page.next_offset };
      this.error = "";
    } catch (failure) {
      if (failure.name === "AbortError" || signal.aborted) return;
      this.error = failure.message;
    }
    this.isGrowing = false;
    changed();
  }

  renderPages(show) {
    return this.render(({ items, next }) => html`${show(items)}
      ${next === null ? "" : html`<p><button type="button" @click=${() => this.more()}>${t("older")}</button></p>`}`);
  }
}
