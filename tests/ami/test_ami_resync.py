from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from qualitywatch.ami.answers import Answer, PendingAnswer
from qualitywatch.ami.codec import Decoder
from qualitywatch.ami.resync import (
    CHANNELS,
    LIST_EVENTS,
    SNAPSHOT_LISTS,
    Abilities,
    Access,
    Snapshot,
    access_of,
    channels_alive,
    poll_agent,
    poll_agents,
    resync,
)
from qualitywatch.errors import AmiConnectError
from tests.fakes.scripted_manager import DENIED, UNKNOWN, listing, wire

CAPTURES = Path(__file__).parent.parent / "captures"
CONTACTS = "PJSIPShowRegistrationInboundContactStatuses"

PHONE = {"Channeltype": "SIP", "Dynamic": "yes", "IPaddress": "127.0.0.1", "IPport": "5060"}
SIP_PEERS = listing(
    "PeerEntry",
    [
        {"ObjectName": "6117", **PHONE},
        {"ObjectName": "6118", **PHONE, "IPaddress": "-none-"},
        {"ObjectName": "6119", **PHONE, "IPaddress": "(null)"},
        {"ObjectName": "provider", **PHONE, "Dynamic": "no"},
    ],
    "PeerlistComplete",
)
OK = "Response: Success\nActionID: {id}\n\n"
EMPTY = listing("X", [], "XComplete")


def parse(action: str, text: str) -> Answer:
    """Return what a session makes of an answer on the wire."""
    pending = PendingAnswer(action, 10.0, 0.0)
    for message in Decoder().feed(wire(text.replace("{id}", "1").replace("{name}", action))):
        answer = pending.take(message, 0.0)
        if answer is not None:
            return answer
    return pending.given_up()


