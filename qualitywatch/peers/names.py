"""The human name of a peer: from the configuration, else as the PBX knows it.

A channel's caller name belongs to the peer only when its caller number is the peer's own: on a trunk's channel it is a
stranger's name, and a message that blames a stranger misleads.
"""

from __future__ import annotations

from collections.abc import Mapping

from qualitywatch.model import AgentSeen, Channel


class NameBook:
    """Names by subject; configured names always win."""

    def __init__(self, configured: Mapping[str, str]) -> None:
        self._configured = configured
        self._heard: dict[str, str] = {}

    def configure(self, configured: Mapping[str, str]) -> None:
        """Take other configured names; what was heard stays."""
        self._configured = configured

    def hear_channel(self, channel: Channel) -> None:
        """Learn from a channel block."""
        if channel.caller_name is None or not channel.caller_number:
            return
        peer = channel.peer
        if channel.caller_name and peer.partition("/")[2] == channel.caller_number:
            self._heard[peer] = channel.caller_name

    def hear_agent(self, event: AgentSeen) -> None:
        """Learn from the PBX's answer about one peer."""
        if event.name:
            self._heard[event.peer] = event.name

    def name(self, subject: str) -> str | None:
        """The name to print beside ``SIP/6117``, or None."""
        return self._configured.get(subject) or self._heard.get(subject)
