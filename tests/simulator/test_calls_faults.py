"""Each fault of a line on a whole call: what the application sees of it, and what call.hangup tells.

The outbound track is not on the telephone's line, so its frames tick like a clock beside the disturbed ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulator.audio import ulaw_encode
from tests.simulator.call_house import NOBODY_TALKS, Line, streams_of
from tests.simulator.conftest import Bot, Stream

TICKS = 120
STREAM = {
    "stream_track": "both_tracks",
    "stream_bidirectional_mode": "rtp",
    "stream_bidirectional_target_legs": "self",
}
Ticks = list[list[int]]


class Call:
    """`seen` are the chunks of the telephone that came in each 20 ms; `quality` is that of call.hangup."""

    def __init__(self, seen: Ticks, quality: dict[str, Any]) -> None:
        self.seen = seen
        self.flat = [chunk for tick in seen for chunk in tick]
        self.lost = int(quality["inbound"]["skip_packet_count"])
        self.late = int(quality["inbound"]["jitter_packet_count"])
        self.jitter_ms = float(quality["inbound"]["jitter_max_variance"])
        self.mos = float(quality["inbound"]["mos"])
        self.packets = int(quality["inbound"]["packet_count"])

    @property
    def missing(self) -> set[int]:
        """Of the first hundred."""
        return set(range(1, 101)) - set(self.flat)


def ticks_of(stream: Stream) -> Ticks:
    ticks: Ticks = [[]]
    for frame in stream.of("media"):
        if frame["media"]["track"] == "outbound":
            ticks.append([])
        else:
            ticks[-1].append(int(frame["media"]["chunk"]))
    return ticks[:-1]


async def calls_on(line: Line, plans: list[dict[str, Any]]) -> list[Call]:
    """A call of `TICKS` on each line, all at once."""
    calls: list[str] = []
    for number, plan in enumerate(plans):
        to = f"+1555010{7000 + number}"
        await line.at(to, {"script": NOBODY_TALKS, "faults": plan})
        calls.append(await line.place(to, stream_url=line.bot.stream_url, **STREAM))
    streams = await streams_of(line.bot, len(plans))

    async def whole(call_id: str) -> Call:
        stream = streams[call_id]
        await stream.until_frame(
            lambda frame: frame.get("media", {}).get("chunk") == str(TICKS) and outbound(frame)
        )
        await line.client.calls.actions.hangup(call_id)
        quality = (await line.event("call.hangup", call_id))["call_quality_stats"]
        return Call(ticks_of(stream)[:TICKS], quality)

    return list(await asyncio.gather(*map(whole, calls)))


def outbound(frame: dict[str, Any]) -> bool:
    return frame["media"]["track"] == "outbound"


def is_good(call: Call) -> bool:
    return (
        call.seen == [[chunk] for chunk in range(1, TICKS + 1)] and call.lost == call.late == 0 and call.mos > 4.4
    )


def loses_some(call: Call) -> bool:
    return 15 < len(call.missing) < 50 and call.lost >= len(call.missing) and 1 <= call.mos < 4.2


def loses_bursts(call: Call) -> bool:
    runs = [chunk for chunk in call.missing if chunk - 1 not in call.missing]
    return len(call.missing) >= 3 * len(runs) > 0 and call.lost >= len(call.missing)


def jitters(call: Call) -> bool:
    late = [tick - chunk + 1 for tick, chunks in enumerate(call.seen) for chunk in chunks]
    in_order = call.flat == list(range(1, len(call.flat) + 1))
    return in_order and 1 <= max(late) <= 11 and call.late > 50 and 20 < call.jitter_ms < 200 and call.lost == 0


def reorders(call: Call) -> bool:
    return sorted(call.flat[:-3]) != call.flat[:-3] and not call.missing and call.late > 10


def duplicates(call: Call) -> bool:
    return not call.missing and len(call.flat) > len(set(call.flat)) + 15 and call.flat == sorted(call.flat)


def runs_fast(call: Call) -> bool:
    return not call.missing and len(call.flat) - len(set(call.flat)) == TICKS * 50_000 // 1_000_000


def runs_slow(call: Call) -> bool:
    return len(call.missing) == 100 * 50_000 // 1_000_000 and call.lost == 0


def is_mute(call: Call) -> bool:
    return call.flat == [] and call.lost >= TICKS and call.mos == 1.0 and call.packets < TICKS


def is_unharmed_upwards(call: Call) -> bool:
    return call.flat == list(range(1, TICKS + 1)) and call.lost == 0


FAULTS: list[tuple[dict[str, Any], Callable[[Call], bool]]] = [
    ({}, is_good),
    ({"loss": 0.3}, loses_some),
    ({"burst_loss": 0.3, "burst_length": 8}, loses_bursts),
    ({"jitter_ms": 200}, jitters),
    ({"reorder": 0.3}, reorders),
    ({"duplicate": 0.3}, duplicates),
    ({"drift_ppm": 50_000}, runs_fast),
    ({"drift_ppm": -50_000}, runs_slow),
    ({"one_way": "to_agent"}, is_mute),
    ({"one_way": "to_caller"}, is_unharmed_upwards),
]


async def test_each_fault_is_seen_and_the_same_again_by_seed(line: Line) -> None:
    plans = [plan | {"seed": seed} for plan, _ in FAULTS for seed in (5, 5, 6)]
    calls = await calls_on(line, plans)
    for number, (plan, shows) in enumerate(FAULTS):
        one, again, other = calls[3 * number : 3 * number + 3]
        assert shows(one), (plan, one.seen, vars(one))
        assert one.seen == again.seen, plan
        random = plan.keys() & {"loss", "burst_loss", "jitter_ms", "reorder", "duplicate"}
        assert (one.seen != other.seen) == bool(random), plan


async def test_one_way_to_the_caller_is_deaf(line: Line, bot: Bot) -> None:
    tone = ulaw_encode((8000 * np.sin(np.arange(8000) * 0.4)).astype(np.int16))
    heard: dict[str, int] = {}
    for way in ("to_caller", "to_agent"):
        to = "+15550107100"
        await line.at(to, {"script": NOBODY_TALKS, "faults": {"one_way": way}})
        call_id = await line.place(to, stream_url=bot.stream_url, **STREAM)
        stream = await bot.streams.get()
        await stream.play(tone)
        await stream.send({"event": "mark", "mark": {"name": "played"}})
        await stream.until("mark")
        await line.client.calls.actions.hangup(call_id)
        heard[way] = (await line.report(call_id))["heard_ms"]
    assert heard["to_caller"] == 0
    assert heard["to_agent"] > 900


async def test_a_stall_holds_everything_back_and_loses_nothing(line: Line, bot: Bot) -> None:
    to = "+15550107200"
    await line.at(to, {"script": NOBODY_TALKS, "faults": {"stall_at_ms": 400, "stall_ms": 600}})
    call_id = await line.place(to, stream_url=bot.stream_url)
    stream = await bot.streams.get()
    while len(stream.of("media")) < 60:
        marks = len(stream.of("mark"))
        await stream.send({"event": "mark", "mark": {"name": "and back"}})
        await stream.until("mark", marks + 1)
    at = [place for place, frame in enumerate(stream.frames) if frame["event"] == "media"]
    # Marks go to and fro all the time, but none between what was held back.
    assert at[48] - at[21] == 27
    assert at[19] > 25
    chunks = [int(frame["media"]["chunk"]) for frame in stream.of("media")]
    assert chunks == list(range(1, len(chunks) + 1))
    await line.client.calls.actions.hangup(call_id)
    assert (await line.event("call.hangup", call_id))["call_quality_stats"]["inbound"]["skip_packet_count"] == "0"


@pytest.mark.parametrize("stop", [False, True])
async def test_a_drop_takes_the_stream_and_leaves_the_call(line: Line, bot: Bot, stop: bool) -> None:
    to = "+15550107300"
    await line.at(to, {"script": NOBODY_TALKS, "faults": {"drop_at_ms": 400, "drop_stop": stop}})
    call_id = await line.place(to, stream_url=bot.stream_url)
    stream = await bot.streams.get()
    await stream.closed.wait()
    assert (stream.frames[-1]["event"] == "stop") == stop
    assert len(stream.of("stop")) == stop
    assert len(stream.of("media")) <= 20
    assert not stop or len(stream.of("media")) == 20
    await line.event("streaming.stopped", call_id)
    status = await line.client.calls.retrieve_status(call_id)
    assert status.data is not None
    assert status.data.is_alive
    await line.client.calls.actions.hangup(call_id)
    await line.event("call.hangup", call_id)
    assert line.events(call_id).count("streaming.stopped") == 1
