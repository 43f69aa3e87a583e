// The help: every shortcut, and the switch for them.
import { html } from "../html.js";
import { areKeysOn, switchKeys } from "../keys.js";
import { changed } from "../state.js";
import { t } from "../words.js";

const KEYS = [
  [["1", "…", "7"], "help.views"],
  [["/"], "help.filter"],
  [["j", "k"], "help.rows"],
  [["Enter"], "help.open"],
  [["+", "−"], "help.zoom"],
  [["←", "→"], "help.move"],
  [["0"], "help.now"],
  [["d"], "help.theme"],
  [["l"], "help.language"],
  [["?"], "help.help"],
  [["Esc"], "help.escape"],
];

export function openHelp() {
  document.getElementById("help-dialog").showModal();
}

export function help() {
  return html`
    <dialog id="help-dialog" aria-labelledby="help-title">
      <h2 id="help-title">${t("help.title")}</h2>
      <dl class="keys">
        ${KEYS.map(([names, text]) => html`
          <dt>${names.map((name) => (name === "…" ? " … " : html`<kbd>${name}</kbd> `))}</dt><dd>${t(text)}</dd>`)}
      </dl>
      <div class="row">
        <label class="check"><input type="checkbox" .checked=${areKeysOn()} @change=${flip}> ${t("help.on")}</label>
        <span class="grow"></span>
        <form method="dialog"><button class="main">${t("close")}</button></form>
      </div>
    </dialog>`;
}

function flip(event) {
  switchKeys(event.target.checked);
  changed();
}
