"""Media that is not simply lossy: jitter, codecs, SRTP, silence suppression, direct media, one-way audio, short calls."""

from __future__ import annotations

import asyncio
from functools import partial

from tests.live.ami import Message
from tests.live.opus_phone import opus_call
from tests.live.relay import Spoil
from tests.live.scenarios.loss import CALL_S, SAID_WITHIN_S
from tests.live.stage import ENDINGS, Scenario, Stage, alarms, number_of, value_of

JITTER_WARNING_MS = 30  # the default rules
JITTER_CALL_S = 80  # the estimate and the window start from 0, and packets of 60 ms are few
JITTER_WITHIN_S = 78
EDIT_EVERY_S = 10  # a message is edited no more often
STORM_MESSAGES = 3
ONE_WAY_WITHIN_S = 12 + EDIT_EVERY_S


async def _jitter_to(stage: Stage, jitter_ms: float, packet_ms: int) -> None:
    """A clean phone calls one whose relay delays what it is sent; only the one leg may be named."""
    caller_peer, spoilt = stage.take(2, variant="phone" if packet_ms == 20 else "long")
    frames = {"frames_per_packet": packet_ms // 10}
    to_phone = Spoil(jitter_ms=jitter_ms, packet_ms=packet_ms)
    async with (
        stage.b.relay(spoilt, to_phone=to_phone, from_phone=Spoil()),
        stage.phones((spoilt, {"relayed": True, **frames}), (caller_peer, frames)) as (_, caller),
    ):
        call = await caller.dial(number_of(spoilt))
        stage.begin()
        await asyncio.gather(asyncio.sleep(JITTER_CALL_S), _expect_jitter(stage, spoilt, "to_peer", jitter_ms))
        _note_jitter(stage, spoilt, "to_peer", jitter_ms)
        await caller.hang_up(call)
    for peer in (caller_peer, spoilt):
        stage.expect_stored(peer, "to_peer", 0)


async def _jitter_from(stage: Stage, jitter_ms: float, packet_ms: int) -> None:
    """A phone behind a relay that delays what it sends calls a tone."""
    (spoilt,) = stage.take(1, variant="phone" if packet_ms == 20 else "long")
    from_phone = Spoil(jitter_ms=jitter_ms, packet_ms=packet_ms)
    async with (
        stage.b.relay(spoilt, to_phone=Spoil(), from_phone=from_phone),
        stage.phones((spoilt, {"relayed": True, "frames_per_packet": packet_ms // 10})) as (caller,),
    ):
        call = await caller.dial("601")
        stage.begin()
        await asyncio.gather(asyncio.sleep(JITTER_CALL_S), _expect_jitter(stage, spoilt, "from_peer", jitter_ms))
        _note_jitter(stage, spoilt, "from_peer", jitter_ms)
        await caller.hang_up(call)
    stage.expect_stored(spoilt, "from_peer", 0)


async def _expect_jitter(stage: Stage, peer: str, direction: str, jitter_ms: float) -> None:
    if jitter_ms < JITTER_WARNING_MS:
        return
    pattern = alarms("jitter", direction, peer)
    stage.allow(rf"jitter {direction.removesuffix('_peer')} .*{peer}.*{ENDINGS}")
    line = await stage.said(pattern, JITTER_WITHIN_S)
    if line is not None:
        value = value_of(line, pattern)
        stage.check(abs(value - jitter_ms) <= jitter_ms / 4, f"said {value:g} ms, injected {jitter_ms:g} ms")


def _note_jitter(stage: Stage, peer: str, direction: str, jitter_ms: float) -> None:
    stream = stage.rtcp(peer, direction)
    if stream is None:
        stage.result.problems.append(f"no reports {direction} of {peer}")
        return
    measured_ms = stream.jitter_ticks / 8
    stage.result.measured.append(f"{measured_ms:.1f} ms in RTCP")
    stage.check(abs(measured_ms - jitter_ms) <= jitter_ms / 4, f"RTCP says {measured_ms:.1f} ms, injected {jitter_ms:g} ms")


async def _codec(stage: Stage, codec: str) -> None:
    """A phone that speaks only this codec loses 8 % of what it is sent."""
    lossy, other = stage.take(2)
    async with stage.phones((lossy, {"codec": codec, "rx_drop_percent": 7}), (other, {"codec": codec})) as (_, caller):
        await _lossy_call(stage, caller.dial(number_of(lossy)), lossy, 8)
        await caller.hang_up()
    stage.expect_stored(lossy, "to_peer", 8)
    stage.expect_stored(other, "to_peer", 0)


async def _opus(stage: Stage) -> None:
    """Opus ticks at 48000: a jitter of nothing must not become one of 8000 ticks."""
    (lossy,) = stage.take(1, technology="PJSIP")
    stage.allow(rf'User-Agent on peer .*{lossy} .* to "baresip')  # it is another phone than the one that was learnt

    def is_ours(message: Message) -> bool:
        return message.get("Channel", "").startswith(f"{lossy}-")

    async with opus_call(stage.b, lossy, "600", stage.scratch, loss_percent=8):
        await stage.ami.wait("the call", is_ours)
        await _lossy_call(stage, asyncio.sleep(0), lossy, 8)
        codecs = {message.get("ChanVariable") for message in stage.ami.messages if is_ours(message)}
        stage.check("CHANNEL(audioreadformat)=opus" in codecs, f"the call did not use Opus: {codecs}")
    await stage.ami.wait("the hangup", lambda message: is_ours(message) and message.get("Event") == "Hangup")
    stage.expect_stored(lossy, "to_peer", 8)
    stage.expect_stored(lossy, "from_peer", 0)


async def _lossy_call(stage: Stage, dialled: object, lossy: str, percent: float, within_s: float = SAID_WITHIN_S) -> None:
    """A call of the usual length in which the loss to one phone must be said."""
    await dialled  # type: ignore[misc]
    stage.begin()
    stage.allow(rf"loss to .*{lossy}.*{ENDINGS}")
    pattern = alarms("loss", "to_peer", lossy)
    _, line = await asyncio.gather(asyncio.sleep(CALL_S), stage.said(pattern, within_s))
    if line is not None:
        stage.check(abs(value_of(line, pattern) - percent) <= 5, f"said {value_of(line, pattern):g} %, injected {percent:g} %")


async def _srtp(stage: Stage) -> None:
    lossy, other = stage.take(2, variant="secure")
    async with stage.phones((lossy, {"srtp": True, "rx_drop_percent": 7}), (other, {"srtp": True})) as (_, caller):
        await _lossy_call(stage, caller.dial(number_of(lossy)), lossy, 8)
        await caller.hang_up()
    stage.expect_stored(lossy, "to_peer", 8)
    stage.expect_stored(other, "to_peer", 0)


async def _silence(stage: Stage) -> None:
    one, other = stage.take(2)
    options = {"silence_suppression": True}
    async with stage.phones((one, options), (other, options)) as (_, caller):
        await caller.dial(number_of(one))
        stage.begin()
        await asyncio.sleep(CALL_S)
        stream = stage.rtcp(one, "from_peer")
        if stream is not None:
            stage.result.measured.append(f"{stream.expected / CALL_S:.0f} packets/s of 50")
        await caller.hang_up()
    for peer in (one, other):
        for direction in ("to_peer", "from_peer"):
            stage.expect_stored(peer, direction, 0)


async def _direct_media(stage: Stage) -> None:
    """No reports: nothing may be said, and the stored call must say that nothing is known.

    Now and then a re-INVITE of Asterisk's meets another and the media of a phone stays with it; then it is there to be seen.
    """
    lossy, other = stage.take(2, variant="direct")
    streams = [(peer, direction) for peer in (lossy, other) for direction in ("to_peer", "from_peer")]
    async with stage.phones((lossy, {"rx_drop_percent": 19}), (other, {})) as (_, caller):
        await caller.dial(number_of(lossy))
        stage.begin()
        await asyncio.sleep(CALL_S)
        kept = {stream for stream in streams if stage.rtcp(*stream) is not None}
        phones = len({peer for peer, _ in kept})
        stage.result.measured.append(f"Asterisk kept the media of {phones} phones this time" if kept else "no reports")
        if (lossy, "to_peer") in kept:
            stage.excuse(alarms("loss", "to_peer", lossy))
            stage.allow(rf"loss to .*{lossy}.*{ENDINGS}")
            await stage.said(alarms("loss", "to_peer", lossy), CALL_S + EDIT_EVERY_S)
        await caller.hang_up()
    for stream in streams:
        heard_of = 20 if stream == (lossy, "to_peer") else 0
        stage.expect_stored(*stream, heard_of if stream in kept else None)


async def _one_way(stage: Stage, deaf: bool) -> None:
    """A phone that hears nothing, or sends nothing, is named for it; the loss that way is unknown, never 0 %."""
    broken, other = stage.take(2)
    drops = {"rx_drop_percent": 100} if deaf else {"tx_drop_percent": 100}
    async with stage.phones((broken, drops), (other, {})) as (_, caller):
        await caller.dial(number_of(broken))
        stage.begin()
        stage.allow(rf"{broken}.*(audio|hears|is heard|{ENDINGS})")
        fault = "hears nothing" if deaf else "is not heard"
        await asyncio.gather(asyncio.sleep(CALL_S), stage.said(rf"{broken} {fault}", ONE_WAY_WITHIN_S))
        stream = stage.rtcp(broken, "to_peer" if deaf else "from_peer")
        stage.result.measured.append("nothing reported" if stream is None else f"{stream.expected} packets reported")
        await caller.hang_up()
    if deaf:
        stage.expect_stored(broken, "to_peer", None)
        stage.expect_stored(broken, "from_peer", 0)
    else:
        stage.expect_stored(broken, "from_peer", None)
        stage.expect_stored(other, "to_peer", None)


async def _short_call(stage: Stage) -> None:
    """Three seconds of 20 % loss: too little to judge, so nothing is said."""
    lossy, other = stage.take(2)
    async with stage.phones((lossy, {"rx_drop_percent": 19}), (other, {})) as (_, caller):
        await caller.dial(number_of(lossy))
        stage.begin()
        await asyncio.sleep(3)
        await caller.hang_up()


async def _forty_seconds(stage: Stage) -> None:
    """A short call with 5 % of loss up is noticed while it lasts, and told with the next edit at the latest."""
    lossy, other = stage.take(2)
    async with stage.phones((lossy, {"tx_drop_percent": 4}), (other, {})) as (_, caller):
        await caller.dial(number_of(lossy))
        stage.begin()
        stage.allow(rf"loss from .*{lossy}.*{ENDINGS}")
        await stage.said(alarms("loss", "from_peer", lossy), 40 + EDIT_EVERY_S)
        await caller.hang_up()


async def _storm(stage: Stage) -> None:
    """Thirty phones lose 20 % at once, five beside them nothing: all thirty are named in time, in no more than 3 messages."""
    lossy, clean = stage.take(30, technology="PJSIP"), stage.take(5, technology="PJSIP")
    wanted = [*((peer, {"rx_drop_percent": 19}) for peer in lossy), *((peer, {}) for peer in clean)]
    async with stage.phones(*wanted) as phones:
        await asyncio.gather(*(phone.dial("601") for phone in phones))
        stage.begin()
        for peer in lossy:
            stage.allow(rf"loss to .*{peer}.*{ENDINGS}")
        said = [stage.said(alarms("loss", "to_peer", peer), SAID_WITHIN_S, times=False) for peer in lossy]
        _, *lines = await asyncio.gather(asyncio.sleep(CALL_S), *said)
        times = [line.at - stage.started_at for line in lines if line is not None]
        if times:
            stage.result.said_after_s += [min(times), max(times)]
        stage.result.measured.append(f"{len(times)} of {len(lossy)} named")
        await asyncio.gather(*(phone.hang_up() for phone in phones))
    await asyncio.sleep(EDIT_EVERY_S)
    messages = stage.chat.messages(rf"({'|'.join(lossy)})\b", stage.started_at)
    edits = sum(len(message.texts) - 1 for message in messages)
    stage.result.measured.append(f"messages: {len(messages)}, edits: {edits}")
    stage.check(len(messages) <= STORM_MESSAGES, f"{len(messages)} messages for one storm")


def _jitters() -> list[Scenario]:
    found = []
    for jitter_ms, packet_ms in ((20, 20), (40, 60), (80, 60)):
        for name, run in (("to", _jitter_to), ("from", _jitter_from)):
            title = f"jitter {name} a phone, {jitter_ms} ms"
            injected = f"{jitter_ms} ms, packets of {packet_ms} ms"
            found.append(Scenario(title, injected, partial(run, jitter_ms=jitter_ms, packet_ms=packet_ms)))
    return found


SCENARIOS = (
    *_jitters(),
    Scenario("G.711 A-law", "8 % down", partial(_codec, codec="PCMA")),
    Scenario("G.722", "8 % down", partial(_codec, codec="G722")),
    Scenario("Opus", "8 % down", _opus),
    Scenario("SRTP", "8 % down", _srtp),
    Scenario("silence suppression", "1 s speech, 2 s silence", _silence),
    Scenario("direct media", "20 % down, past Asterisk", _direct_media),
    Scenario("a phone that hears nothing", "all packets down dropped", partial(_one_way, deaf=True)),
    Scenario("a phone that sends nothing", "no packet ever up", partial(_one_way, deaf=False)),
    Scenario("a call of 40 s", "5 % up", _forty_seconds),
    Scenario("a call of 3 s", "20 % down", _short_call),
)
STORM = (Scenario("thirty lossy calls at once", "20 % down to each", _storm),)
