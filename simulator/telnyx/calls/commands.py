"""What a command does to a leg, and when Telnyx refuses it.

Every refusal is a `TelnyxError` with the code of Telnyx's "API error codes".
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulator.telnyx.call_rules import GatherRules, RecordRules
from simulator.telnyx.calls import sounds
from simulator.telnyx.calls.bridge import Bridge
from simulator.telnyx.calls.digits import send_digits
from simulator.telnyx.calls.leg import CallLeg
from simulator.telnyx.calls.player import PlayerFull, Stop
from simulator.telnyx.calls.recordings import TooManyRecordings
from simulator.telnyx.calls.sounds import Source
from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.facts import Hangup
from simulator.telnyx.happenings import GatherEnded, Referred
from simulator.telnyx.media.options import StreamOptions

_REJECTIONS: Final = {
    "CALL_REJECTED": Hangup("call_rejected", "callee", "603"),
    "USER_BUSY": Hangup("user_busy", "callee", "486"),
    "NOT_FOUND": Hangup("not_found", "callee", "404"),
    "TEMPORARILY_UNAVAILABLE": Hangup("unspecified", "callee", "480"),
}


@dataclass(frozen=True, slots=True)
class Prompted:
    """What a gather plays: `invalid` after wrong input (None: the prompt once more), `tries` in all."""

    prompt: Source
    invalid: Source | None = None
    tries: int = 3


def check_alive(leg: CallLeg) -> None:
    if leg.hangup is not None:
        raise TelnyxError(Code.CALL_ENDED, "This call is no longer active and can't receive commands.")


def check_answered(leg: CallLeg) -> None:
    check_alive(leg)
    if not leg.is_answered:
        raise TelnyxError(Code.CALL_NOT_ANSWERED, "This call is not answered yet: wait for call.answered.")


def answer(leg: CallLeg, stream: StreamOptions | None, record: RecordRules | None) -> str | None:
    """Answers as soon as the caller can speak; then streams and records as asked. Gives the recording's id."""
    check_alive(leg)
    if leg.facts.direction == "outgoing":
        raise TelnyxError(Code.INVALID_COMMAND, "The answer command cannot be issued for an outbound call.")
    if leg.is_answered or leg.is_being_answered:
        raise TelnyxError(Code.UNABLE_TO_EXECUTE, "The call has been answered already.")
    leg.is_being_answered = True
    recording_id = None if record is None else str(uuid.uuid4())

    async def answering() -> None:
        if not await leg.prepare():
            return
        leg.answer(stream)
        if record is not None:
            leg.recordings.start(record, "OutboundAPI", recording_id)
        if stream is not None:
            await leg.stream.run(stream)

    leg.spawn(answering())
    return recording_id


def reject(leg: CallLeg, cause: str) -> None:
    check_alive(leg)
    if leg.facts.direction == "outgoing" or leg.is_answered:
        raise TelnyxError(Code.UNABLE_TO_EXECUTE, "Only an incoming call that is not answered can be rejected.")
    leg.hang_up(_REJECTIONS[cause])


def start_stream(leg: CallLeg, options: StreamOptions) -> str:
    """The stream's id."""
    check_answered(leg)
    if leg.stream.active:
        raise TelnyxError(Code.STREAMING_USED, "Media Streaming is already in use on this call; stop it first.")
    return leg.stream.start(options)


def stop_stream(leg: CallLeg, stream_id: str | None) -> None:
    check_answered(leg)
    if not leg.stream.active or (stream_id is not None and stream_id != leg.stream.stream_id):
        raise TelnyxError(Code.STREAMING_NOT_USED, "Media Streaming is not used on this call.")
    leg.spawn(leg.stream.close())


def speak(legs: list[CallLeg], source: Callable[[CallLeg], Source], loops: int, stop: Stop | None) -> None:
    _play(legs, stop, lambda leg: sounds.start_speech(leg, source(leg), loops))


def play(
    legs: list[CallLeg],
    source: Callable[[CallLeg], Source],
    *,
    loops: int,
    overlay: bool,
    stop: Stop | None,
    media_url: str | None,
    media_name: str | None,
) -> None:
    _play(
        legs,
        stop,
        lambda leg: sounds.start_playback(
            leg, source(leg), loops=loops, overlay=overlay, media_url=media_url, media_name=media_name
        ),
    )


