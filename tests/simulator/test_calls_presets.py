"""Every preset as an application meets it: dialled by Telnyx's own client, all of them at once."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
import telnyx

from simulator.audio import ulaw_encode
from simulator.caller.presets import PRESETS
from simulator.server import Simulator
from tests.simulator.call_house import Line, streams_of, unwrap
from tests.simulator.conftest import Bot

REFUSED = {
    "user-channels": (403, "90041", "D1"),
    "country-not-allowed": (403, "10010", "D13"),
    "unverified-number": (403, "10010", "D51"),
    "insufficient-funds": (402, "20100", ""),
    "rate-limited": (429, "10011", ""),
}
# Cause, source and SIP code of call.hangup when nobody answers within 5 s.
UNANSWERED = {
    "busy": ("user_busy", "callee", "486"),
    "declined": ("call_rejected", "callee", "603"),
    "number-unknown": ("not_found", "callee", "404"),
    "unavailable": ("no_answer", "callee", "480"),
    "carrier-failure": ("unspecified", "unknown", "503"),
    "no-answer": ("timeout", "caller", "487"),
    "rings-out": ("timeout", "caller", "487"),
    "answers-after-10": ("timeout", "caller", "487"),
    "answers-after-20": ("timeout", "caller", "487"),
}
ANSWERED = {
    "answers",
    "answers-after-1",
    "answers-after-2",
    "answers-after-5",
    "drops-after-15",
    "hears-nothing",
    "not-heard",
    "jitter",
    "loss",
    "burst-loss",
    "reordering",
    "clock-drift",
    "stall",
    "socket-drop",
    "socket-stop",
}
DROPPED = {"drops-after-5"}
# Results of premium and of regular detection; then of the greeting's end, where it is told.
DETECTED = {
    "residence": ("human_residence", "human", None, None),
    "business": ("human_business", "human", None, None),
    "voicemail": ("machine", "machine", "beep_detected", "beep_detected"),
    "voicemail-no-beep": ("machine", "machine", "no_beep_detected", "ended"),
    "fax": ("fax_detected", "machine", None, "ended"),
    "silence": ("silence", "machine", None, "ended"),
    "menu": ("machine", "machine", "no_beep_detected", "ended"),
    "hold": ("machine", "machine", "no_beep_detected", "ended"),
    "call-screening": ("machine", "machine", "no_beep_detected", "ended"),
}


def test_every_preset_is_expected_to_do_something() -> None:
    assert {*REFUSED, *UNANSWERED, *ANSWERED, *DROPPED, *DETECTED} == set(PRESETS)


async def test_presets_that_refuse_the_dial(line: Line, simulator: Simulator) -> None:
    for name, (status, code, tail) in REFUSED.items():
        with pytest.raises(telnyx.APIStatusError) as refused:
            await line.place(PRESETS[name].number)
        error: Any = refused.value.body
        (only,) = error["errors"]
        assert (refused.value.status_code, only["code"]) == (status, code), name
        assert only["detail"].endswith(tail or ".")
        limited = "x-ratelimit-reset" in refused.value.response.headers
        assert limited == (name == "rate-limited")
    assert simulator.exchange.live == 0
    assert line.events() == []


async def unanswered(line: Line, simulator: Simulator, name: str, ended: tuple[str, str, str]) -> None:
    call_id = await line.place(PRESETS[name].number, timeout_secs=5)
    await line.event("call.hangup", call_id)
    told = (unwrap(simulator, posted).data for posted in line.posted(call_id))
    # A webhook that was not answered soon enough comes again.
    events = list({event.id: event for event in told}.values())
    assert [event.event_type for event in events] == ["call.initiated", "call.hangup"], name
    payload = events[-1].payload
    assert (payload.hangup_cause, payload.hangup_source, payload.sip_hangup_cause) == ended, name
    assert payload.call_quality_stats is None


async def answered(line: Line, name: str) -> None:
    call_id = await line.place(PRESETS[name].number, timeout_secs=6)
    await line.event("call.answered", call_id)
    await line.client.calls.actions.hangup(call_id)
    hangup = await line.event("call.hangup", call_id)
    assert (hangup["hangup_cause"], hangup["hangup_source"]) == ("normal_clearing", "caller"), name
    assert hangup["call_quality_stats"]["inbound"]["mos"]


async def dropped(line: Line, number: str) -> None:
    call_id = await line.place(number)
    hangup = await line.event("call.hangup", call_id)
    assert line.events(call_id) == ["call.initiated", "call.answered", "call.hangup"]
    ended = tuple(hangup[name] for name in ("hangup_cause", "hangup_source", "sip_hangup_cause"))
    assert ended == ("unspecified", "unknown", "503")


async def detected(
    line: Line, simulator: Simulator, name: str, result: str, greeting: str | None, *, premium: bool
) -> None:
    mode = "premium" if premium else "greeting_end"
    call_id = await line.place(
        PRESETS[name].number,
        answering_machine_detection=mode,
        answering_machine_detection_config={"total_analysis_time_millis": 9000 if premium else 5000},
    )
    kind = "call.machine.premium" if premium else "call.machine"
    found = await line.event(f"{kind}.detection.ended", call_id)
    assert found["result"] == result, (name, mode)
    if greeting is not None:
        assert (await line.event(f"{kind}.greeting.ended", call_id))["result"] == greeting, (name, mode)
    for posted in line.posted(call_id):
        unwrap(simulator, posted)
    await line.client.calls.actions.hangup(call_id)


async def menu(line: Line) -> None:
    call_id = await line.place(PRESETS["menu"].number)
    await line.event("call.answered", call_id)
    await line.client.calls.actions.send_dtmf(call_id, digits="2w1", duration_millis=100)
    hangup = await line.event("call.hangup", call_id)
    assert (hangup["hangup_cause"], hangup["hangup_source"]) == ("normal_clearing", "callee")
    report = await line.report(call_id)
    assert (report["keys_heard"], report["digits"]) == ("21", "21")
    assert report["said"][-1] == "Your new device is on its way. Goodbye."
    assert report["said"][1].startswith("Support.")


async def test_presets_that_ring(line: Line, simulator: Simulator) -> None:
    """At once, since some take ten seconds."""
    await asyncio.gather(
        *(unanswered(line, simulator, name, ended) for name, ended in UNANSWERED.items()),
        *(answered(line, name) for name in sorted(ANSWERED)),
        *(dropped(line, number) for number in (*(PRESETS[name].number for name in DROPPED), "+15550104001")),
        *(detected(line, simulator, name, row[0], row[2], premium=True) for name, row in DETECTED.items()),
        *(detected(line, simulator, name, row[1], row[3], premium=False) for name, row in DETECTED.items()),
        menu(line),
    )


async def test_lines_that_carry_one_way(line: Line, bot: Bot) -> None:
    to = {name: PRESETS[name].number for name in ("hears-nothing", "not-heard")}
    stream = {
        "stream_url": bot.stream_url,
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_target_legs": "self",
        "stream_track": "both_tracks",
    }
    calls = {name: await line.place(number, **stream) for name, number in to.items()}
    streams = await streams_of(bot, 2)
    tone = ulaw_encode((8000 * np.sin(np.arange(4000) * 0.4)).astype(np.int16))
    for each in streams.values():
        await each.play(tone)
        await each.send({"event": "mark", "mark": {"name": "played"}})
    for each in streams.values():
        await each.until("mark")

    def tracks(name: str) -> set[str]:
        return {frame["media"]["track"] for frame in streams[calls[name]].of("media")}

    assert tracks("hears-nothing") == {"inbound", "outbound"}
    assert tracks("not-heard") == {"outbound"}
    for call_id in calls.values():
        await line.client.calls.actions.hangup(call_id)
    reports = {name: await line.report(call_id) for name, call_id in calls.items()}
    assert reports["hears-nothing"]["heard_ms"] == 0
    assert reports["not-heard"]["heard_ms"] >= 400
