"""What the application's frames do: play-out, marks, clear, MP3, refusals, and the findings they leave."""

from __future__ import annotations

import asyncio
import base64
import json

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.audio import ulaw_decode, ulaw_encode
from simulator.telnyx.findings import Findings
from simulator.telnyx.media.downlink import Downlink
from simulator.telnyx.media.incoming import FrameError, RefusedFrame, parse
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.wire import FrameWriter
from tests.simulator.media_house import house, similarity, speech

LEG = LegAudio()
FRAME = ulaw_encode(speech(0.02, 8000))


def mp3_of(seconds: float, rate: int = 16_000) -> bytes:
    import io

    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        track = container.add_stream("libmp3lame", rate=rate)
        frame = av.AudioFrame.from_ndarray(speech(seconds, rate).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return file.getvalue()


async def test_a_mark_comes_back_when_the_audio_before_it_has_been_played() -> None:
    async with house() as at:
        await at.application.mark("at once")
        await at.application.until("mark", 1)
        await at.application.play(FRAME * 2)
        await at.application.mark("after two frames")
        await at.application.play(FRAME)
        await at.application.mark("after three frames")
        await at.application.settled(at.stream)
        heard_at: list[int] = []
        for _ in range(5):
            at.stream.hear()
            await at.application.settled(at.stream)
            heard_at.append(len(at.application.of("mark")))
        names = [frame["mark"]["name"] for frame in at.application.of("mark")]
    assert heard_at == [1, 1, 2, 3, 3]
    assert names == ["at once", "after two frames", "after three frames"]


async def test_clear_silences_at_once_and_returns_every_mark() -> None:
    async with house() as at:
        await at.application.play(FRAME * 10)
        await at.application.mark("one")
        await at.application.play(FRAME * 10)
        await at.application.mark("two")
        await at.application.settled(at.stream)
        assert at.stream.hear() is not None
        assert at.stream.queued_ms == 380
        await at.application.send({"event": "clear"})
        await at.application.settled(at.stream)
        assert at.stream.queued_ms == 0
        assert at.stream.hear() is None
        assert [frame["mark"] for frame in await at.application.until("mark", 2)] == [
            {"name": "one"},
            {"name": "two"},
        ]
        await at.application.mark("three")
        await at.application.until("mark", 3)


@pytest.mark.parametrize(
    ("message", "code", "title", "rule"),
    [
        ("not json", 100003, "malformed_frame", "malformed-frame"),
        ("[1]", 100003, "malformed_frame", "malformed-frame"),
        ('{"event":"play"}', 100003, "malformed_frame", "malformed-frame"),
        ('{"event":5}', 100003, "malformed_frame", "malformed-frame"),
        ('{"event":"media"}', 100003, "malformed_frame", "malformed-frame"),
        ('{"event":"mark","mark":{}}', 100003, "malformed_frame", "malformed-frame"),
        ('{"event":"clear","x":' + "[" * 50_000, 100003, "malformed_frame", "malformed-frame"),
        (b"\xff" * 160, 100003, "malformed_frame", "binary-frame"),
        ('{"event":"media","media":{"payload":"***"}}', 100004, "invalid_media", "invalid-payload"),
        ('{"event":"media","media":{"payload":"/w"}}', 100004, "invalid_media", "invalid-payload"),
        ('{"event":"media","media":{"payload":""}}', 100004, "invalid_media", "invalid-payload"),
    ],
)
async def test_what_telnyx_would_not_take_is_answered_and_named(message, code: int, title: str, rule: str) -> None:
    async with house() as at:
        await at.application.send(message)
        (frame,) = await at.application.until("error")
        await at.application.play(FRAME)
        await at.application.mark("still here")
        await at.application.settled(at.stream)
        assert at.stream.hear() is not None
    assert frame["stream_id"] == at.stream.stream_id
    assert (frame["payload"]["code"], frame["payload"]["title"]) == (code, title)
    assert frame["payload"]["detail"]
    assert rule in at.found


async def test_chunks_have_a_least_and_a_most_length() -> None:
    async with house() as at:
        await at.application.play(FRAME * 1500)
        await at.application.settled(at.stream)
        assert at.stream.queued_ms == 30_000
        assert not at.found
        await at.application.play(FRAME * 1500 + b"\xff")
        (frame,) = await at.application.until("error")
        await at.application.play(FRAME[:80])
        await at.application.play(FRAME + FRAME[:80])
        await at.application.settled(at.stream)
        assert at.stream.queued_ms == 30_040
    assert frame["payload"]["code"] == 100004
    assert set(at.found) >= {"long-chunk", "short-chunk", "odd-chunk"}
    assert at.found["short-chunk"] == ["10 ms, 80 bytes"]


async def test_more_than_ten_minutes_are_refused() -> None:
    async with house() as at:
        for _ in range(20):
            await at.application.play(FRAME * 1500)
        await at.application.play(FRAME)
        (frame,) = await at.application.until("error")
        assert at.stream.queued_ms == 600_000
    assert frame["payload"]["code"] == 100005
    assert "flood" in at.found


async def test_half_a_sample_of_linear_audio_is_refused() -> None:
    async with house(send_codec="L16") as at:
        await at.application.play(bytes(321))
        (frame,) = await at.application.until("error")
    assert frame["payload"]["code"] == 100004
    assert "odd number of bytes" in frame["payload"]["detail"]


async def test_bytes_that_are_no_opus_packet_are_refused() -> None:
    async with house(send_codec="OPUS") as at:
        await at.application.play(b"\xff" * 160)
        (frame,) = await at.application.until("error")
        assert at.stream.hear() is None
    assert frame["payload"]["code"] == 100004
    assert "wrong-codec" in at.found


async def test_an_mp3_file_is_played_and_its_mark_comes_after_it() -> None:
    async with house(mode="mp3") as at:
        await at.application.play(mp3_of(0.4))
        await at.application.mark("played")
        while not at.stream.queued_ms:
            await asyncio.sleep(0)
            await at.application.settled(at.stream)
        ticks = at.stream.queued_ms // 20 + 1
        assert 20 <= ticks <= 27
        await at.application.settled(at.stream)
        assert not at.application.of("mark")
        heard = at.hear(ticks, LEG)
        at.stream.hear()
        await at.application.until("mark")
    snr, _ = similarity(heard, speech(0.4, 8000), 1000)
    assert snr > 8
    assert not at.found


async def test_mp3_files_come_once_a_second_at_most() -> None:
    async with house(mode="mp3") as at:
        file = mp3_of(0.1)
        await at.application.play(file)
        await at.application.play(file)
        (frame,) = await at.application.until("error")
    assert frame["payload"]["code"] == 100005
    assert frame["payload"]["title"] == "rate_limit_reached"
    assert "mp3-too-often" in at.found


async def test_raw_audio_in_mp3_mode_is_silence_and_named() -> None:
    async with house(mode="mp3") as at:
        for _ in range(3):
            await at.application.play(FRAME)
        errors = await at.application.until("error", 3)
        assert at.stream.hear() is None
    assert {frame["payload"]["code"] for frame in errors} == {100004}
    assert list(at.found) == ["mp3-mode"]


async def test_a_broken_mp3_file_is_refused_and_clear_forgets_one_that_waits() -> None:
    async with house(mode="mp3") as at:
        await at.application.play(b"ID3" + bytes(200))
        await at.application.until("error")
        assert "mp3-mode" in at.found
    async with house(mode="mp3") as at:
        await at.application.play(mp3_of(2))
        await at.application.mark("never played")
        await at.application.send({"event": "clear"})
        await at.application.until("mark")
        await at.application.settled(at.stream)
        await asyncio.to_thread(lambda: None)
        assert at.stream.queued_ms == 0


@pytest.mark.parametrize(
    ("declared", "sent", "rule"),
    [
        ("PCMU", "pcma", "wrong-codec"),
        ("PCMA", "pcmu", "wrong-codec"),
        ("PCMU", "pcm16", "wrong-codec"),
        ("L16", "pcmu", "wrong-codec"),
        ("L16", "swapped", "wrong-codec"),
        ("G722", "pcmu", "wrong-codec"),
        ("PCMU", "wav", "wav-header"),
        ("PCMU", "mp3", "wav-header"),
        ("PCMU", "pcmu", None),
        ("PCMA", "pcma", None),
        ("L16", "pcm16", None),
        ("G722", "g722", None),
        ("PCMU", "noise", None),
        ("PCMU", "silence", None),
    ],
)
def test_the_inspector_names_a_wrong_codec(declared, sent: str, rule: str | None) -> None:
    from simulator.audio import alaw_encode
    from simulator.telnyx.media.ffmpeg import G722Encoder

    narrow, wide = speech(4, 8000), speech(4, 16_000)
    noise = np.random.default_rng(1).integers(-9000, 9000, 32_000).astype(np.int16)
    data = {
        "pcmu": ulaw_encode(narrow),
        "pcma": alaw_encode(narrow),
        "pcm16": narrow.tobytes(),
        "swapped": narrow.astype(">i2").tobytes(),
        "g722": G722Encoder().encode(wide),
        "wav": b"RIFF" + bytes(40) + ulaw_encode(narrow),
        "mp3": mp3_of(1),
        "noise": ulaw_encode(noise),
        "silence": b"\xff" * 32_000,
    }[sent]
    answers = Answers()
    findings = Findings()
    downlink = Downlink(
        StreamOptions("ws://x", mode="rtp", send_codec=declared), LEG, findings, answers, big_endian=False
    )
    size = 320 if declared == "L16" else 160
    for start in range(0, len(data) - size, size):
        payload = base64.b64encode(data[start : start + size]).decode()
        downlink.receive(json.dumps({"event": "media", "stream_id": "echoed", "media": {"payload": payload}}))
    found = {finding["rule"] for finding in findings.report()}
    assert found == (set() if rule is None else {rule})


@pytest.mark.parametrize(("chunks_per_tick", "named"), [(1, False), (2, True), (3, True)])
def test_a_wrong_rate_is_the_same_ratio_second_by_second(chunks_per_tick: int, named: bool) -> None:
    findings = Findings()
    downlink = Downlink(StreamOptions("ws://x", mode="rtp"), LEG, findings, Answers(), big_endian=False)
    message = json.dumps({"event": "media", "media": {"payload": base64.b64encode(FRAME).decode()}})
    for _ in range(300):
        for _ in range(chunks_per_tick):
            downlink.receive(message)
        downlink.hear()
    assert ("wrong-rate" in {finding["rule"] for finding in findings.report()}) is named


def test_a_burst_is_no_wrong_rate() -> None:
    findings = Findings()
    downlink = Downlink(StreamOptions("ws://x", mode="rtp"), LEG, findings, Answers(), big_endian=False)
    message = json.dumps({"event": "media", "media": {"payload": base64.b64encode(FRAME * 100).decode()}})
    for tick in range(600):
        if tick % 100 == 0:
            downlink.receive(message)
        downlink.hear()
    assert not findings.report()


class Answers:
    def __init__(self) -> None:
        self.marks: list[str] = []
        self.errors: list[RefusedFrame] = []

    def reached(self, mark: str) -> None:
        self.marks.append(mark)

    def refused(self, refused: RefusedFrame) -> None:
        self.errors.append(refused)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
almost_frames = st.fixed_dictionaries(
    {"event": st.sampled_from(["media", "mark", "clear", "stop"]) | json_values},
    optional={
        "media": json_values
        | st.fixed_dictionaries({"payload": json_values | st.binary().map(base64.b64encode).map(bytes.decode)}),
        "mark": json_values | st.fixed_dictionaries({"name": json_values}),
    },
).map(json.dumps)
messages = st.text() | st.binary() | json_values.map(json.dumps) | almost_frames


def refusal(message: str | bytes) -> RefusedFrame | None:
    try:
        parse(message)
    except RefusedFrame as refused:
        return refused
    return None


@settings(max_examples=200, deadline=None)
@given(messages)
def test_parsing_refuses_or_understands_and_nothing_else(message: str | bytes) -> None:
    refused = refusal(message)
    if refused is not None:
        assert refused.code in tuple(FrameError)
        frame = json.loads(FrameWriter("id").error(refused))
        assert frame == {
            "event": "error",
            "stream_id": "id",
            "payload": {"code": refused.code, "title": refused.code.title, "detail": refused.detail},
        }


@pytest.mark.parametrize("options", [{}, {"send_codec": "L16"}, {"send_codec": "G722"}, {"send_codec": "OPUS"}])
def test_no_message_breaks_the_downlink(options) -> None:
    @settings(max_examples=100, deadline=None)
    @given(st.lists(messages, max_size=8))
    def tried(sent: list[str | bytes]) -> None:
        answers = Answers()
        downlink = Downlink(
            StreamOptions("ws://x", mode="rtp", **options), LEG, Findings(), answers, big_endian=False
        )
        for message in sent:
            downlink.receive(message)
            heard = downlink.hear()
            assert heard is None or 0 < len(heard) <= 160
        assert len(answers.errors) <= len(sent)
        assert len(answers.marks) <= len(sent)

    tried()


@pytest.mark.parametrize("length", [1, 159, 161])
def test_audio_of_any_length_is_played_to_its_last_sample(length: int) -> None:
    downlink = Downlink(StreamOptions("ws://x", mode="rtp"), LEG, Findings(), Answers(), big_endian=False)
    payload = bytes(number % 256 for number in range(length))
    downlink.receive(json.dumps({"event": "media", "media": {"payload": base64.b64encode(payload).decode()}}))
    heard = [downlink.hear() for _ in range(3)]
    pieces = [samples for samples in heard if samples is not None]
    assert np.concatenate(pieces).tolist() == ulaw_decode(payload).tolist()
