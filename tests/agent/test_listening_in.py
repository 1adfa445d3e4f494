"""Operators who listen to a call over real sockets: what they hear, and that nobody notices them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent import audio_wire, events
from agent.audio_wire import AGENT, BY_OPERATOR, CALLER, OPERATOR, Audio
from agent.call_listeners import MOST_LISTENERS
from tests.agent.line_at_hand import LineAtHand, line_at_hand, of_kind
from tests.agent.server_house import House

VOICE = np.arange(320, dtype=np.int16)


def listen(house: House, call: str, who: str = "ann", **options: Any) -> connect:
    return connect(
        f"ws://127.0.0.1:{house.port}/calls/{call}/audio?who={who}",
        proxy=None,
        compression=None,
        additional_headers=house.bearer,
        **options,
    )


def understood(message: str | bytes) -> Audio | audio_wire.FromServer:
    if isinstance(message, bytes):
        return audio_wire.decode(message)
    return msgspec.json.decode(message, type=audio_wire.FromServer)


async def begun(ears: ClientConnection) -> audio_wire.Start:
    start = understood(await asyncio.wait_for(ears.recv(), 10))
    assert isinstance(start, audio_wire.Start)
    return start


async def heard(ears: ClientConnection, count: int) -> list[Audio | audio_wire.FromServer]:
    async with asyncio.timeout(10):
        return [understood(await ears.recv()) for _ in range(count)]


async def rest(ears: ClientConnection) -> AsyncIterator[Audio | audio_wire.FromServer]:
    async with asyncio.timeout(20):
        async for message in ears:
            yield understood(message)


def samples(audio: Audio | audio_wire.FromServer) -> NDArray[np.int16]:
    assert isinstance(audio, Audio)
    return np.frombuffer(audio.samples, np.int16)


def listening(house: House) -> list[tuple[str, bool, int]]:
    return [(event.who, event.listening, event.listeners) for event in of_kind(house, events.OperatorListening)]


async def left(line: LineAtHand, listeners: int) -> None:
    """Wait until so many listen on."""
    async with asyncio.timeout(10):
        while line.house.agent.stream.calls[line.call].desk.listeners != listeners:
            await asyncio.sleep(0.01)


async def test_both_voices_are_heard_as_they_cross_the_wire(house: House) -> None:
    async with line_at_hand(house) as line, listen(house, line.call) as ears:
        start = await begun(ears)
        before = time.monotonic_ns() // 1000
        await line.hears(VOICE)
        caller = (await heard(ears, 1))[0]
        await line.speaks(VOICE * 2)
        await line.line.operator_speaks((VOICE * 3).tobytes())
        line.line.audio_is_cleared()
        agent, operator, cleared = await heard(ears, 3)
        await line.hang_up()
        last = [one async for one in rest(ears)]

    assert start == audio_wire.Start(line.call, 16_000, 16_000, 16_000)
    assert isinstance(caller, Audio)
    assert isinstance(agent, Audio)
    assert isinstance(operator, Audio)
    assert (caller.channel, caller.flags, caller.rate) == (CALLER, 0, 16_000)
    assert before <= caller.at_us <= agent.at_us <= operator.at_us <= time.monotonic_ns() // 1000
    assert (agent.channel, agent.flags, operator.channel, operator.flags) == (AGENT, 0, AGENT, BY_OPERATOR)
    for audio, times in ((caller, 1), (agent, 2), (operator, 3)):
        assert np.array_equal(samples(audio), VOICE * times)
    assert isinstance(cleared, audio_wire.Cleared)
    assert last == [audio_wire.End()]
    assert ears.close_code == 1000


async def test_who_listens_and_how_many_is_told(house: House) -> None:
    async with line_at_hand(house) as line, listen(house, line.call, "ann") as ears:
        await begun(ears)
        async with listen(house, line.call, "bob") as others:
            await begun(others)
            assert house.agent.stream.calls[line.call].desk.listeners == 2
        await left(line, 1)
        await line.hang_up()
    assert listening(house) == [("ann", True, 1), ("bob", True, 2), ("bob", False, 1), ("ann", False, 0)]


async def test_a_name_fits_one_line_and_is_never_the_agents(house: House) -> None:
    async with line_at_hand(house) as line:
        for given in ("ann%0A%1B[31m", "", "agent", "x" * 200):
            async with listen(house, line.call, given) as ears:
                await begun(ears)
            await left(line, 0)
        await line.reached()

    assert [who for who, began, _ in listening(house) if began] == ["ann[31m", "api", "api", "x" * 40]


async def test_one_piece_of_audio_that_is_longer_than_a_message_comes_in_parts(house: House) -> None:
    second = np.arange(16_000, dtype=np.int16)
    async with line_at_hand(house) as line, listen(house, line.call) as ears:
        await begun(ears)
        await line.speaks(np.tile(second, 3))
        parts = await heard(ears, 3)

    assert all(np.array_equal(samples(part), second) for part in parts)


async def refusal(house: House, call: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    address = f"ws://127.0.0.1:{house.port}/calls/{call}/audio?who=ann"
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            address, proxy=None, additional_headers=house.bearer if headers is None else headers
        ).__aenter__()
    response = refused.value.response
    return response.status_code, msgspec.json.decode(response.body or b"", type=dict[str, str])["error"]


async def test_who_may_not_or_cannot_listen_is_told_why(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.calls._WEBHOOK_WAIT_S", 0.01)
    ringing = (await house.dial()).json()["call"]
    assert (await refusal(house, ringing, {}))[0] == 401
    assert await refusal(house, "c_0") == (404, "There is no call c_0.")
    assert (await refusal(house, ringing))[0] == 409
    async with line_at_hand(house) as line:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(MOST_LISTENERS):
                await begun(await stack.enter_async_context(listen(house, line.call)))
            assert (await refusal(house, line.call))[0] == 429
        await line.hang_up()
    await house.told(line.call, "call.ended")
    assert await refusal(house, line.call) == (409, f"The call {line.call} has ended already.")


async def test_a_microphone_goes_where_its_client_says(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
    step_in = house.agent.calls.step_in
    for name in ("link_opened", "speak", "microphone", "link_closed"):
        monkeypatch.setattr(
            step_in, name, lambda call, who, *what, name=name: told.put_nowait((name, call.id, who, *what))
        )
    async with line_at_hand(house) as line:
        async with listen(house, line.call) as ears:
            start = await begun(ears)
            await ears.send('{"type":"speak","to":"caller"}')
            await ears.send(audio_wire.encode(OPERATOR, start.speak_hz, 0, VOICE.tobytes()))
        seen = [await asyncio.wait_for(told.get(), 10) for _ in range(4)]

    assert [one[:3] for one in seen] == [
        (name, line.call, "ann") for name in ("link_opened", "speak", "microphone", "link_closed")
    ]
    assert seen[1][3] == "caller"
    assert bytes(seen[2][3]) == VOICE.tobytes()


NO_MICROPHONE: list[tuple[str | bytes, str]] = [
    ("{}", "A text message is"),
    ('{"type":"speak","to":"everybody"}', "A text message is"),
    ('{"type":"speak","to":"caller","loud":true}', "A text message is"),
    (b"", "an audio message of 0 bytes"),
    (b"\2\0", "an audio message of 2 bytes"),
    (audio_wire.encode(OPERATOR, 16_000, 0, b"\0\0\0"), "an audio message of 15 bytes"),
    (audio_wire.encode(OPERATOR, 0, 0, b"\0\0"), "without a rate"),
    (audio_wire.encode(OPERATOR, 8000, 0, b"\0\0"), "A microphone is channel 2 at 16000 Hz."),
    (audio_wire.encode(CALLER, 16_000, 0, b"\0\0"), "A microphone is channel 2 at 16000 Hz."),
    (audio_wire.encode(OPERATOR, 16_000, 0, bytes(32_002)), "More than a second"),
    (audio_wire.encode(OPERATOR, 48_000, 0, bytes(96_002)), "an audio message of 96014 bytes"),
]


async def test_what_is_no_microphone_closes_the_link_in_one_sentence(house: House) -> None:
    async with line_at_hand(house) as line:
        for message, sentence in NO_MICROPHONE:
            async with listen(house, line.call) as ears:
                await begun(ears)
                await ears.send(message)
                with pytest.raises(ConnectionClosed):
                    await asyncio.wait_for(ears.recv(), 10)
            assert ears.close_code == 1008
            assert sentence in (ears.close_reason or "")
        await line.hears(VOICE)
        await line.reached()


async def voice_crosses(line: LineAtHand, seconds: int) -> None:
    """The caller's voice on the wire for so long, at the speed of those who read."""
    began = time.monotonic_ns()
    for number in range(seconds * 50):
        line.line.audio.caller(began + number * 20_000_000, VOICE)
        await asyncio.sleep(0)


