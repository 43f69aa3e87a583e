"""Links from messages into Grafana: the right dashboard, the right choice, the right time; nothing without Grafana."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qualitywatch.grafana import names
from qualitywatch.grafana.panels import Board
from qualitywatch.grafana.registry import BOARDS
from qualitywatch.model import Form, Incident, MemberState
from qualitywatch.notify.composition import TEXT_LIMIT_UTF16
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.legible import utf16_units
from qualitywatch.notify.render import notification
from tests.fakes.telegram_html import visible_text
from tests.notify.build import SINCE, bulletin, incident, member
from tests.notify.situations import anna

GRAFANA = Dashboards("https://grafana.example.org/sub")


def link(shown: Incident, dashboards: Dashboards = GRAFANA) -> tuple[str, dict[str, str]]:
    parts = urlsplit(dashboards.address(shown))
    assert f"{parts.scheme}://{parts.netloc}" == "https://grafana.example.org"
    return parts.path.removeprefix("/sub/d/"), {name: texts[0] for name, texts in parse_qs(parts.query).items()}


def test_a_phone_is_shown_on_its_own_dashboard_from_before_it_began_until_now() -> None:
    shown = incident(anna())
    board, chosen = link(shown)
    assert board == names.PEER
    since = f"{(shown.opened_at - 900) * 1000:.0f}"
    assert chosen == {"var-pbx": "office", "var-peer": "SIP/6117", "from": since, "to": "now"}


def test_what_is_over_ends_a_quarter_of_an_hour_later() -> None:
    over = replace(incident(anna()), closed_at=SINCE + 600)
    assert link(over)[1]["to"] == f"{(SINCE + 1500) * 1000:.0f}"


@pytest.mark.parametrize(
    ("topic", "subject", "board", "variable"),
    [
        ("trunk_state", "SIP/100@sip.example.org", names.TRUNK, "var-trunk"),
        ("delivered", "PJSIP/provider", names.TRUNK, "var-trunk"),
        ("trunk_loss", "SIP/100@sip.example.org", names.TRUNK, "var-trunk"),
        ("site_loss", "192.0.2.0/24", names.SITE, "var-site"),
        ("peer_state", "IAX2/branch", names.PEER, "var-peer"),
        ("user_agent", "SIP/105", names.PEER, "var-peer"),
        ("audio_state", "SIP/105", names.PEER, "var-peer"),
        ("covered_fall", "SIP/105", names.PEER, "var-peer"),
        ("pbx_state", "office", names.OVERVIEW, None),
        ("pbx_loss", "office", names.OVERVIEW, None),
        ("login_failed", "203.0.113.7", names.OVERVIEW, None),
        ("queue_callers", "support", names.OVERVIEW, None),
    ],
)
def test_each_kind_of_trouble_has_its_dashboard(topic: str, subject: str, board: str, variable: str | None) -> None:
    found, chosen = link(incident(member(topic, subject)))
    assert found == board
    assert chosen.get(variable or "") == (subject if variable else None)
    assert set(chosen) == {"var-pbx", "from", "to"} | ({variable} if variable else set())


def test_several_phones_are_shown_together() -> None:
    assert link(incident(anna(), member("loss_percent", "SIP/6118")))[0] == names.OVERVIEW


def test_calls_of_a_peer_are_shown_with_the_registration_it_carries() -> None:
    known = replace(GRAFANA, trunk_of=lambda pbx, subject: "SIP/100@sip.example.org" if subject == "SIP/provider" else None)
    board, chosen = link(incident(member("answered", "SIP/provider")), known)
    assert (board, chosen["var-trunk"]) == (names.TRUNK, "SIP/100@sip.example.org")


@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
@example(name="SIP/ö&b=c d#%+<>\"'")
def test_any_name_comes_through_whole(name: str) -> None:
    assert link(incident(member("loss_percent", name)))[1]["var-peer"] == name


@given(name=st.text(max_size=2000), opened_at=st.floats(), closed_at=st.none() | st.floats())
@example(name="\udcff", opened_at=0.0, closed_at=None)
@example(name="a", opened_at=1.7e308, closed_at=-1.7e308)
def test_whatever_is_told_its_link_is_whole_and_never_in_the_way(name: str, opened_at: float, closed_at: float | None) -> None:
    odd = replace(incident(member("loss_percent", name)), opened_at=opened_at, closed_at=closed_at)
    shown = notification(bulletin(odd), "en", show_pbx=False, zone=UTC, dashboards=GRAFANA)
    assert shown.plain.splitlines()[-1] == f"charts: {GRAFANA.address(odd)}"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.title)
def test_a_dashboard_has_the_variables_that_links_choose(board: Board) -> None:
    chosen = {names.PEER: "peer", names.TRUNK: "trunk", names.SITE: "site"}
    assert {"pbx", chosen.get(board.uid, "pbx")} <= {variable.name for variable in board.variables}


def test_the_link_is_the_last_line_and_its_only_difference() -> None:
    told = bulletin(incident(anna()))
    without = notification(told, "en", show_pbx=False, zone=UTC)
    shown = notification(told, "en", show_pbx=False, zone=UTC, dashboards=GRAFANA)
    *before, last = shown.plain.splitlines()
    assert "\n".join(before) == without.plain
    assert last == f"charts: {GRAFANA.address(told.incidents[0])}"
    assert "grafana" not in without.html and shown.looks != without.looks
    assert "&amp;from=" in shown.html.splitlines()[-1], "an address is escaped like any text"
    russian = notification(told, "ru", show_pbx=False, zone=UTC, dashboards=GRAFANA)
    assert russian.plain.splitlines()[-1].startswith("графики: https://grafana.example.org/sub/d/")


@pytest.mark.parametrize("form", [Form.SUPERSEDED, Form.DIGEST])
def test_only_living_messages_carry_it(form: Form) -> None:
    told = bulletin(incident(anna()), form=form)
    plain = notification(told, "en", show_pbx=False, zone=UTC)
    assert notification(told, "en", show_pbx=False, zone=UTC, dashboards=GRAFANA) == plain


def test_a_full_message_still_fits_and_keeps_its_link() -> None:
    many = incident(*(member("loss_percent", f"SIP/{number}", name="N" * 60) for number in range(300)))
    shown = notification(bulletin(many), "en", show_pbx=True, zone=UTC, dashboards=GRAFANA)
    assert utf16_units(visible_text(shown.html)) <= TEXT_LIMIT_UTF16
    assert shown.plain.splitlines()[-1].endswith("&to=now")


def test_an_open_incident_keeps_its_link() -> None:
    calm = incident(anna())
    worse = replace(calm, members=(replace(anna(), state=MemberState.FIRING),), revision=9)
    assert GRAFANA.address(calm) == GRAFANA.address(worse)