def stop_playback(leg: CallLeg, which: Stop) -> None:
    check_answered(leg)
    leg.player.stop(which)


def gather(leg: CallLeg, rules: GatherRules, prompted: Prompted | None = None) -> None:
    """Collects keys and tells how it ended; with a prompt, once more after wrong or no input."""
    check_answered(leg)

    async def gathering() -> None:
        ended = await _gather(leg, rules, prompted)
        leg.tell(ended)

    leg.spawn(gathering(), tells_its_end=True)


def stop_gather(leg: CallLeg) -> None:
    check_answered(leg)
    leg.keypad.cancel("cancelled")


def dtmf(leg: CallLeg, digits: str, duration_ms: int) -> None:
    check_answered(leg)
    leg.spawn(send_digits(leg, digits, duration_ms))


def start_recording(leg: CallLeg, rules: RecordRules) -> str:
    """The recording's id."""
    check_answered(leg)
    try:
        return leg.recordings.start(rules).id
    except TooManyRecordings as error:
        raise TelnyxError(Code.UNABLE_TO_EXECUTE, str(error)) from None


def change_recording(leg: CallLeg, what: str, recording_id: str | None) -> None:
    """`what` is stop, pause or resume."""
    check_answered(leg)
    found = leg.recordings.find(recording_id)
    if not found:
        raise TelnyxError(Code.UNABLE_TO_EXECUTE, "This call is not being recorded.")
    for recording in found:
        match what:
            case "pause":
                recording.pause()
            case "resume":
                recording.resume()
            case _:
                leg.recordings.stop(recording)


def bridge(leg: CallLeg, other: CallLeg, *, park: bool, muted_keys: str, prevent_double: bool) -> None:
    """Connects two legs; one that still waits to be answered is answered by it."""
    check_alive(leg)
    check_alive(other)
    if other is leg:
        raise TelnyxError(Code.UNABLE_TO_EXECUTE, "A call can't be bridged with itself.", "/call_control_id")
    for one in (leg, other):
        if not one.is_answered and one.facts.direction == "outgoing":
            raise TelnyxError(Code.CALL_NOT_ANSWERED, "This call is not answered yet, so it cannot be bridged.")
        if one.bridge is not None and prevent_double:
            raise TelnyxError(Code.UNABLE_TO_EXECUTE, "This call is bridged already.")

    async def bridging() -> None:
        for one in (leg, other):
            if one.bridge is not None:
                one.bridge.part()
            if not one.is_answered:
                if not await one.prepare():
                    return
                one.answer()
        Bridge(leg, other, park=park, muted_keys=muted_keys)

    leg.spawn(bridging())


def refer(leg: CallLeg, to: str) -> None:
    """The other side takes the call elsewhere, and this leg ends."""
    check_answered(leg)

    async def referring() -> None:
        leg.tell(Referred("started", to, 100))
        leg.tell(Referred("completed", to, 200))
        leg.party_hangs_up()

    leg.spawn(referring())


def target_legs(leg: CallLeg, which: str) -> list[CallLeg]:
    """The legs that hear a sound; `opposite` of a leg on its own is nobody."""
    other = None if leg.bridge is None else leg.bridge.opposite(leg)
    legs = [leg] if which in ("self", "both") else []
    return legs if other is None or which == "self" else [*legs, other]


async def _gather(leg: CallLeg, rules: GatherRules, prompted: Prompted | None) -> GatherEnded:
    if prompted is None:
        return await leg.keypad.gather(rules)
    source = prompted.prompt
    ended = GatherEnded("", "invalid", rules.gather_id)
    for _ in range(max(1, prompted.tries)):
        ended = await leg.keypad.gather(rules, lambda source=source: sounds.play_quietly(leg, source))
        if ended.status not in ("invalid", "timeout"):
            return ended
        source = prompted.invalid or prompted.prompt
    return ended


def _play(legs: list[CallLeg], stop: Stop | None, start: Callable[[CallLeg], object]) -> None:
    for leg in legs:
        check_answered(leg)
        if stop is not None:
            leg.player.stop(stop)
        try:
            start(leg)
        except PlayerFull as full:
            raise TelnyxError(Code.UNABLE_TO_EXECUTE, str(full)) from None
