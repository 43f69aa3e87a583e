// Silences: made, seen, ended.
import { remove } from "../api.js";
import { moment } from "../format.js";
import { html } from "../html.js";
import { readSilences } from "../lists.js";
import { say } from "../note.js";
import { SilenceForm } from "../parts/silence_form.js";
import { Table } from "../parts/table.js";
import { state } from "../state.js";
import { t, word } from "../words.js";

const form = new SilenceForm("silence");

// Silences are of the wall clock, not of a PBX.
const wallNow = () => Date.now() / 1000;

async function expire(silence) {
  try {
    await remove(`silences/${silence.id}`);
    say(t("silence.expired", { id: silence.id }));
    await readSilences();
  } catch (failure) {
    say(failure.message);
  }
}

function what(silence) {
  const severities = silence.severities.map((each) => word("severity", each));
  return [...silence.subjects, ...silence.rules, ...silence.pbxes, ...severities].join(", ");
}

const table = new Table({
  id: "silences",
  sort: "until",
  caption: () => t("silences.now"),
  keyOf: (silence) => silence.id,
  columns: [
    { id: "what", label: "col.what", isHead: true, cell: (silence) => html`<span class="subject">${what(silence)}</span>` },
    {
      id: "until", label: "col.until", number: true, value: (silence) => silence.ends.unix,
      cell: (silence) => html`${moment(silence.ends.unix, wallNow())}${silence.is_in_force || silence.starts === null ? ""
        : html`<br><small class="quiet">${t("silence.to_come", { time: moment(silence.starts.unix, wallNow()) })}</small>`}`,
    },
    { id: "by", label: "col.by", wide: true, cell: (silence) => silence.by },
    { id: "comment", label: "col.comment", cell: (silence) => silence.comment },
    {
      id: "end", label: "col.end", cell: (silence) => html`<button type="button" aria-label=${t("silence.expire.of", { id: silence.id })}
        @click=${() => expire(silence)}>${t("silence.expire")}</button>`,
    },
  ],
});

export const silences = {
  title: () => t("view.silences"),
  enter() {
    readSilences().catch(() => {});
  },
  render({ query }) {
    return html`
      <section class="card" aria-labelledby="new-head"><h2 id="new-head">${t("silences.new")}</h2>
        ${form.render({
          subjects: query.get("subjects") ?? "", pbx: query.get("pbx") ?? "", without: Number(query.get("without")) || 0,
        })}</section>
      <section class="card" aria-labelledby="now-head"><h2 id="now-head">${t("silences.now")}</h2>
        ${state.silences.length ? table.render(state.silences) : html`<p>${t("silences.none")}</p>`}</section>`;
  },
};
