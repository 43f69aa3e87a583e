// What the page knows, kept fresh by the stream; whoever changes it calls `changed`, and the page is drawn once for all of it.
export const state = {
  link: "connecting", // connecting, live, lost, full
  loggedOut: false,
  loaded: false,
  pbxes: [],
  troubles: [], // of the daemon itself, a sentence by language each
  peers: new Map(), // by key
  trunks: new Map(), // by key
  queues: [],
  alerts: [],
  incidents: [],
  silences: [],
  rules: [],
};

export const key = (pbx, subject) => `${pbx}\n${subject}`;

const clocks = new Map(); // PBX to what its clock said, and when we were told
let draw = () => {};
let isAsked = false;

export function drawBy(call) {
  draw = call;
}

export function changed() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    draw();
  });
}

// For what cannot wait until the window is painted.
export const drawNow = () => draw();

export function takePbxes(items, { all = false } = {}) {
  for (const pbx of items) clocks.set(pbx.name, { unix: pbx.now.unix, told: performance.now() });
  if (all) {
    state.pbxes = items;
    return;
  }
  const fresh = new Map(items.map((pbx) => [pbx.name, pbx]));
  state.pbxes = state.pbxes.map((pbx) => fresh.get(pbx.name) ?? pbx);
}

export function takePeers(items, { all = false } = {}) {
  if (all) state.peers = new Map();
  for (const peer of items) state.peers.set(key(peer.pbx, peer.subject), peer);
}

export function takeTrunks(items, { all = false } = {}) {
  if (all) state.trunks = new Map();
  for (const trunk of items) state.trunks.set(key(trunk.pbx, trunk.trunk), trunk);
}

// What time it is at a PBX; without one, at the PBX whose clock is ahead.
export function nowAt(pbx) {
  const told = pbx === undefined ? [...clocks.values()] : [clocks.get(pbx)].filter(Boolean);
  if (!told.length) return Date.now() / 1000;
  return Math.max(...told.map((clock) => clock.unix + (performance.now() - clock.told) / 1000));
}

export function nameOf(pbx, subject) {
  const found = state.peers.get(key(pbx, subject)) ?? state.trunks.get(key(pbx, subject));
  return found?.name ?? null;
}

export function firingCount() {
  return state.alerts.filter((alert) => alert.state === "firing").length;
}
