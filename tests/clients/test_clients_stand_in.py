"""AssemblyAI's clients on calls of two lines, heard by the stand-in, directly and through the tap."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
from dataclasses import dataclass

import pytest

from agent import events
from simulator.audio import resample
from tests.clients.clients_house import SDK_WARNINGS, STREAMING, U3, Heard, Setup, driver, installed
from tests.clients.taps_house import Tapped, Taps, serving
from tests.simulator.assemblyai_house import hearing, running

FIRST = "Hello, this is Anna Kowalski, I would like to book an appointment."
SECOND = "No thank you, that's all."
RAW = ("hello this is anna kowalski i would like to book an appointment", "no thank you that's all")
# Pipecat has Universal-Streaming wait for the longest silence, which is 1280 ms.
PAUSE_MS = 1400
# Both frameworks set both silences to 100 ms unless they are told a mode.
_BALANCED = {"mode": "balanced"}

pytestmark = SDK_WARNINGS


@dataclass(frozen=True)
class Case:
    """One client in one configuration, and the finals that it should tell its user."""

    client: str
    setup: Setup
    finals: tuple[str, ...] = (FIRST, SECOND)


def streaming(*, formatted: bool = False) -> Setup:
    return Setup(STREAMING, 8000, options={"format_turns": True} if formatted else {})


def cases() -> list[Case]:
    """Each client with each model family, and with what differs in how it is set up."""
    both = tuple(itertools.chain(*zip(RAW, (FIRST, SECOND), strict=True)))
    cases = [
        *(
            case
            for sdk in ("sdk", "sdk_async")
            for case in (
                Case(sdk, Setup(U3, 8000)),
                Case(sdk, streaming(formatted=True), both),
                Case(sdk, streaming(), RAW),
            )
        ),
        Case("livekit", Setup(U3, 8000, options=_BALANCED)),
        Case("livekit", Setup(U3, 8000)),
        Case("livekit", streaming(formatted=True)),
        Case("livekit", streaming(), RAW),
        Case("pipecat", Setup(U3, 8000)),
        Case("pipecat", Setup(U3, 8000, ended_by_vad=True)),
        Case("pipecat", streaming()),
    ]
    return [case for case in cases if case.client in installed()]


async def heard_by(case: Case, base: str, pcm: bytes) -> Heard:
    session = driver(case.client, base, case.setup)
    async with session:
        await session.feed(pcm)
        await session.until(lambda: len(session.heard.finals) >= len(case.finals))
    return session.heard


def check(case: Case, heard: Heard) -> None:
    """Both lines, and a clean end."""
    assert heard.finals == list(case.finals), case
    assert (heard.errors, heard.died, heard.gave_up) == ([], "", ""), case
    assert heard.partials > len(case.finals), case
    if case.client in ("sdk", "sdk_async"):
        assert (heard.begun, heard.terminated) == (1, 1), case
    if case.setup.model == U3 and not case.setup.by_vad:
        assert heard.started == 2, case


def check_journal(case: Case, told: Tapped) -> None:
    """What the tap's events say of a session that a client has ended."""
    kinds = [events.type_of(event) for event in told.events]
    assert kinds[0] == "stt.opened", case
    assert kinds.count("stt.begin") == kinds.count("stt.termination") == 1, case
    assert kinds.count("stt.speech_started") == (2 if case.setup.model == U3 else 0), case
    turns = [event.message for event in told.of(events.SttTurn)]
    ends = [turn["transcript"] for turn in turns if turn["end_of_turn"]]
    lines = (FIRST, SECOND) if case.setup.model == U3 else RAW
    assert [end for end in ends if end in lines] == list(lines), case
    (closed,) = told.of(events.SttClosed)
    assert (closed.code, closed.reason) == (1000, "Session Ended"), case
    assert told.deaf == [], case


async def test_every_client_hears_the_same_directly_and_through_the_tap():
    tried, taps = cases(), Taps()
    async with hearing(200, FIRST, PAUSE_MS, SECOND, PAUSE_MS) as (stand_in, _, samples):
        pcm = samples.tobytes()
        tapped = [taps.add(str(number), stand_in.url) for number in range(len(tried))]
        async with serving(taps.app) as tap, asyncio.TaskGroup() as group:
            direct = [group.create_task(heard_by(case, stand_in.host, pcm)) for case in tried]
            through = [
                group.create_task(heard_by(case, f"{tap}/{number}", pcm)) for number, case in enumerate(tried)
            ]
    for case, heard, heard_through, told in zip(tried, direct, through, tapped, strict=True):
        check(case, heard.result())
        assert heard_through.result() == heard.result(), case
        check_journal(case, told)


@pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed")
async def test_every_client_hears_speech():
    wide = [Case(client, Setup(U3, 16000, options=_BALANCED)) for client in installed()]
    taps = Taps()
    async with running() as stand_in:
        await stand_in.speech.vocabulary.add([FIRST, SECOND])
        samples = await stand_in.line(200, FIRST, PAUSE_MS, SECOND, PAUSE_MS)
        narrow_pcm, wide_pcm = samples.tobytes(), resample(samples, 8000, 16000).tobytes()
        tapped = [taps.add(case.client, stand_in.url) for case in wide]
        async with serving(taps.app) as tap, asyncio.TaskGroup() as group:
            direct = [(case, group.create_task(heard_by(case, stand_in.host, narrow_pcm))) for case in cases()]
            through = [
                (case, group.create_task(heard_by(case, f"{tap}/{case.client}", wide_pcm))) for case in wide
            ]
    for case, heard in direct + through:
        check(case, heard.result())
    for case, told in zip(wide, tapped, strict=True):
        check_journal(case, told)
