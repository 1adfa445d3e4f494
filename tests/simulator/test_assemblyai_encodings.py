"""Every encoding that v3 takes ends up as the same sound."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import numpy as np
import pytest

from simulator.assemblyai.audio_input import audio_input
from simulator.assemblyai.errors import SessionRefused
from simulator.assemblyai.ogg import NotOgg, OggPackets
from simulator.audio import ulaw_encode
from tests.simulator.assemblyai_house import hearing

SECOND = (8000 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.int16)


def encoded(codec: str, container: str | None = None) -> list[bytes]:
    """A second of 440 Hz as packets, or as one stream in a container."""
    frame = av.AudioFrame.from_ndarray(SECOND.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 16_000
    if container is None:
        context = av.CodecContext.create(codec, "w")
        context.sample_rate, context.layout, context.format = 16_000, "mono", "s16"
        return [bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=16_000)
        stream.layout = "mono"
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return [file.getvalue()]


def in_pieces(stream: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(stream), size):
        yield stream[start : start + size]


STREAMS = {
    "pcm_s16le": lambda: list(in_pieces(SECOND.tobytes(), 1601)),
    "pcm_mulaw": lambda: list(in_pieces(ulaw_encode(SECOND), 800)),
    "opus": lambda: encoded("libopus"),
    "ogg_opus": lambda: list(in_pieces(encoded("libopus", "ogg")[0], 333)),
    "aac": lambda: list(in_pieces(encoded("aac", "adts")[0], 333)),
}


@pytest.mark.parametrize("encoding", STREAMS)
def test_a_tone_is_the_same_tone_however_it_comes(encoding):
    audio = audio_input(encoding, 16_000)
    samples = np.concatenate([audio.decode(message) for message in STREAMS[encoding]()])
    assert audio.rate == 16_000
    assert audio.timed is encoding.startswith("pcm")
    assert len(samples) == pytest.approx(16_000, abs=2000)
    middle = samples[4000:12_000].astype(float)
    loudest = np.abs(np.fft.rfft(middle)).argmax() * 16_000 / len(middle)
    assert loudest == pytest.approx(440, abs=4)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(8000 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("encoding", ["opus", "ogg_opus", "aac"])
async def test_a_session_takes_a_stream_that_describes_itself(encoding):
    async with hearing() as (stand_in, _, _), stand_in.session(f"encoding={encoding}&sample_rate=96000") as client:
        for message in STREAMS[encoding]():
            await client.socket.send(message)
        await client.send(type="Terminate")
        begin, *_, termination = await client.rest()
    assert begin["type"] == "Begin"
    assert termination["audio_duration_seconds"] in (0, 1)


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("opus", b"\xff" * 500),
        ("ogg_opus", b"not an Ogg stream at all"),
        ("aac", np.random.default_rng(7).bytes(500_000)),
    ],
)
def test_what_is_no_audio_is_refused(encoding, message):
    audio = audio_input(encoding, 16_000)
    with pytest.raises(SessionRefused, match=f"Invalid {encoding} audio") as refused:
        audio.decode(message)
    assert refused.value.code == 3006


def test_an_ogg_packet_may_go_on_over_pages_and_none_grows_without_end():
    def page(flags: int, body: bytes, *segments: int) -> bytes:
        return b"OggS\0" + bytes([flags]) + bytes(20) + bytes([len(segments), *segments]) + body

    packets = OggPackets()
    assert packets.push(page(0, b"a" * 258, 255, 3)) == [b"a" * 258]
    assert packets.push(page(0, b"b" * 255, 255)) == []
    assert packets.push(page(1, b"c" * 4, 2, 2)) == [b"b" * 255 + b"cc", b"cc"]
    endless = page(1, bytes(255 * 255), *[255] * 255)
    with pytest.raises(NotOgg, match="longer than 64 KB"):
        packets.push(endless * 3)
