"""Answers to commands: goldens in both languages, and what is said when a wish cannot be read."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from qualitywatch.chat.assistant import Access
from qualitywatch.chat.registry import COMMANDS, menu
from qualitywatch.chat.tables import TABLE_COLUMNS, columns_of
from qualitywatch.chat.texts import LANGUAGES, texts_of
from qualitywatch.model import Acknowledgement, Mute, MuteKind, PeerState, Silence
from qualitywatch.notify.texts import LANGUAGES as ALERT_LANGUAGES
from qualitywatch.ports import FailingPart, FedDatabase
from qualitywatch.room import PeerView
from tests.chat.build import CHAT, LOSS, NOW, TRUNK, USERS, Desk, busy_room, lossy, office, point
from tests.chat.room import MemoryRoom
from tests.fakes.telegram_html import visible_text

GOLDEN = Path(__file__).parent / "golden"
TRANSCRIPT = (
    "/start",
    "/status",
    "/alerts",
    "/trunks",
    "/peer 6117",
    "/peer Boris <b> 24h",
    "/peer 6120",
    "/peer 74993801",
    "/peer 6130 2h",
    "/peer 6119",
    "/peer 61",
    "/worst",
    "/worst mos 7d",
    "/worst rtt",
    "/worst jiter",
    "/report",
    "/silence 6117 2h new <cable>",
    "/silence rule=loss pbx=office until 08:00",
    "/silence all 30m",
    "/silence 6119 2h",
    "/silence 6117",
    "/silences",
    "/status",
    "/unsilence 7",
    "/unsilence 2",
    "/unsilence 2",
    "/unsilence all",
    "/unsilence all",
    "/silences",
    "/lang",
    "/lang de",
    "/silnce",
)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_conversation_reads_as_agreed(language: str, update_golden: bool) -> None:
    desk = Desk(busy_room(), language=language)
    desk.room.open[1] = replace(
        LOSS,
        ack=Acknowledgement("Boris", NOW - 300),
        members=tuple(replace(one, mute=Mute(MuteKind.SILENCE, "1", NOW + 3600, "Boris")) for one in LOSS.members),
    )
    answers = [(text, await desk.say(text)) for text in TRANSCRIPT]
    assert [visible_text(answer.html) for _, answer in answers] == [answer.plain for _, answer in answers]
    told = "\n".join(f">>> {text}\n{answer.html}\n" for text, answer in answers)
    path = GOLDEN / f"conversation.{language}.txt"
    if update_golden:
        path.write_text(told, encoding="utf-8")
    assert told == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/", "no command"),
        ("/statsu", "Near it: /status"),
        ("/peer", "Which phone"),
        ("/peer 6117 99d", "99d is no time"),
        ("/peer Ana", "Near it: SIP/6117"),
        ("/peer *1*2*3*4", "selects nothing"),
        ("/worst lost", "Near it: loss"),
        ("/worst 5x", "5x is no time"),
        ("/report week", "week is no time"),
        ("/silence", "Silence for what?"),
        ("/silence 6117 until noon", "noon is not a time"),
        ("/silence pbx=offce 2h", "Near it: office"),
        ("/silence peer=6119 2h", "Nobody here is called 6119"),
        ("/silence ruel=loss 2h", "Near it: rule"),
        ("/silence severity=bad 2h", "info, warning, critical"),
        ("/unsilence", "/silences lists them"),
        ("/unsilence SIP/6117", "no silence SIP/6117"),
        ("/lang de", "Near it: en, ru"),
    ],
)
async def test_an_error_says_what_was_wrong_and_what_works(text: str, says: str) -> None:
    desk = Desk(busy_room())
    plain = (await desk.say(text)).plain
    assert says in plain
    assert desk.room.quiet == []
    await desk.say("/silence all 1h")  # something to end
    for example in plain.rpartition("This works:\n")[2].split("\n"):
        assert "This works" not in (await desk.say(example)).plain, example


async def test_a_silence_the_desk_refuses_is_explained() -> None:
    desk = Desk(busy_room())
    desk.room.refuse_silence = "no rule is called lose"
    assert "This silence cannot be: no rule is called lose" in (await desk.say("/silence rule=lose 2h")).plain


async def test_a_silence_is_made_for_whom_it_was_asked() -> None:
    desk = Desk(busy_room())
    for text in ("/silence anna 2h", "/silence OFFICE 2h", "/silence all 2h", "/silence SIP/61* 2h", "/silence peer=6117 2h"):
        await desk.say(text)
    made = [(one.subjects, one.pbxes, one.by, one.ends_at) for one in desk.room.quiet]
    ends = NOW + 7200
    assert made == [
        (("SIP/6117",), (), "Anna", ends),
        ((), ("office",), "Anna", ends),
        ((), ("*",), "Anna", ends),
        (("SIP/61*",), (), "Anna", ends),
        (("SIP/6117",), (), "Anna", ends),
    ]


async def test_examples_are_taken_from_the_house() -> None:
    view = office(name="branch", peers=(PeerView("PJSIP/701", None, PeerState.REACHABLE, NOW),))
    desk = Desk(MemoryRoom(NOW, [view]))
    assert (await desk.say("/silence")).plain.split("\n")[2:] == [
        "/silence PJSIP/701 2h new cable",
        "/silence rule=loss pbx=branch until 08:00",
        "/silence PJSIP/70* 30m",
        "/silence all 30m",
    ]


async def test_quiet_may_be_meant_for_one_pbx() -> None:
    desk = Desk(MemoryRoom(NOW, [office(), office(name="branch")]))
    await desk.say("/silence BRANCH:6117 2h")
    assert [(one.subjects, one.pbxes) for one in desk.room.quiet] == [(("SIP/6117",), ("branch",))]


async def test_quiet_for_whom_two_pbxes_have_is_asked_about_and_never_covers_more_than_was_named() -> None:
    desk = Desk(MemoryRoom(NOW, [office(), office(name="branch")]))
    asked = (await desk.say("/silence 6117 2h")).plain
    assert "office:SIP/6117" in asked and "branch:SIP/6117" in asked
    assert desk.room.quiet == []
    await desk.say("/silence office:SIP/6117 branch:SIP/6118 2h")
    assert [(one.subjects, one.pbxes) for one in desk.room.quiet] == [
        (("SIP/6117",), ("office",)),
        (("SIP/6118",), ("branch",)),
    ]


async def test_quiet_is_never_made_for_somebody_who_was_guessed() -> None:
    desk = Desk(busy_room())
    assert "Nobody here is called Ann" in (await desk.say("/silence Ann 2h")).plain
    assert desk.room.quiet == []


async def test_of_the_same_number_on_two_pbxes_one_is_chosen() -> None:
    branch = office(name="branch", peers=(PeerView("SIP/6117", "Clara", PeerState.LAGGED, NOW - 60),), trunks=())
    desk = Desk(MemoryRoom(NOW, [office(), branch]))
    plain = (await desk.say("/peer 6117")).plain
    assert "Choose:\noffice:SIP/6117\nbranch:SIP/6117\n" in plain
    assert (await desk.say("/peer branch:SIP/6117")).plain.startswith("Clara SIP/6117 [branch]\n")
    assert (await desk.say("/peer clara")).plain.startswith("Clara SIP/6117 [branch]\n")


async def test_a_pbx_that_cannot_be_seen_says_since_when_and_claims_nothing() -> None:
    desk = Desk(MemoryRoom(NOW, [office(is_seen=False, since_at=NOW - 420)]))
    plain = (await desk.say("/status")).plain
    assert "🔴 office: cannot be seen since 03:05 (7 min)" in plain
    assert "as it was seen last" in plain
    assert "calls now" not in plain
    assert "cannot be seen" in (await desk.say("/trunks")).plain
    assert "cannot be seen" in (await desk.say("/peer 6117")).plain


async def test_a_daemon_that_cannot_store_says_so_and_why() -> None:
    desk = Desk(MemoryRoom(NOW, [office()], ails=["state.db: the disk is full: free some space"]))
    assert (
        "🔴 Nothing can be stored at present; alerts are told all the same. state.db: the disk is full"
        in (await desk.say("/status")).plain
    )


async def test_a_part_that_a_bug_ends_again_and_again_is_said() -> None:
    room = MemoryRoom(NOW, [office()], failing=[FailingPart("poll office", "ValueError at session.py:88", 3)])
    english = (await Desk(room).say("/status")).plain
    assert "🔴 Part “poll office” stumbles over a mistake of this program and is begun again, times so far: 3." in english
    assert "ValueError at session.py:88" in english
    russian = (await Desk(room, language="ru").say("/status")).plain
    assert "🔴 Часть «poll office» споткнулась об ошибку этой программы и запускается снова, уже раз: 3. ValueError" in russian


async def test_a_target_that_takes_nothing_is_named_with_the_reason() -> None:
    why = 'target "duty": Telegram does not let the bot write to the chat -5 (Forbidden): add it to the chat or unblock it'
    room = MemoryRoom(NOW, [office()], silent=[why])
    assert f"🔴 Messages do not arrive; they are kept and tried again. {why}" in (await Desk(room).say("/status")).plain
    assert "🔴 Сообщения не доходят; храним их" in (await Desk(room, language="ru").say("/status")).plain


async def test_what_a_database_does_not_get_is_said_and_counted() -> None:
    away = FedDatabase(
        "influx", waiting=5210, lost=40, refused=0, trouble="InfluxDB at https://i.example.org cannot be reached"
    )
    fed = [away, FedDatabase("vm", 0, 0, 0)]
    plain = (await Desk(MemoryRoom(NOW, [office()], fed=fed)).say("/status")).plain
    assert "🔴 influx: nothing can be written there at present, readings waiting on disk: 5210. InfluxDB at https://i" in plain
    assert "🔴 influx: readings lost since the start, there was no room on disk or it damaged them: 40" in plain
    assert "refused" not in plain and "vm" not in plain, "nothing is said of what goes well"
    fed[0] = FedDatabase("influx", 0, 0, 7)
    russian = (await Desk(MemoryRoom(NOW, [office()], fed=fed), language="ru").say("/status")).plain
    assert "🔴 influx: измерений, которые база не приняла, с запуска: 7" in russian
    assert "ждёт на диске" not in russian


async def test_an_empty_house_answers_too() -> None:
    desk = Desk(MemoryRoom(NOW, [office(peers=(), trunks=(), calls=0)]))
    assert "Trunks: none" in (await desk.say("/status")).plain
    assert (await desk.say("/alerts")).plain == "No open incidents."
    assert (await desk.say("/trunks")).plain == "No registrations with providers."
    assert "No measured calls" in (await desk.say("/worst")).plain
    assert "No measured calls" in (await desk.say("/report")).plain
    assert "Nobody here is called 6117." in (await desk.say("/peer 6117")).plain


async def test_no_reports_are_never_zero_percent() -> None:
    room = busy_room()
    room.points = {("office", "SIP/6120"): [point(NOW - 300, packets=None)]}
    desk = Desk(room)
    for text in ("/peer 6120", "/worst", "/report"):
        plain = (await desk.say(text)).plain
        assert "quality unknown" in plain
        assert "0.0" not in plain
    assert "0 of 1 that had calls sent reports" in (await desk.say("/report")).plain


async def test_one_short_call_does_not_lead_the_list() -> None:
    plain = (await Desk(busy_room()).say("/worst")).plain
    assert "SIP/6130" not in plain
    assert "not compared: 1" in plain
    assert plain.index("SIP/6117") < plain.index("SIP/mango") < plain.index("SIP/6118")


async def test_worst_names_ten_and_keeps_its_tables_narrow() -> None:
    room = busy_room()
    room.points = {("office", f"PJSIP/a-very-long-trunk-name-{number}"): lossy(number + 0.5) for number in range(25)}
    answer = await Desk(room).say("/worst")
    table = answer.html.partition("<pre>")[2].partition("</pre>")[0].split("\n")
    assert len(table) == 11
    assert all(columns_of(line) <= TABLE_COLUMNS for line in table)
    assert table[1].split()[0] == "24.50"


async def test_a_peer_comes_with_its_chart() -> None:
    desk = Desk(busy_room(), picture=b"png")
    answer = await desk.say("/peer 6117 1h")
    assert answer.picture == b"png"
    assert "█" not in answer.plain
    assert (desk.asked[0].since, desk.asked[0].until, desk.asked[0].shaded) == (NOW - 3600, NOW, ((NOW - 720, None),))


async def test_a_language_is_chosen_for_one_chat_and_remembered() -> None:
    desk = Desk(busy_room(), access=Access(USERS, frozenset({CHAT, -2})))
    assert (await desk.say("/lang ru")).plain == "Теперь этот чат читает по-русски, тревоги тоже."
    assert desk.remembered == [(CHAT, "ru")]
    assert (await desk.say("/lang")).plain.startswith("Этот чат читает по-русски.")
    assert (await desk.say("/lang", chat=-2)).plain.startswith("This chat reads English.")


async def test_a_thousand_incidents_are_still_one_message() -> None:
    desk = Desk(busy_room())
    desk.room.open = [TRUNK, *(replace(LOSS, id=number) for number in range(100, 1100))]
    answer = await desk.say("/alerts")
    assert len(answer.html.encode("utf-16-le")) // 2 <= 4096
    assert answer.plain.split("\n")[-1].endswith("more lines")
    assert answer.plain.startswith("#11 ")


async def test_silences_to_come_and_of_incidents_are_listed() -> None:
    desk = Desk(busy_room())
    desk.room.quiet = [
        Silence(1, NOW + 7200, "Boris", NOW, NOW + 3600, rules=("loss",)),
        Silence(2, NOW + 3600, "Anna", NOW, incident=12),
    ]
    plain = (await desk.say("/silences")).plain
    assert "#1 rule=loss until 05:12, from 04:12, Boris" in plain
    assert "#2 incident #12 until 04:12, Anna" in plain


def test_the_menu_is_what_telegram_takes() -> None:
    for language in LANGUAGES:
        entries = menu(language)
        assert [name for name, _ in entries] == [entry.name for entry in COMMANDS]
        assert all(name.isascii() and name.islower() and len(name) <= 32 and 1 <= len(about) <= 256 for name, about in entries)
    assert menu("en") != menu("ru")


def test_both_languages_say_the_same_things() -> None:
    assert LANGUAGES == ALERT_LANGUAGES
    english, russian = texts_of("en"), texts_of("ru")
    assert _blanks(english) == _blanks(russian)


def _blanks(value: Any, path: str = "") -> dict[str, frozenset[str]]:
    """The names to be filled in, by place."""
    if is_dataclass(value):
        parts = [(field.name, getattr(value, field.name)) for field in fields(value)]
    elif isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, tuple):
        return {path: frozenset()}  # plural forms differ in number
    else:
        return {path: frozenset(name for _, name, _, _ in Formatter().parse(value) if name is not None)}
    return {place: names for name, part in parts for place, names in _blanks(part, f"{path}.{name}").items()}
