"""A scriptable SIP phone in a process of its own: one account, commands on stdin, events on stdout, one JSON object a line.

Strategy: pjsua2 runs without worker threads; one loop hands it its events and carries out one command at a time, so that no
callback ever runs beside another (media has its own clock thread inside the library and is not touched).  Loss is the
library's own simulation: it drops RTP in either direction and never RTCP, about one point more than asked.

``python -m tests.live.phone_process '{"user": "701", ...}'``; the options are the fields of ``phones.PhoneOptions``.
"""

from __future__ import annotations

import json
import os
import select
import sys
from typing import Any

import pjsua2 as pj


def say(event: str, **facts: object) -> None:
    """Print one event line for the parent."""
    print(json.dumps({"event": event, **facts}), flush=True)


class Call(pj.Call):  # type: ignore[misc]  # the library is untyped
    def __init__(self, phone: Phone, number: int, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone, call_id)
        self.phone, self.number = phone, number

    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        say("call", call=self.number, state=info.stateText, code=info.lastStatusCode, remote=info.remoteUri)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.phone.calls.pop(self.number, None)
            self.phone.over.append(self)  # freed in the main loop: not inside its own callback

    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()  # kept: its list of media lives only as long as it does
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.phone.tone.startTransmit(self.getAudioMedia(index))
            say("media", call=self.number, status=int(media.status))

    def onCallTransferStatus(self, prm: Any) -> None:
        say("transfer", call=self.number, code=prm.statusCode, final=bool(prm.finalNotify))

    def onStreamDestroyed(self, prm: Any) -> None:
        self.report()

    def report(self) -> None:
        """Say what this phone itself counted: its reception and what the far end told it."""
        try:
            stat = self.getStreamStat(0).rtcp
        except pj.Error:
            return
        say(
            "stats",
            call=self.number,
            received=stat.rxStat.pkt,
            lost=stat.rxStat.loss,
            discarded=stat.rxStat.discard,
            jitter_ms=stat.rxStat.jitterUsec.mean / 1000,
            sent=stat.txStat.pkt,
            sent_lost=stat.txStat.loss,
        )


class Phone(pj.Account):  # type: ignore[misc]
    """The account, its calls, and the tone it plays into every one of them."""

    def __init__(self, tone: Any) -> None:
        super().__init__()
        self.tone = tone
        self.calls: dict[int, Call] = {}
        self.over: list[Call] = []
        self.dialled = 0
        self.answers = True

    def onRegState(self, prm: Any) -> None:
        say("registration", code=prm.code, active=bool(self.getInfo().regIsActive))

    def onIncomingCall(self, prm: Any) -> None:
        call = self._new(prm.callId)
        say("incoming", call=call.number, remote=call.getInfo().remoteUri)
        if self.answers:
            self.run({"do": "answer", "call": call.number})

    def _new(self, call_id: int = pj.PJSUA_INVALID_ID) -> Call:
        call = Call(self, self.dialled, call_id)
        self.calls[self.dialled] = call
        self.dialled += 1
        return call

    def run(self, command: dict[str, Any]) -> None:
        """Carry out one command; KeyError when the call it names is over."""
        prm = pj.CallOpParam(True)
        call = self.calls[command["call"]] if "call" in command else None
        match command["do"], call:
            case "dial", None:
                self._new().makeCall(command["uri"], prm)
            case "answer", Call() as call:
                prm.statusCode = command.get("code", 200)
                call.answer(prm)
            case "hold", Call() as call:
                call.setHold(prm)
            case "unhold", Call() as call:
                prm.opt.flag = pj.PJSUA_CALL_UNHOLD
                call.reinvite(prm)
            case "reinvite", Call() as call:
                call.reinvite(prm)
            case "transfer", Call() as call:
                call.xfer(command["uri"], prm)
            case "transfer_to", Call() as call:
                call.xferReplaces(self.calls[command["target"]], prm)
            case "digits", Call() as call:
                call.dialDtmf(command["digits"])  # RFC 4733
            case "stats", Call() as call:
                call.report()
            case "hangup", Call() as call:
                call.hangup(prm)
            case "answering", None:
                self.answers = command["on"]
            case "register", None:
                self.setRegistration(command["renew"])
            case unknown:
                raise ValueError(f"no such command: {unknown}")


