"""What a softphone may send, and what it is sent when it sends nonsense, too much, or reads nothing."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from simulator.phone.messages import EAR, HEAD, MICROPHONE, Pong
from simulator.phone.outbox import MOST_AUDIO, MOST_MESSAGES, Outbox
from simulator.server import Simulator
from tests.simulator.conftest import Bot
from tests.simulator.phone_house import frame, noise, softphone

NUMBER = "+15550100671"


async def test_the_token_is_needed(simulator: Simulator) -> None:
    url = f"ws://127.0.0.1:{simulator.port}/sim/phone"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=headers, proxy=None)
        assert refused.value.response.status_code == 401


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "register", "number": "123"}, "register", "number must be a phone number in +E164 format"),
    (
        {"type": "register", "number": NUMBER, "order": {"wav": "x"}},
        "register",
        "At a phone a person speaks: leave wav",
    ),
    (
        {"type": "register", "number": NUMBER, "order": {"codec": "AMR-WB"}},
        "register",
        "The simulated line carries",
    ),
    (
        {"type": "dial", "order": {}},
        "dial",
        "Give exactly one of texml_url, stream_url, stream, connection_id and sip.",
    ),
    ({"type": "dial", "order": {"connection_id": "7"}}, "dial", "There is no connection '7'"),
    ({"type": "dial", "order": {"texml_url": "http://x", "script": {}}}, "dial", "At a phone a person speaks"),
    (
        {"type": "dial", "order": {"texml_url": "http://x", "noise": {"file": "/none", "snr_db": 15}}},
        "dial",
        "There is no file '/none' to be the noise.",
    ),
    (
        {"type": "dial", "order": {"texml_url": "http://x", "noise": {"file": "/none", "snr_db": 99}}},
        "dial",
        "The order is not valid: snr_db must be between -20 and 60, not 99.0",
    ),
    ({"type": "accept"}, "accept", "Nobody calls: there is nothing to accept."),
    ({"type": "decline"}, "decline", "Nobody calls: there is nothing to decline."),
    ({"type": "key", "digit": "5"}, "key", "There is no call to press a key in."),
    ({"type": "key", "digit": "E"}, "key", "A key is one of 0-9, A-D, * and #, not 'E'."),
    ({"type": "ping", "id": -1}, "message", "The message is not valid"),
    ({"type": "ping", "id": 2**70}, "message", "The message is not valid"),
    ({"type": "sing"}, "message", "The message is not valid"),
    ({"type": "accept", "now": True}, "message", "The message is not valid"),
]


async def test_what_cannot_be_done_is_refused_in_a_sentence(simulator: Simulator) -> None:
    async with softphone(simulator) as phone:
        for count, (message, of, sentence) in enumerate(REFUSED, 1):
            await phone.socket.send(json.dumps(message))
            refused = await phone.until("refused", count)
            assert (refused["of"], refused["message"][: len(sentence)]) == (of, sentence)
        await phone.socket.send("[" * 100_000)
        assert (await phone.until("refused", len(REFUSED) + 1))["of"] == "message"
        await phone.send("hang_up")
        await phone.register(NUMBER)


async def test_garbage_in_a_call_ends_neither_the_call_nor_the_phone(simulator: Simulator, bot: Bot) -> None:
    """Frames of every wrong length and head, and messages with bytes changed; then all is as before."""
    dice = random.Random(5)
    good = [
        b'{"type":"key","digit":"5"}',
        b'{"type":"ping","id":7}',
        b'{"type":"register","number":"+15550100672"}',
    ]
    async with softphone(simulator) as phone:
        await phone.send("dial", order={"stream_url": bot.stream_url})
        await phone.until("answered")
        stream = await bot.streams.get()
        for _ in range(150):
            message = bytearray(dice.choice(good))
            for _ in range(dice.randint(1, 4)):
                message[dice.randrange(len(message))] = dice.randrange(128)
            await phone.socket.send(message.decode())
            await phone.socket.send(dice.randbytes(dice.choice((0, 5, 12, 331, 333, 4000))))
        for head in ((EAR, 0, 80, 0), (MICROPHONE, 1, 80, 0), (MICROPHONE, 0, 160, 0)):
            await phone.socket.send(HEAD.pack(*head) + bytes(320))
        refused = await phone.until("refused", 150 + 3)
        await phone.send("ping", id=4321)
        await phone.until_told({"type": "pong", "id": 4321})
        said = noise(0.02, 8000)
        before = len(stream.of("media"))
        await phone.socket.send(frame(said, 8000))
        await stream.until("media", before + 2)
        leg = next(leg for leg in simulator.exchange.all_legs() if leg.hangup is None)
        assert leg.warnings == []

    assert refused["message"].endswith(".")


async def test_a_phone_that_falls_silent_counts_as_gone(
    simulator: Simulator, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It neither reads nor sends, and its connection stays."""
    monkeypatch.setattr("simulator.phone.phone_call._GONE_SECONDS", 0.5)
    url = f"ws://127.0.0.1:{simulator.port}/sim/phone"
    headers = {"Authorization": f"Bearer {simulator.token}"}
    async with connect(url, additional_headers=headers, proxy=None, max_queue=1) as socket:
        await socket.send(json.dumps({"type": "dial", "order": {"stream_url": bot.stream_url}}))
        stream = await bot.streams.get()
        await stream.closed.wait()
        (leg,) = simulator.exchange.all_legs()
        assert leg.warnings == ["The phone sent nothing for 0.5 s and counts as gone."]
        socket.transport.abort()


async def test_what_waits_for_a_slow_phone_is_bounded() -> None:
    outbox = Outbox()
    for number in range(MOST_AUDIO + 10):
        outbox.play(bytes([number]))
        outbox.tell(Pong(id=number))
    assert (outbox.dropped, outbox.overrun) == (10, False)
    first = [await outbox.next() for _ in range(4)]
    assert first == [b"\0", '{"type":"pong","id":0}', b"\1", '{"type":"pong","id":1}']
    for number in range(MOST_MESSAGES):
        outbox.tell(Pong(id=number))
    assert outbox.overrun
