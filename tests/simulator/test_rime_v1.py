"""Rime's WebSocket v1, in both encodings, on the bare socket."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rime_api import text_to_speech_pb2 as proto
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator.rime.v1_wire import BINARY, JSON, Undecodable, decode
from tests.simulator.rime_house import open_socket, speaks, spoken


class Client:
    """Envelopes over one socket."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.binary = socket.subprotocol == BINARY

    async def send(self, **fields: Any) -> None:
        request = proto.WebSocketRequest(**fields)
        await self.socket.send(request.SerializeToString() if self.binary else json_format.MessageToJson(request))

    async def start(self, context: str, **more: Any) -> None:
        audio = proto.AudioParameters(audio_format="audio/pcm", sampling_rate=8000)
        start = {"speaker": "astra", "language": "en", "audio_parameters": audio, **more}
        await self.send(context_id=context, start=proto.SynthesisRequest(**start))

    async def receive(self) -> proto.WebSocketResponse:
        message = await self.socket.recv()
        assert isinstance(message, bytes) == self.binary
        response = proto.WebSocketResponse()
        if self.binary:
            response.ParseFromString(message)
        else:
            json_format.Parse(message, response)
        return response

    async def until(self, context: str, kind: str) -> tuple[bytes, proto.WebSocketResponse]:
        """The sound of a context up to its event of one kind, and that."""
        audio = b""
        while True:
            response = await self.receive()
            if response.context_id != context:
                continue
            audio += response.audio
            if response.WhichOneof("payload") == kind:
                return audio, response


def connected(simulator: Any, *subprotocols: str) -> Any:
    return open_socket(simulator, "", "/ws", subprotocols=subprotocols or None)


@speaks
@pytest.mark.parametrize("subprotocol", [BINARY, JSON])
async def test_a_context_is_one_sound_that_ends_after_its_input(simulator, subprotocol):
    async with connected(simulator, subprotocol) as socket:
        client = Client(socket)
        ready = await client.receive()
        assert (ready.ready.protocol, ready.context_id) == (1, "")
        await client.start("a", timestamps=proto.TimestampOptions(enable=True))
        assert (await client.receive()).started.request_id
        await client.send(context_id="a", text="Good morning. ")
        await client.send(context_id="a", text="How are you? ")
        await client.send(context_id="a", end={})
        audio, last = await client.until("a", "done")
        sentences = [(await spoken(simulator, text)).tobytes() for text in ("Good morning. ", "How are you? ")]
        assert audio == b"".join(sentences)
        spans = last.done.timestamps.spans
        assert [span.text for span in spans] == ["Good", "morning.", "How", "are", "you?"]
        assert spans[2].start.ToMilliseconds() >= len(sentences[0]) // 16 - 1
        # A name is free again after the last event.
        await client.start("a", text="All at once.")
        audio, _ = await client.until("a", "done")
        assert audio == (await spoken(simulator, "All at once.")).tobytes()


@speaks
async def test_contexts_live_side_by_side_and_a_cancelled_one_is_silent(simulator):
    async with connected(simulator, BINARY) as socket:
        client = Client(socket)
        await client.start("old")
        await client.send(context_id="old", text="This is a rather long sentence that nobody wants to hear out. ")
        await client.until("old", "audio")
        await client.start("new", text="Hello.")
        await client.send(context_id="old", cancel={})
        kinds: list[tuple[str, str | None]] = []
        while ("new", "done") not in kinds:
            response = await client.receive()
            kinds.append((response.context_id, response.WhichOneof("payload")))
        assert ("old", "done") not in kinds
        assert all(context == "new" for context, _ in kinds[kinds.index(("old", "cancelled")) + 1 :])
        # Cancelling what is not there is no error.
        await client.send(context_id="old", cancel={})
        assert (await client.receive()).WhichOneof("payload") == "cancelled"


@speaks
async def test_pieces_are_gathered_to_sentences_when_that_is_asked(simulator):
    async with connected(simulator) as socket:
        assert socket.subprotocol is None
        client = Client(socket)
        await client.start("a", split_strategy=proto.SPLIT_STRATEGY_ACCUMULATE_SENTENCE)
        for piece in ("Good ", "morning", ". ", "Bye"):
            await client.send(context_id="a", text=piece)
        await client.send(context_id="a", end={})
        audio, _ = await client.until("a", "done")
        assert audio == b"".join([(await spoken(simulator, text)).tobytes() for text in ("Good morning. ", "Bye")])


async def test_what_a_context_cannot_do_ends_that_context_alone(simulator):
    async with connected(simulator, BINARY) as socket:
        client = Client(socket)
        await client.receive()
        wrong = [{"speaker": "nobody"}, {"speaker": ""}, {"audio_parameters": {"audio_format": "audio/mpeg"}}]
        for more in wrong:
            await client.start("a", **more)
            response = await client.receive()
            assert (response.context_id, response.error.kind) == ("a", "invalid_input")
        await client.send(context_id="a", text="Nobody opened this. ")
        assert (await client.receive()).error.kind == "invalid_input"
        await client.send()
        assert (await client.receive()).error.message


async def test_a_frame_that_is_no_envelope_closes_the_connection(simulator):
    async with connected(simulator, JSON) as socket:
        client = Client(socket)
        await client.receive()
        await socket.send("nonsense")
        response = await client.receive()
        assert (response.context_id, response.error.kind) == ("", "invalid_input")
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_no_key_no_socket(simulator):
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(simulator, "", "/ws", key=None, subprotocols=[BINARY])
    assert refused.value.response.status_code == 401


def test_the_simulator_starts_without_what_few_need() -> None:
    loaded = "import simulator.server, sys; print({name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    packages = ast.literal_eval(done.stdout)
    assert "starlette" in packages
    assert not packages & {"google", "rime_api", "aiosipua", "aiortp", "av"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(), st.binary()))
def test_any_frame_is_decoded_or_refused(message: str | bytes) -> None:
    try:
        request = decode(message)
    except Undecodable:
        return
    assert isinstance(request, proto.WebSocketRequest)
