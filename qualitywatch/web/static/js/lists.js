// Reads whole lists into the state: when the stream begins, when it says that too much changed, and now and then.
import { get, getAll } from "./api.js";
import { changed, state, takePbxes, takePeers, takeTrunks } from "./state.js";

const AGAIN_S = 5; // not more often than this, however much changes
const EVERY_S = 30; // figures of the last minute fade without a word

let lastAt = -Infinity;
let waiting = null;

// With `anew`, also the rules: they change only when the daemon starts, and then the stream begins anew.
export async function readAll({ anew = false } = {}) {
  lastAt = performance.now();
  const [pbxes, peers, trunks, alerts] = await Promise.all([
    get("pbxes"), getAll("peers"), getAll("trunks"), getAll("alerts"), readIncidents(), readSilences(), readQueues(),
  ]);
  takePbxes(pbxes.items, { all: true });
  state.troubles = pbxes.troubles;
  takePeers(peers, { all: true });
  takeTrunks(trunks, { all: true });
  state.alerts = alerts;
  if (anew || !state.rules.length) state.rules = (await get("rules")).items;
  state.loaded = true;
  changed();
}

export function readAllSoon() {
  if (waiting !== null) return;
  const rest_ms = Math.max(0, AGAIN_S * 1000 - (performance.now() - lastAt));
  waiting = setTimeout(() => {
    waiting = null;
    readAll().catch(() => {});
  }, rest_ms);
}

export async function readIncidents() {
  state.incidents = (await get("incidents", { state: "all", limit: 200 })).items;
  changed();
}

export async function readSilences() {
  state.silences = await getAll("silences");
  changed();
}

export async function readQueues() {
  state.queues = await getAll("queues");
  changed();
}

export function readNowAndThen() {
  setInterval(() => {
    if (state.link === "live" && !document.hidden) readAllSoon();
  }, EVERY_S * 1000);
}
