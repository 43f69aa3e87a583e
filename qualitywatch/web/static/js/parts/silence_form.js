// The form that makes a silence.
import { post } from "../api.js";
import { html, nothing, repeat } from "../html.js";
import { readSilences } from "../lists.js";
import { say } from "../note.js";
import { changed, state } from "../state.js";
import { t, word } from "../words.js";

const LASTS_S = [1_800, 3_600, 14_400, 28_800, 86_400, 604_800];
const USUAL_S = 3_600;
export const MAX_SELECTORS = 100; // the API takes no more

// One form, wherever it stands; `filled` is what its fields begin with.
export class SilenceForm {
  constructor(id) {
    this.id = id;
    this.error = "";
    this.isSending = false;
  }

  async send(event) {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    const one = (name) => (given.get(name) ? [given.get(name)] : []);
    const wish = {
      subjects: selectors(given.get("subjects")),
      rules: one("rule"), pbxes: one("pbx"), severities: one("severity"),
      duration_s: Number(given.get("lasts")), comment: given.get("comment").trim(),
    };
    this.error = "";
    if (![wish.subjects, wish.rules, wish.pbxes, wish.severities].some((each) => each.length)) {
      this.error = t("silence.nothing");
      changed();
      form.elements.subjects.focus();
      return;
    }
    this.isSending = true;
    changed();
    try {
      const made = await post("silences", wish);
      say(t("silence.made", { id: made.id }));
      form.reset();
      await readSilences();
    } catch (failure) {
      this.error = failure.message;
    }
    this.isSending = false;
    changed();
  }

  // What was typed for one subject must not be left over for the next. `without` says how many more were meant.
  render({ subjects = "", pbx = "", without = 0 } = {}) {
    const about = JSON.stringify([subjects, pbx, without]);
    if (about !== this.about) this.error = "";
    this.about = about;
    return repeat([about], (each) => each, () => this.form(subjects, pbx, without));
  }

  form(subjects, pbx, without) {
    const error = `${this.id}-error`;
    const option = (value, text, chosen = "") => html`<option value=${value} ?selected=${value === chosen}>${text}</option>`;
    const named = (name) => `${this.id}-${name}`;
    const choice = (name, label, first, options) => html`<div class="field"><label for=${named(name)}>${label}</label>
      <select name=${name} id=${named(name)}>${first}${options}</select></div>`;
    const any = option("", t("any"));
    const rules = state.rules.map((rule) => option(rule.name, rule.name));
    const pbxes = state.pbxes.map(({ name }) => option(name, name, pbx));
    const severities = ["info", "warning", "critical"].map((each) => option(each, word("severity", each)));
    const lasts = LASTS_S.map((each) => option(each, t(`silence.lasts.${each}`), USUAL_S));
    return html`
      <form class="form" id=${this.id} @submit=${(event) => this.send(event)}>
        <div class="field whole"><label for=${named("subjects")}>${t("silence.subjects")}</label>
          <input name="subjects" id=${named("subjects")} value=${subjects} autocomplete="off" spellcheck="false"
            aria-describedby="${named("hint")} ${error}">
          <small class="quiet" id=${named("hint")}>${t("silence.subjects.hint")}</small>
          ${without > 0 ? html`<p class="error" role="status">${t("silence.without", { count: without })}</p>` : nothing}</div>
        ${choice("rule", t("silence.rule"), any, rules)}
        ${choice("pbx", t("silence.pbx"), any, pbxes)}
        ${choice("severity", t("silence.severity"), any, severities)}
        ${choice("lasts", t("silence.lasts"), "", lasts)}
        <div class="field whole"><label for=${named("comment")}>${t("silence.comment")}</label>
          <input name="comment" id=${named("comment")} maxlength="500" autocomplete="off"></div>
        <p class="error whole" id=${error} role="alert">${this.error || nothing}</p>
        <div class="row whole"><button class="main" ?disabled=${this.isSending}>${t("silence.make")}</button>
          <span class="quiet">${t("silence.explained")}</span></div>
      </form>`;
  }
}

// Commas part selectors, but not within a regular expression.
export function selectors(text) {
  return (text.match(/\s*\/(?:[^/\\]|\\.)*\/(?=\s*(?:,|$))|[^,]+/g) ?? []).map((each) => each.trim()).filter(Boolean);
}
