"""A PBX for ``doctor``: rights that are enforced, a list of what may be sent, a clock, calls with their reports, and faults.

A ``ScriptedManager`` with the answers of an Asterisk 20; the events of a ``Call`` come in one go with their own times, so that
half a minute on the phone takes no half minute.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.fakes.scripted_manager import DENIED, FULLY_BOOTED, Action, Reply, ScriptedManager, listing

# main/manager.c and res_pjsip of Asterisk 20, those that tell one class from another.
ACTIONS: Mapping[str, frozenset[str]] = {
    "WaitEvent": frozenset(),
    "ModuleLoad": frozenset({"system"}),
    "Hangup": frozenset({"system", "call"}),
    "Redirect": frozenset({"call"}),
    "Getvar": frozenset({"call", "reporting"}),
    "CoreShowChannels": frozenset({"system", "reporting"}),
    "SIPpeers": frozenset({"system", "reporting"}),
    "SIPshowpeer": frozenset({"system", "reporting"}),
    "DeviceStateList": frozenset({"call", "reporting"}),
    "PJSIPShowRegistrationsOutbound": frozenset({"system", "reporting"}),
    "PJSIPShowRegistrationInboundContactStatuses": frozenset({"system"}),
    "Originate": frozenset({"originate"}),
    "Command": frozenset({"command"}),
    "GetConfig": frozenset({"system", "config"}),
    "UpdateConfig": frozenset({"config"}),
    "ListCommands": frozenset(),
    "CoreSettings": frozenset({"system", "reporting"}),
}


@dataclass(frozen=True)
class Call:
    """Somebody on the phone for ``lasts_s``, with an RTCPSent every ``every_s`` and what the phone says for itself."""

    peer: str = "PJSIP/101"
    lasts_s: float = 31.0
    every_s: float = 5.0
    sent: bool = True
    received: bool = True
    codec: str | None = "ulaw"


@dataclass
class DoctorPbx:
    """``read`` and ``write`` are the rights.

    ``hidden`` peers have a channel that is only in the last list, ``vanishing`` ones are not in it; ``drops`` are events.
    """

    read: Collection[str] = ("system", "call", "reporting", "security")
    write: Collection[str] = ("reporting",)
    calls: Sequence[Call] = (Call(),)
    clock_ahead_s: float = 0.0
    stamped: bool = True
    drops: Collection[str] = ()
    hidden: Sequence[str] = ()
    vanishing: Sequence[str] = ()
    direct_media: Mapping[str, bool] = field(default_factory=lambda: {"PJSIP/101": False})
    sip_peers: Mapping[str, bool] = field(default_factory=dict)
    lists_commands: bool = True
    _lists: int = 0
    _calls_began: bool = False

    def manager(self, **answers: Reply) -> ScriptedManager:
        """The server; ``answers`` go before its own."""
        return ScriptedManager({**self.answers(), **answers})

    def answers(self) -> dict[str, Reply]:
        """What it answers, as ``ScriptedManager`` takes it."""
        return {
            "login": self._login,
            "ping": self._ping,
            "coresettings": self._allowed("CoreSettings", "Response: Success\nActionID: {id}\nAsteriskVersion: 20.20.1\n\n"),
            "listcommands": self._commands,
            "coreshowchannels": self._channels,
            "devicestatelist": self._allowed(
                "DeviceStateList",
                listing(
                    "DeviceStateChange",
                    [{"Device": name, "State": "INUSE"} for name in self.direct_media],
                    "DeviceStateListComplete",
                ),
            ),
            "getvar": self._getvar,
            "sippeers": self._allowed(
                "SIPpeers", listing("PeerEntry", [{"ObjectName": name} for name in self.sip_peers], "PeerlistComplete")
            ),
            "sipshowpeer": self._sip_peer,
            "pjsipshowregistrationsoutbound": self._allowed(
                "PJSIPShowRegistrationsOutbound",
                listing("OutboundRegistrationDetail", [], "OutboundRegistrationDetailComplete"),
            ),
            "pjsipshowregistrationinboundcontactstatuses": self._allowed(
                "PJSIPShowRegistrationInboundContactStatuses",
                listing("ContactStatusDetail", [], "ContactStatusDetailComplete"),
            ),
        }

    def _may(self, action: str) -> bool:
        classes = ACTIONS[action]
        return not classes or bool(classes & set(self.write))

    def _allowed(self, action: str, answer: str) -> str:
        return answer if self._may(action) else DENIED

    def _login(self, action: Action) -> str:
        booted = FULLY_BOOTED if "system" in self.read else ""
        own = self._event("SuccessfulAuth", "security", Service="AMI", AccountID=action["username"])
        return "Response: Success\nActionID: {id}\nMessage: Authentication accepted\n\n" + booted + own

    def _ping(self, action: Action) -> str:
        return f"Response: Success\nActionID: {action['actionid']}\nPing: Pong\nTimestamp: {self._now():.6f}\n\n"

    def _commands(self, action: Action) -> str:
        if not self.lists_commands:
            return (
                "Response: Error\nActionID: {id}\nMessage: Invalid/unknown command: ListCommands. Use Action: ListCommands\n\n"
            )
        lines = "".join(
            f"{name}: Does something.  (Priv: {','.join([*sorted(classes), 'all']) if classes else '<none>'})\n"
            for name, classes in ACTIONS.items()
            if self._may(name)
        )
        self._calls_began = True
        # What happens during the call comes right behind: the next thing doctor does is to listen.
        return f"Response: Success\nActionID: {action['actionid']}\n{lines}\n" + "".join(map(self._told, self.calls))

    def _channels(self, action: Action) -> str:
        if not self._may("CoreShowChannels"):
            return DENIED
        self._lists += 1
        hidden = self.hidden if self._lists > 2 else ()  # the snapshot and the first look come before
        rows = [{"Channel": f"{peer}-000000ff", "Uniqueid": f"9.{peer}", "ChannelStateDesc": "Up"} for peer in hidden]
        if self._calls_began:
            rows += [
                {"Channel": f"{call.peer}-0000004f", "Uniqueid": _uniqueid(call), "ChannelStateDesc": "Up"}
                for call in self.calls
                if call.peer not in self.vanishing
            ]
        return listing("CoreShowChannel", rows, "CoreShowChannelsComplete")

    def _getvar(self, action: Action) -> str:
        if not self._may("Getvar"):
            return DENIED
        value = ""
        for name, is_on in self.direct_media.items():
            if action["variable"] == f"PJSIP_ENDPOINT({name.removeprefix('PJSIP/')},direct_media)":
                value = "true" if is_on else "false"
        return f"Response: Success\nActionID: {action['actionid']}\nVariable: {action['variable']}\nValue: {value}\n\n"

    def _sip_peer(self, action: Action) -> str:
        is_on = self.sip_peers[action["peer"]]
        return f"Response: Success\nActionID: {action['actionid']}\nSIP-DirectMedia: {'Y' if is_on else 'N'}\n\n"

    def _told(self, call: Call) -> str:
        began_at = self._now() - call.lasts_s
        block = {
            "Channel": f"{call.peer}-0000004f",
            "ChannelStateDesc": "Up",
            "Uniqueid": _uniqueid(call),
            "Linkedid": _uniqueid(call),
            **({"ChanVariable": f"CHANNEL(audioreadformat)={call.codec}"} if call.codec else {}),
        }
        told = self._event("Newchannel", "call", at=began_at, **{**block, "ChannelStateDesc": "Ring"})
        told += self._event("Newstate", "call", at=began_at, **block) + self._event("VarSet", "dialplan", at=began_at, **block)
        report = {
            "To": "198.51.100.7:17001",
            "From": "192.0.2.10:11873",
            "SSRC": "0x5b1c9a04",
            "PT": "201(RR)",
            "ReportCount": "1",
            "Report0SourceSSRC": "0x1f3d77c2",
            "Report0FractionLost": "0",
            "Report0CumulativeLost": "0",
            "Report0HighestSequence": "41210",
            "Report0SequenceNumberCycles": "0",
            "Report0IAJitter": "37",
            "Report0LSR": "932047227",
            "Report0DLSR": "1.2910",
        }
        passed_s = call.every_s
        while passed_s <= call.lasts_s:
            at = began_at + passed_s
            told += self._event("RTCPSent", "reporting", at=at, **block, **report) if call.sent else ""
            told += self._event("RTCPReceived", "reporting", at=at + 0.4, **block, **report) if call.received else ""
            passed_s += call.every_s
        return told + self._event("Newexten", "dialplan", at=began_at + call.lasts_s, **block)

    def _event(self, name: str, classes: str, *, at: float | None = None, **headers: str) -> str:
        if name in self.drops or not {classes} <= {*self.read, "dialplan"}:
            return ""
        stamp = f"Timestamp: {self._now() if at is None else at:.6f}\n" if self.stamped else ""
        lines = "".join(f"{key}: {value}\n" for key, value in headers.items())
        return f"Event: {name}\nPrivilege: {classes},all\n{stamp}{lines}\n"

    def _now(self) -> float:
        return time.time() + self.clock_ahead_s


def _uniqueid(call: Call) -> str:
    return f"1767225600.{call.peer.partition('/')[2]}"
