// The page: head, the view of the address, foot. Drawn anew whenever something changed; only what differs is touched.
import { whenLoggedOut } from "./api.js";
import { zoneName } from "./format.js";
import { html, nothing, render } from "./html.js";
import { listenToKeys, moveRow, onKey } from "./keys.js";
import { readNowAndThen } from "./lists.js";
import { help, openHelp } from "./parts/help.js";
import { address, readRoute } from "./route.js";
import { changed, drawBy, firingCount, state } from "./state.js";
import { connect, whenTold } from "./stream.js";
import { nextTheme, theme } from "./theme.js";
import { alerts } from "./views/alerts.js";
import { calls } from "./views/calls.js";
import { overview } from "./views/overview.js";
import { peer } from "./views/peer.js";
import { peers } from "./views/peers.js";
import { queues } from "./views/queues.js";
import { silences } from "./views/silences.js";
import { trunk } from "./views/trunk.js";
import { trunks } from "./views/trunks.js";
import { currentLanguage, nextLanguage, startLanguage, t } from "./words.js";

// A view: title(route), render(route), and where it needs them enter(route), told(name, items), leave(), keys.
const VIEWS = { overview, peers, peer, trunks, trunk, queues, calls, alerts, silences };
const IN_HEAD = ["overview", "peers", "trunks", "queues", "calls", "alerts", "silences"];
const PARENT = { peer: "peers", trunk: "trunks" };
const THEME_SIGN = { auto: "◐", light: "☀", dark: "☾" };

let route = null;
let view = null;

function enter() {
  view?.leave?.();
  const isFirst = route === null;
  route = readRoute();
  view = VIEWS[route.name] ?? VIEWS.overview;
  view.enter?.(route);
  draw();
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  if (isFirst) return;
  document.querySelector("main h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function head() {
  const current = PARENT[route.name] ?? (route.name in VIEWS ? route.name : "overview");
  return html`
    <a class="skip" href="#main" @click=${skip}>${t("skip")}</a>
    <header class="top">
      <div class="bar">
        <a class="brand" href="#/"><img src="/static/icon.svg" alt="">qualitywatch</a>
        <nav class="views" aria-label=${t("views")}>
          ${IN_HEAD.map((name) => html`
            <a href=${address(name)} aria-current=${name === current ? "page" : nothing}>${t(`view.${name}`)}</a>`)}
        </nav>
        <div class="tools">
          <span class="link ${state.link}" id="link">${state.link === "live" ? "●" : "○"} ${t(`link.${state.link}`)}</span>
          <button type="button" id="language" aria-label=${t("language")} title=${t("language")} @click=${switchLanguage}>
            ${t("language.short")}</button>
          <button type="button" id="theme" aria-label=${t(`theme.${theme()}`)} title=${t(`theme.${theme()}`)}
            @click=${nextTheme}>${THEME_SIGN[theme()]}</button>
          <button type="button" id="help" aria-label=${t("help")} title=${t("help")} @click=${openHelp}>?</button>
        </div>
      </div>
    </header>
    ${state.loggedOut ? html`<div class="banner" role="alert">${t("logged_out")}</div>` : nothing}
    ${state.troubles.length ? html`<div class="banner" id="troubles" role="alert">${t("troubles")}
      ${state.troubles.map((each) => html`<div>${each[currentLanguage()]}</div>`)}</div>` : nothing}`;
}

function draw() {
  if (view === null) return;
  const title = view.title(route);
  const firing = firingCount();
  document.title = `${firing ? `(${firing}) ` : ""}${title} · qualitywatch`;
  render(html`
    ${head()}
    <main id="main" tabindex="-1" data-language=${currentLanguage()}>
      <h1 tabindex="-1">${title}</h1>
      <p class="hidden" role="status">${t("count.alerts", { count: firing })}</p>
      ${state.loaded || state.loggedOut ? view.render(route) : html`<p role="status">${t("loading")}</p>`}
    </main>
    <footer><p>${t("none.meaning")} ${t("footer", { zone: zoneName() })}</p></footer>
    ${help()}
    <div class="note" id="note" role="status"></div>`, document.getElementById("page"));
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function switchLanguage() {
  nextLanguage();
  changed();
}

function listen() {
  IN_HEAD.forEach((name, index) => onKey(String(index + 1), () => {
    location.hash = address(name);
  }));
  onKey("?", openHelp);
  onKey("d", nextTheme);
  onKey("l", switchLanguage);
  onKey("j", () => moveRow(1));
  onKey("k", () => moveRow(-1));
  onKey("/", () => {
    const filter = document.querySelector("main [data-filter]");
    filter?.focus();
    return filter !== null;
  });
  for (const name of ["+", "=", "-", "ArrowLeft", "ArrowRight", "0"]) {
    onKey(name, (event) => view?.keys?.[event.key]?.() ?? false);
  }
  listenToKeys();
}

document.getElementById("page").replaceChildren();
startLanguage();
drawBy(draw);
whenLoggedOut(() => {
  state.loggedOut = true;
  changed();
});
whenTold((name, items) => view?.told?.(name, items, route));
addEventListener("hashchange", enter);
listen();
enter();
connect();
readNowAndThen();
setInterval(changed, 10_000); // durations grow