class Pbx:
    """Answers from a table, keyed by action or by action and first header value; anything else is an unknown command."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = table
        self.asked: list[str] = []

    async def request(self, action: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        question = f"{action} {headers[0][1]}" if headers else action
        self.asked.append(question)
        return parse(action, self._table.get(question, self._table.get(action, UNKNOWN)))


def abilities(**access: Access) -> Abilities:
    return Abilities(access)


class TestResync:
    async def test_everything_works(self) -> None:
        pbx = Pbx(
            {
                "Events": "Response: Success\nActionID: {id}\nEvents: On\n\n",
                "CoreSettings": "Response: Success\nActionID: {id}\nAsteriskVersion: 20.20.1\n\n",
                "SIPpeers": SIP_PEERS,
                "Getvar": OK,
                **{action: EMPTY for action in SNAPSHOT_LISTS if action != "SIPpeers"},
            }
        )
        snapshot = await resync(pbx, "system,call")
        assert snapshot.sip_peers == ("6117",)  # registered phones only
        assert snapshot.abilities.asterisk_version == "20.20.1"
        assert snapshot.abilities.missing() == ()
        assert all(snapshot.abilities.may(action) for action in SNAPSHOT_LISTS)
        assert pbx.asked[:2] == ["Ping", "Events system,call"]

    async def test_modules_that_are_absent_are_nothing_to_complain_about(self) -> None:
        pbx = Pbx({"SIPpeers": SIP_PEERS, "SIPshowregistry": EMPTY})
        snapshot = await resync(pbx)
        assert snapshot.abilities.missing() == ()
        assert snapshot.abilities.access["IAXpeerlist"] is Access.ABSENT
        assert not snapshot.abilities.may(CONTACTS)
        assert not any(question.startswith("Getvar") for question in pbx.asked)  # no PJSIP, nothing to find out

    async def test_no_write_rights_at_all_names_the_right_to_add(self) -> None:
        snapshot = await resync(Pbx(dict.fromkeys([*SNAPSHOT_LISTS, "CoreSettings", "Getvar"], DENIED)))
        first, second = snapshot.abilities.missing()
        assert "registrations" in first
        assert "add reporting to write=" in first
        assert "User-Agents" in second
        assert snapshot.sip_peers == ()

    async def test_without_the_system_right_the_rest_is_not_complained_about(self) -> None:
        table = {**dict.fromkeys(SNAPSHOT_LISTS, EMPTY), "Getvar": OK, CONTACTS: DENIED}
        snapshot = await resync(Pbx(table))
        assert snapshot.abilities.missing() == ()
        (limit,) = snapshot.abilities.limits()
        assert limit.startswith("addresses and round trips of PJSIP phones until their state changes")

    async def test_a_mask_that_selects_nothing_is_told(self) -> None:
        pbx = Pbx({"Events": "Response: Success\nActionID: {id}\nEvents: Off\n\n"})
        (only,) = (await resync(pbx, "rtcp")).abilities.missing()
        assert "event mask" in only

    async def test_dangerous_actions_are_never_sent(self) -> None:
        pbx = Pbx(dict.fromkeys(SNAPSHOT_LISTS, EMPTY))
        snapshot = await resync(pbx, "call")
        await poll_agents(pbx, snapshot.abilities)
        assert not {"IAXnetstats", "IAXpeers", "PJSIPShowEndpoint", "Command"} & set(pbx.asked)

    async def test_a_lost_connection_ends_it(self) -> None:
        class Gone(Pbx):
            async def request(self, action: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
                raise AmiConnectError("gone")

        with pytest.raises(AmiConnectError):
            await resync(Gone({}))


class TestChannels:
    def test_uniqueids_of_the_list(self) -> None:
        rows = [{"Channel": "SIP/1-1", "Uniqueid": "7.1"}, {"Channel": "SIP/2-2", "Uniqueid": "7.2"}]
        answer = parse(CHANNELS, listing("CoreShowChannel", rows, "CoreShowChannelsComplete"))
        assert channels_alive(answer) == frozenset({"7.1", "7.2"})

    def test_no_calls_is_known_and_no_right_is_unknown(self) -> None:
        assert channels_alive(parse(CHANNELS, listing("CoreShowChannel", [], "CoreShowChannelsComplete"))) == frozenset()
        denied = parse(CHANNELS, DENIED)
        assert channels_alive(denied) is None
        assert abilities().learnt(denied).access[CHANNELS] is Access.DENIED


class TestAgents:
    async def test_every_registered_sip_phone_is_asked_one_by_one(self) -> None:
        pbx = Pbx({"SIPpeers": SIP_PEERS})
        await poll_agents(pbx, abilities(SIPpeers=Access.WORKS))
        assert pbx.asked == ["SIPpeers", "SIPshowpeer 6117"]

    async def test_a_list_just_read_is_not_asked_for_again(self) -> None:
        pbx = Pbx({})
        able = Abilities({"SIPpeers": Access.WORKS, CONTACTS: Access.WORKS})
        await poll_agents(pbx, able, just_read=Snapshot(able, ("6117", "6118")))
        assert pbx.asked == ["SIPshowpeer 6117", "SIPshowpeer 6118"]

    async def test_pjsip_contacts_come_in_one_list_where_the_right_is_there(self) -> None:
        pbx = Pbx({CONTACTS: EMPTY})
        await poll_agents(pbx, Abilities({CONTACTS: Access.WORKS, "Getvar": Access.WORKS}))
        assert pbx.asked == [CONTACTS]

    async def test_without_the_system_right_each_contact_is_asked_for_by_its_id(self) -> None:
        devices = [{"Device": "PJSIP/701"}, {"Device": "SIP/6117"}, {"Device": "PJSIP/out-trunk"}, {"Device": "Queue:x"}]
        pbx = Pbx(
            {
                "DeviceStateList": listing("DeviceStateChange", devices, "DeviceStateListComplete"),
                "Getvar PJSIP_AOR(701,contact)": "Response: Success\nActionID: {id}\nValue: 701;@aa, 701;@bb\n\n",
                "Getvar PJSIP_AOR(out-trunk,contact)": "Response: Success\nActionID: {id}\nValue: out-trunk@@cc\n\n",
                "Getvar": "Response: Success\nActionID: {id}\nValue: \n\n",
            }
        )
        await poll_agents(pbx, Abilities({CONTACTS: Access.DENIED, "Getvar": Access.WORKS}))
        assert pbx.asked == [
            "DeviceStateList",
            "Getvar PJSIP_AOR(701,contact)",
            "Getvar PJSIP_CONTACT(701;@aa,user_agent)",
            "Getvar PJSIP_CONTACT(701;@bb,user_agent)",
            "Getvar PJSIP_AOR(out-trunk,contact)",
        ]

    async def test_a_list_that_was_late_once_is_asked_for_again(self) -> None:
        pbx = Pbx({"SIPpeers": SIP_PEERS, CONTACTS: EMPTY})
        late = Abilities({"SIPpeers": Access.FAILED, CONTACTS: Access.FAILED, "Getvar": Access.FAILED})
        await poll_agents(pbx, late)
        assert pbx.asked == ["SIPpeers", "SIPshowpeer 6117", CONTACTS]

    async def test_where_the_contacts_are_late_the_phones_are_asked_for_one_by_one(self) -> None:
        pbx = Pbx({"DeviceStateList": listing("DeviceStateChange", [{"Device": "PJSIP/701"}], "DeviceStateListComplete")})
        late = Abilities({CONTACTS: Access.FAILED, "Getvar": Access.WORKS})
        await poll_agents(pbx, late, just_read=Snapshot(late, ()))
        assert pbx.asked == ["DeviceStateList", "Getvar PJSIP_AOR(701,contact)"]

    @pytest.mark.parametrize(
        ("peer", "access", "asked"),
        [
            ("SIP/6117", {"SIPpeers": Access.WORKS}, ["SIPshowpeer 6117"]),
            ("SIP/6117", {"SIPpeers": Access.FAILED}, ["SIPshowpeer 6117"]),
            ("SIP/6117", {"SIPpeers": Access.DENIED}, []),
            ("SIP/6117", {"SIPpeers": Access.ABSENT}, []),
            ("PJSIP/701", {CONTACTS: Access.WORKS, "Getvar": Access.DENIED}, [CONTACTS]),
            ("PJSIP/701", {CONTACTS: Access.WORKS, "Getvar": Access.WORKS}, ["Getvar PJSIP_AOR(701,contact)"]),
            ("PJSIP/701", {CONTACTS: Access.WORKS, "Getvar": Access.FAILED}, [CONTACTS]),
            ("PJSIP/701", {CONTACTS: Access.DENIED, "Getvar": Access.FAILED}, ["Getvar PJSIP_AOR(701,contact)"]),
            ("PJSIP/701", {CONTACTS: Access.DENIED, "Getvar": Access.DENIED}, []),
            ("IAX2/branch", {"SIPpeers": Access.WORKS, CONTACTS: Access.WORKS, "Getvar": Access.WORKS}, []),
            ("nonsense", {"SIPpeers": Access.WORKS}, []),
        ],
    )
    async def test_one_peer(self, peer: str, access: Mapping[str, Access], asked: list[str]) -> None:
        pbx = Pbx({})
        await poll_agent(pbx, peer, Abilities(access))
        assert pbx.asked == asked

    async def test_a_name_that_cannot_be_sent_does_not_end_the_round(self) -> None:
        class Strict(Pbx):
            async def request(self, action: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
                if "\0" in headers[0][1]:
                    raise ValueError("NUL cannot be sent")
                return await super().request(action, headers)

        pbx = Strict({})
        able = abilities(SIPpeers=Access.WORKS)
        await poll_agents(pbx, able, just_read=Snapshot(able, ("61\0", "6118")))
        assert pbx.asked == ["SIPshowpeer 6118"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OK, Access.WORKS),
        (DENIED, Access.DENIED),
        (UNKNOWN, Access.ABSENT),
        ("Response: Error\nActionID: {id}\nMessage: No Contacts found\n\n", Access.WORKS),
        ("Response: Error\nActionID: {id}\nMessage: Something else\n\n", Access.FAILED),
        ("", Access.FAILED),
    ],
)
def test_an_answer_tells_the_access(text: str, expected: Access) -> None:
    assert access_of(parse("SIPpeers", text)) is expected


def test_every_recorded_list_item_and_end_passes_a_decoder_that_filters() -> None:
    recorded = (CAPTURES / "asterisk-20/action-responses/input.ami").read_bytes()
    asked_for = {"a0", "a2", "a3", "a9"}  # SIPpeers, SIPshowregistry, PJSIPShowRegistrationsOutbound, CoreShowChannels
    names = {m.name for m in Decoder().feed(recorded) if m.kind == "event" and m.action_id in asked_for}
    assert names - LIST_EVENTS == {"AuthDetail"}
