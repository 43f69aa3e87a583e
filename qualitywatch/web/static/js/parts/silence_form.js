// The form that makes a silence.
import { post } from "../api.js";
import { html, nothing } from "../html.js";
import { readSilences } from "../lists.js";
import { say } from "../note.js";
import { changed, state } from "../state.js";
import { t, word } from "../words.js";

const LASTS_S = [1_800, 3_600, 14_400, 28_800, 86_400, 604_800];
const USUAL_S = 3_600;

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

  render({ subjects = "", pbx = "" } = {}) {
    const error = `${this.id}-error`;
    const option = (value, text, chosen = "") => html`<option value=${value} ?selected=${value === chosen}>${text}</option>`;
    return html`
      <form class="form" id=${this.id} @submit=${(event) => this.send(event)}>
        <label class="field whole">${t("silence.subjects")}
          <input name="subjects" value=${subjects} autocomplete="off" spellcheck="false" aria-describedby="${this.id}-hint ${error}">
          <small class="quiet" id="${this.id}-hint">${t("silence.subjects.hint")}</small></label>
        <label class="field">${t("silence.rule")}
          <select name="rule">${option("", t("any"))}${state.rules.map((rule) => option(rule.name, rule.name))}</select></label>
        <label class="field">${t("silence.pbx")}
          <select name="pbx">${option("", t("any"))}${state.pbxes.map(({ name }) => option(name, name, pbx))}</select></label>
        <label class="field">${t("silence.severity")}
          <select name="severity">${option("", t("any"))}
            ${["info", "warning", "critical"].map((each) => option(each, word("severity", each)))}</select></label>
        <label class="field">${t("silence.lasts")}
          <select name="lasts">${LASTS_S.map((each) => html`
            <option value=${each} ?selected=${each === USUAL_S}>${t(`silence.lasts.${each}`)}</option>`)}</select></label>
        <label class="field whole">${t("silence.comment")}<input name="comment" maxlength="500" autocomplete="off"></label>
        <p class="error whole" id=${error} role="alert">${this.error || nothing}</p>
        <div class="row whole"><button class="main" ?disabled=${this.isSending}>${t("silence.make")}</button>
          <span class="quiet">${t("silence.explained")}</span></div>
      </form>`;
  }
}

// Commas part selectors, but not within a regular expression.
export function selectors(text) {
  return (text.match(/\/(?:[^/\\]|\\.)*\/(?=\s*(?:,|$))|[^,]+/g) ?? []).map((each) => each.trim()).filter(Boolean);
}