def listen_without_reading(house: House, call: str) -> connect:
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", house.port))
    return listen(house, call, "asleep", max_queue=1, sock=narrow)


async def test_a_client_that_does_not_read_disturbs_nobody_and_learns_what_it_missed(house: House) -> None:
    async with (
        line_at_hand(house) as line,
        listen_without_reading(house, line.call) as asleep,
        listen(house, line.call, "awake", max_queue=None) as awake,
    ):
        await begun(asleep)
        await begun(awake)
        await voice_crosses(line, seconds=5)
        line.line.audio_is_cleared()
        await line.hang_up()
        of_awake = [one async for one in rest(awake)]
        of_asleep = [one async for one in rest(asleep)]

    assert of_awake[-1] == of_asleep[-1] == audio_wire.End()
    assert len([one for one in of_awake if isinstance(one, Audio)]) == 250
    kept = len([one for one in of_asleep if isinstance(one, Audio)])
    missed = sum(one.dropped_ms for one in of_asleep if isinstance(one, audio_wire.Behind))
    assert missed > 1000
    assert missed + kept * 20 == pytest.approx(5000, abs=100)
    assert audio_wire.Cleared() in of_asleep


async def test_a_client_that_takes_nothing_for_long_is_gone(house: House) -> None:
    async with line_at_hand(house) as line, listen_without_reading(house, line.call) as asleep:
        await begun(asleep)
        await voice_crosses(line, seconds=20)
        await left(line, 0)
        await line.reached()
        asleep.transport.abort()

    assert listening(house) == [("asleep", True, 1), ("asleep", False, 0)]


async def test_a_client_that_breaks_is_let_go_of(house: House) -> None:
    async with line_at_hand(house) as line:
        ears = await listen(house, line.call)
        await begun(ears)
        ears.transport.abort()
        await line.hears(VOICE)
        await left(line, 0)
        assert not line.line.audio._listeners[1:]
        await line.hang_up()

    assert listening(house)[-1] == ("ann", False, 0)
    assert not of_kind(house, events.Error)
