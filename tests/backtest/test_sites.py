"""A site in the stored past: the same verdict as live, and the same one message."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from qualitywatch.config import DEFAULT_INHIBITIONS
from qualitywatch.desk.policy import Audience, DeskPolicy
from qualitywatch.model import PbxEvent
from qualitywatch.store.backends.rollup import ROLLUP_FILE
from qualitywatch.store.past import Past
from qualitywatch.testing.feed import Progress, feed
from qualitywatch.testing.fitness import fitness, judged, metrics_of
from qualitywatch.testing.retrial import Retrial
from tests.backtest.world import SHIPPED, live, retry, told
from tests.test_pipeline_sites import SITE, at_once, phone

RULES = ("loss", "site-loss", "pbx-loss")


def story() -> list[tuple[float, Sequence[PbxEvent]]]:
    events = at_once(*SITE, phone(205, to=7, lasts=200), phone(230, site="10.20.32"))
    return [(at, tuple(found)) for at, found in groupby(events, key=lambda event: event.at)]


def test_a_site_is_found_again_and_is_one_message(tmp_path: Path) -> None:
    lived = live(tmp_path, story(), rest_s=400)
    retrial, exact = retry(lived)
    assert set(RULES) <= set(exact)
    assert told(retrial.transitions, RULES) == lived.told(RULES)
    assert [each for each in lived.told(["site-loss"]) if each[2] == "firing"]

    found = [fitness(spec, has_journal=True) for spec in SHIPPED if spec.name in RULES]
    policy = DeskPolicy(audiences=(Audience("chat"),), inhibitions=DEFAULT_INHIBITIONS)
    again = Retrial("office", judged(found), policy)
    metrics, all_sums = metrics_of(found)
    past = Past.open(lived.directory / ROLLUP_FILE)
    for item in feed(
        past, "office", lived.began_at, lived.ended_at + 1, metrics=metrics, all_sums=all_sums, progress=Progress()
    ):
        again.hear(item)
    again.advance(lived.ended_at)
    past.close()
    assert sum(each.messages for each in again.told) == 1
    assert {member.key.rule for incident in again.incidents.values() for member in incident.members} == {"loss", "site-loss"}