def endpoint_for(options: dict[str, Any]) -> Any:
    """Start the library on 127.0.0.1 with a null sound device; returns the endpoint."""
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = options["log_level"]
    config.uaConfig.userAgent = options["user_agent"]
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.medConfig.noVad = not options["silence_suppression"]
    config.medConfig.txDropPct = options["tx_drop_percent"]
    config.medConfig.rxDropPct = options["rx_drop_percent"]
    config.medConfig.jbMax = 500  # ms; a phone meant for jitter must not throw packets away
    endpoint.libInit(config)
    transport = pj.TransportConfig()
    transport.port = options["sip_port"]
    transport.boundAddress = transport.publicAddress = "127.0.0.1"
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    for codec in endpoint.codecEnum2():
        endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith(options["codec"]) else 0)
    if options["frames_per_packet"] != 2:
        for codec in endpoint.codecEnum2():
            if codec.codecId.startswith(options["codec"]):
                param = endpoint.codecGetParam(codec.codecId)
                param.setting.frmPerPkt = options["frames_per_packet"]
                endpoint.codecSetParam(codec.codecId, param)
    return endpoint


def tone_for(options: dict[str, Any]) -> Any:
    """A 440 Hz tone: without a break, or 1 s on and 2 s off for a phone that suppresses silence."""
    tone = pj.ToneGenerator()
    tone.createToneGenerator(8000, 1)
    desc = pj.ToneDesc()
    desc.freq1, desc.freq2, desc.on_msec = 440, 0, 1000
    desc.off_msec = 2000 if options["silence_suppression"] else 0
    descs = pj.ToneDescVector()
    descs.append(desc)
    tone.play(descs, True)
    return tone


def account_for(options: dict[str, Any]) -> Any:
    """The registration and where media is received: ``media_address`` is a relay's when one stands in between."""
    config = pj.AccountConfig()
    config.idUri = f"sip:{options['user']}@127.0.0.1:{options['registrar_port']}"
    config.regConfig.registrarUri = f"sip:127.0.0.1:{options['registrar_port']}"
    config.regConfig.timeoutSec = 60
    config.regConfig.retryIntervalSec = 2
    config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", options["user"], 0, options["password"]))
    media = config.mediaConfig
    media.transportConfig.boundAddress = "127.0.0.1"
    media.transportConfig.publicAddress = options["media_address"]
    media.transportConfig.port = options["rtp_port"]
    if options["srtp"]:
        media.srtpUse = pj.PJMEDIA_SRTP_MANDATORY
        media.srtpSecureSignaling = 0
    return config


def main() -> None:
    options = json.loads(sys.argv[1])
    endpoint = endpoint_for(options)
    phone = Phone(tone_for(options))
    phone.create(account_for(options))
    buffer = b""
    running = True
    while running:
        endpoint.libHandleEvents(20)
        phone.over.clear()
        if not select.select([0], [], [], 0)[0]:
            continue
        chunk = os.read(0, 65536)
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            try:
                phone.run(json.loads(line))
            except (pj.Error, KeyError) as error:
                say("error", command=line.decode(), reason=getattr(error, "reason", repr(error)))
        running = bool(chunk)  # the parent closed its end, or is gone
    endpoint.hangupAllCalls()
    for _ in range(25):
        endpoint.libHandleEvents(20)
    phone.shutdown()
    phone.over.clear()
    phone.calls.clear()
    endpoint.libDestroy()
    os._exit(0)  # the library's destructors race with the interpreter's


if __name__ == "__main__":
    main()
