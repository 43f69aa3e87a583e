// The daemon's server-sent events: what changes, as it changes.
import { get } from "./api.js";
import { readAll, readAllSoon, readIncidents, readQueues, readSilences } from "./lists.js";
import { changed, state, takePbxes, takePeers, takeTrunks } from "./state.js";

const RETRY_MS = 5000;
const QUEUES_MS = 5000;

const listeners = new Set();
let source = null;
let queuesAt = -Infinity;

// `call` is told the name of each event and its items.
export function whenTold(call) {
  listeners.add(call);
}

export function connect() {
  source?.close();
  source = new EventSource("/api/v1/stream");
  on("hello", () => {
    state.link = "live";
    state.loggedOut = false;
    readAll({ anew: true }).catch(() => {});
  });
  on("reload", readAllSoon);
  on("pbxes", ({ items, troubles }) => {
    takePbxes(items);
    state.troubles = troubles ?? [];
    if (state.queues.length && performance.now() - queuesAt > QUEUES_MS) {
      queuesAt = performance.now();
      readQueues().catch(() => {});
    }
  });
  on("peers", ({ items }) => takePeers(items));
  on("trunks", ({ items }) => takeTrunks(items));
  on("alerts", ({ items }) => {
    state.alerts = items;
    markSeverities(items);
    readIncidents().catch(() => {});
    readSilences().catch(() => {});
  });
  source.addEventListener("error", lost);
}

function on(name, take) {
  source.addEventListener(name, (event) => {
    const body = JSON.parse(event.data || "{}");
    take(body);
    listeners.forEach((call) => call(name, body.items ?? []));
    changed();
  });
}

// An alert that came or went concerns its peer and trunk, also when nothing else of them changed.
function markSeverities(alerts) {
  const rank = { info: 1, warning: 2, critical: 3 };
  const worst = new Map();
  for (const alert of alerts) {
    const key = `${alert.pbx}\n${alert.subject}`;
    if (alert.state === "firing" && (rank[worst.get(key)] ?? 0) < rank[alert.severity]) worst.set(key, alert.severity);
  }
  for (const each of [state.peers, state.trunks]) {
    for (const [key, item] of each) {
      const severity = worst.get(key) ?? null;
      if (item.severity !== severity) each.set(key, { ...item, severity });
    }
  }
}

async function lost() {
  state.link = "lost";
  changed();
  if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
  try {
    await get("pbxes"); // says whether we are still let in
    state.link = "full";
    changed();
  } catch {
    // Told by the banner, or lost as before.
  }
  setTimeout(connect, RETRY_MS);
}
