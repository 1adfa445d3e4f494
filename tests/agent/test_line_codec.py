"""The codecs of a media stream, and which of them a call asks for."""

from __future__ import annotations

import numpy as np
import pytest

from agent import settings
from agent.carriers.line_codec import LineFormat, announced_format, wanted_format
from agent.carriers.telnyx_media import BadMessage, MediaFormat
from agent.line_meter import Samples

FORMATS = [
    (LineFormat("PCMU", 8000), 160, 35),
    (LineFormat("PCMA", 8000), 160, 35),
    (LineFormat("L16", 8000), 320, 90),
    (LineFormat("L16", 16_000), 640, 90),
    (LineFormat("L16", 16_000, "big"), 640, 90),
    (LineFormat("G722", 16_000), 160, 15),
]


def voice(rate: int) -> Samples:
    """Two seconds of harmonics whose pitch wanders, up to a third of the rate."""
    t = np.arange(2 * rate) / rate
    phase = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * 3 * t)) / rate
    wave = sum(np.sin(n * phase) / n for n in range(1, rate // 3 // 140))
    return (wave / np.abs(wave).max() * 12_000).astype(np.int16)


@pytest.mark.parametrize(("form", "frame_bytes", "least_db"), FORMATS, ids=lambda part: str(part))
def test_what_is_encoded_is_heard_again(form: LineFormat, frame_bytes: int, least_db: float) -> None:
    said = voice(form.rate)
    encode, decode = form.encoder(), form.decoder()
    frames = [encode(frame.tobytes()) for frame in said.reshape(-1, form.rate // 50)]
    heard = np.concatenate([decode(frame) for frame in frames])

    assert {len(frame) for frame in frames} == {frame_bytes}
    assert len(heard) == len(said)
    # G.722's filters hold back 22.5 samples.
    late = 23 if form.encoding == "G722" else 0
    noise = heard[late:].astype(float) - said[: len(said) - late]
    assert 10 * np.log10(np.mean(said.astype(float) ** 2) / (np.mean(noise**2) + 1e-9)) > least_db


@pytest.mark.parametrize(("order", "wire"), [("little", b"\x02\x01\xff\x7f"), ("big", b"\x01\x02\x7f\xff")])
def test_l16_has_the_byte_order_that_was_set(order: settings.ByteOrder, wire: bytes) -> None:
    form = LineFormat("L16", 16_000, order)
    samples = np.array([0x0102, 0x7FFF], np.int16)

    assert form.encoder()(samples.tobytes()) == wire
    assert form.decoder()(wire).tolist() == samples.tolist()


@pytest.mark.parametrize("order", ["little", "big"])
def test_half_a_sample_is_refused(order: settings.ByteOrder) -> None:
    with pytest.raises(BadMessage, match="3 bytes"):
        LineFormat("L16", 16_000, order).decoder()(b"\x00\x01\x02")


def test_g722_takes_pieces_of_any_length_and_fills_up_the_last_frame() -> None:
    form = LineFormat("G722", 16_000)
    encode, decode = form.encoder(), form.decoder()

    assert [len(encode(bytes(2 * samples))) for samples in (640, 320, 100, 1, 0, 320)] == [
        320,
        160,
        160,
        160,
        0,
        160,
    ]
    assert [len(decode(bytes(size))) for size in (160, 0, 1, 480, 160)] == [320, 0, 2, 960, 320]


@pytest.mark.parametrize(
    ("announced", "rate"),
    [
        (MediaFormat("PCMU", 8000), 8000),
        (MediaFormat("G722", 8000), 16_000),
        (MediaFormat("G722", 16_000), 16_000),
        (MediaFormat("L16", 16_000), 16_000),
        (MediaFormat("L16", 8000), 8000),
    ],
)
def test_the_rate_of_a_start_message_is_that_of_the_audio(announced: MediaFormat, rate: int) -> None:
    assert announced_format(announced, "big") == LineFormat(announced.encoding, rate, "big")


@pytest.mark.parametrize(
    ("environment", "band", "direction", "asked"),
    [
        ({}, "", "outbound", ("PCMU", 8000)),
        ({}, "hd", "outbound", ("L16", 16_000)),
        ({}, "hd", "inbound", ("G722", 16_000)),
        ({"SIDETONE_CODEC": "PCMA"}, "", "inbound", ("PCMA", 8000)),
        ({"SIDETONE_CODEC": "PCMA", "SIDETONE_BAND": "hd"}, "", "outbound", ("L16", 16_000)),
        ({"SIDETONE_CODEC": "PCMA", "SIDETONE_BAND": "hd"}, "narrow", "outbound", ("PCMA", 8000)),
        ({"SIDETONE_BAND": "HD"}, "wide", "inbound", ("G722", 16_000)),
    ],
)
def test_the_call_decides_and_then_the_settings(
    environment: dict[str, str], band: str, direction: str, asked: tuple[str, int]
) -> None:
    form = wanted_format(settings.read(environment), band, direction)
    assert (form.encoding, form.rate) == asked
