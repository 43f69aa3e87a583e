"""The scenarios, by what they disturb: media of single calls, trunks, the PBX itself, logins; and how people answer."""

from tests.live.scenarios import calls, desk, logins, loss, media, oncall, pbx, peers, queues, remedies, trunks, visit

# Each group runs at once; the next begins when all of it is done.
GROUPS = (
    *loss.GROUPS,
    (*media.SCENARIOS, *calls.SCENARIOS, *peers.SCENARIOS, *logins.SCENARIOS, *queues.SCENARIOS),
    media.STORM,
)
# One after the other, beside the groups once nobody speaks over a trunk.
TRUNK_LANE = trunks.LANE
TRUNK_LANE_AFTER = len(loss.GROUPS)
# One after the other, alone: chats and phones that must hear of nobody else's loss, and what disturbs the whole PBX.
ALONE = (*visit.LANE, *desk.LANE, *oncall.LANE, *remedies.LANE, *pbx.LANE)
