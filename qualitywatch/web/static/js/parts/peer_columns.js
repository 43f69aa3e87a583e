// Columns of tables of peers.
import { milliseconds, percent, score } from "../format.js";
import { html, nothing } from "../html.js";
import { largest, severityOf, smallest } from "../limits.js";
import { t } from "../words.js";
import { marked, maybeSeverity, peerSign } from "./sign.js";
import { subjectLink } from "./subject.js";

const RANK = { info: 1, warning: 2, critical: 3 };

const isNamed = (site) => site !== null && !site.includes("/"); // a bare network says no more than the address
const jitter = (peer) => largest(peer.to_peer.jitter_ms, peer.from_peer.jitter_ms);
const mos = (peer) => smallest(peer.to_peer.mos, peer.from_peer.mos);
const lossCell = (side) => marked(percent(side.loss_percent), severityOf("loss_percent", side.loss_percent));

const NAME = { id: "name", label: "peer", isHead: true, value: (peer) => peer.subject, cell: (peer) => subjectLink(peer.pbx, peer.subject) };
const SOUND = [
  { id: "loss_to", label: "col.loss_to", number: true, first: "high", value: (peer) => peer.to_peer.loss_percent, cell: (peer) => lossCell(peer.to_peer) },
  { id: "loss_from", label: "col.loss_from", number: true, first: "high", value: (peer) => peer.from_peer.loss_percent, cell: (peer) => lossCell(peer.from_peer) },
  { id: "mos", label: "col.mos", number: true, value: mos, cell: (peer) => marked(score(mos(peer)), severityOf("mos", mos(peer))) },
  { id: "jitter", label: "col.jitter", number: true, wide: true, first: "high", value: jitter, cell: (peer) => marked(milliseconds(jitter(peer)), severityOf("jitter_ms", jitter(peer))) },
  { id: "rtt", label: "col.rtt", number: true, wide: true, first: "high", value: (peer) => peer.rtt_ms, cell: (peer) => marked(milliseconds(peer.rtt_ms), severityOf("rtt_ms", peer.rtt_ms)) },
];

export const WORST_COLUMNS = [
  NAME, ...SOUND.filter((column) => column.id !== "rtt").map((column) => ({ ...column, value: undefined })),
];
export const PEER_COLUMNS = [
  NAME,
  { id: "state", label: "col.state", brief: true, value: (peer) => peer.state, cell: (peer) => peerSign(peer.state) },
  { id: "severity", label: "col.severity", brief: true, first: "high", value: (peer) => RANK[peer.severity] ?? null, cell: (peer) => maybeSeverity(peer.severity) },
  ...SOUND,
  { id: "agent", label: "col.agent", wide: true, value: (peer) => peer.user_agent, cell: (peer) => peer.user_agent ?? t("none") },
  { id: "address", label: "col.address", wide: true, value: (peer) => peer.address, cell: (peer) => html`${peer.address ?? t("none")}${isNamed(peer.site) ? html`<br><small class="quiet">${peer.site}</small>` : nothing}` },
];

export const isTalking = (peer) => [peer.to_peer, peer.from_peer].some((side) => side.loss_percent !== null || side.jitter_ms !== null || side.mos !== null);
export const worstLoss = (peer) => largest(peer.to_peer.loss_percent, peer.from_peer.loss_percent);
export const worstMos = mos;
