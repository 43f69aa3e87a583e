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

// A long list, page by page.
export class Pages extends Reading {
  // ask(offset, signal) returns a page of the API.
  constructor(ask) {
    super(async (signal) => {
      const page = await ask(0, signal);
      return { items: page.items, next: page.next_offset };
    });
    this.askPage = ask;
  }

  async more() {
    const { items, next } = this.value;
    try {
      const page = await this.askPage(next, this.controller.signal);
      this.value = { items: [...items, ...page.items], next: page.next_offset };
    } catch (failure) {
      this.error = failure.message;
    }
    changed();
  }

  renderPages(show) {
    return this.render(({ items, next }) => html`${show(items)}
      ${next === null ? "" : html`<p><button type="button" @click=${() => this.more()}>${t("older")}</button></p>`}`);
  }
}
