"""The frames of a stream on disk, read back, and played again to a real WebSocket server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import Server, ServerConnection, serve

from simulator.recording.disk import Disk
from simulator.recording.frames import FrameRecorder, head_of
from simulator.recording.replay import Replay, ReplayError, ReplayPlan, TimedFrame
from simulator.recording.replayer import Replayer, send_on_time
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.wire import connected

TOKEN = 'se"cret\\tökén-1234'
OPTIONS = StreamOptions("wss://user:pw@example.com/media/abc?key=hidden", auth_token=TOKEN)
MS = 1_000_000


class FakeClock:
    """Time that passes only when someone sleeps; `cost_ns` passes with every look at it."""

    def __init__(self, cost_ns: int = 0) -> None:
        self.ns = 5_000 * MS
        self.cost_ns = cost_ns

    def now_ns(self) -> int:
        self.ns += self.cost_ns
        return self.ns

    async def sleep_until(self, moment_ns: int) -> None:
        self.ns = max(self.ns, moment_ns)


class PatientClock(FakeClock):
    """A moment comes when the application has answered everything that was sent before it."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        self.application = application
        self.sleeps = 0

    async def sleep_until(self, moment_ns: int) -> None:
        async with self.application.turn:
            await self.application.turn.wait_for(lambda: len(self.application.got) >= self.sleeps)
        self.sleeps += 1
        await super().sleep_until(moment_ns)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.close()


def unforeseen(sentence: str) -> None:
    raise AssertionError(sentence)


class Application:
    """A WebSocket server that keeps what it was sent and answers each text with `answer`."""

    def __init__(self) -> None:
        self.got: list[str | bytes] = []
        self.token: str | None = None
        self.close_code: int | None = None
        self.answer: Callable[[str | bytes], str | bytes | None] = lambda message: None
        self.leave_after = 0
        self.turn = asyncio.Condition()

    async def __call__(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.token = socket.request.headers.get("x-telnyx-streaming-auth-token")
        async for message in socket:
            if (answer := self.answer(message)) is not None:
                await socket.send(answer)
            async with self.turn:
                self.got.append(message)
                self.turn.notify_all()
            if len(self.got) == self.leave_after:
                await socket.close(4001)
        self.close_code = socket.close_code


@pytest.fixture
async def application() -> AsyncIterator[tuple[Application, str]]:
    application = Application()
    server: Server
    async with serve(application, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield application, f"ws://127.0.0.1:{port}/media"


async def record(path: Path, disk: Disk, sent: list[tuple[int, str | bytes]], code: int | None = 1000) -> None:
    clock = FakeClock()
    recorder = FrameRecorder(path, head_of(OPTIONS), disk, unforeseen, auth_token=TOKEN, clock=clock.now_ns)
    for at_ms, message in sent:
        clock.ns = 5_000 * MS + at_ms * MS
        recorder.sent(message)
        recorder.received('{"event":"mark"}')
    if code is not None:
        clock.ns += 7 * MS
        recorder.ended(code)
    await recorder.close()


async def test_what_is_on_disk_has_times_and_exact_texts_but_no_secret(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "call.ndjson"
    odd = '{"event" : "media",\t"x":"\\u00e9é\\/ \U0001f600"}\r\n'
    await record(path, disk, [(0, connected(TOKEN)), (20, odd), (40, b"\x00\xff"), (60, '{"event":"stop"}')])
    text = path.read_text("utf-8")
    for secret in (TOKEN, json.dumps(TOKEN)[1:-1], "cret", "pw@", "hidden\n", "key="):
        assert secret not in text
    head, *lines = [json.loads(line) for line in text.splitlines()]
    assert head["sidetone_frames"] == 1
    assert head["url"] == "wss://example.com/media/…"
    assert head["auth_token"] is True
    assert head["options"]["track"] == "inbound_track"
    sent = [line for line in lines if line["dir"] == "sent"]
    assert [line["t_ns"] for line in sent] == [0, 20 * MS, 40 * MS, 60 * MS, 67 * MS]
    assert sent[1]["frame"] == odd
    assert sent[2]["b64"] == "AP8="
    assert sent[4]["close"] == 1000


async def test_a_token_that_an_application_repeats_is_hidden_too(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "call.ndjson"
    recorder = FrameRecorder(path, head_of(OPTIONS), disk, unforeseen, auth_token=TOKEN)
    recorder.received(TOKEN)
    recorder.received(json.dumps({"token": TOKEN}, ensure_ascii=False))
    recorder.received(TOKEN.encode())
    await recorder.close()
    assert "cret" not in path.read_text("utf-8")


async def test_a_record_can_be_read_while_it_is_written(tmp_path: Path, disk: Disk) -> None:
    path, clock = tmp_path / "call.ndjson", FakeClock()
    recorder = FrameRecorder(path, head_of(OPTIONS), disk, unforeseen, auth_token=TOKEN, clock=clock.now_ns)
    for _ in range(120):
        clock.ns += 20 * MS
        recorder.sent('{"event":"media"}')
    disk.finish(lambda: None).result(10)
    assert len(Replay.load(path).sent) == 100
    await recorder.close()
    assert len(Replay.load(path).sent) == 120


async def test_loaded_frames_are_the_ones_that_were_sent(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "call.ndjson"
    await record(path, disk, [(0, connected(TOKEN)), (20, "a"), (40, b"\x01"), (45, '{"event":"stop"}')], 1005)
    replay = Replay.load(path)
    assert (replay.received, replay.close_at_ns, replay.close_code) == (4, 52 * MS, 1005)
    plan = replay.plan("another token")
    assert plan.frames[0] == TimedFrame(0, connected("another token"))
    assert plan.frames[1:3] == (TimedFrame(20 * MS, "a"), TimedFrame(40 * MS, b"\x01"))
    with pytest.raises(ReplayError, match="had a stream_auth_token"):
        replay.plan()


async def test_a_socket_that_the_application_closed_is_not_closed_by_the_replay(
    tmp_path: Path, disk: Disk
) -> None:
    await record(tmp_path / "call.ndjson", disk, [(0, "a"), (20, "b")], code=4001)
    assert Replay.load(tmp_path / "call.ndjson").close_at_ns is None


HEAD = '{"sidetone_frames":1,"url":"","started_at":""}\n'
GOOD = '{"t_ns":5,"dir":"sent","frame":"a"}\n'


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("", 1, "is not the head"),
        (GOOD, 1, "is not the head"),
        ('{"sidetone_frames":2,"url":"","started_at":""}\n', 1, "says format 2"),
        (HEAD + "nonsense\n", 2, "is not a frame"),
        (HEAD + "\n", 2, "is not a frame"),
        (HEAD + GOOD + '{"t_ns":4,"dir":"sent","frame":"a"}\n', 3, "goes back in time"),
        (HEAD + GOOD + '{"t_ns":-1,"dir":"sent","frame":"a"}\n', 3, "t_ns outside"),
        (HEAD + '{"t_ns":86400000000001,"dir":"sent","frame":"a"}\n', 2, "t_ns outside"),
        (HEAD + '{"t_ns":5,"dir":"both","frame":"a"}\n', 2, "is not a frame"),
        (HEAD + '{"t_ns":5,"dir":"sent"}\n', 2, "one of frame, b64 and close"),
        (HEAD + '{"t_ns":5,"dir":"sent","frame":"a","b64":""}\n', 2, "one of frame, b64 and close"),
        (HEAD + '{"t_ns":5,"dir":"sent","b64":"a"}\n', 2, "not base64"),
        (HEAD + '{"t_ns":5,"dir":"sent","b64":"é"}\n', 2, "not base64"),
        (HEAD + '{"t_ns":5,"dir":"sent","frame":"\\ud800"}\n', 2, "is not a frame"),
        (HEAD + '{"t_ns":5,"dir":"sent","close":99}\n', 2, "close code outside"),
        (HEAD + '{"t_ns":5,"dir":"sent","close":1000}\n' + GOOD, 3, "after the socket was closed"),
        (HEAD + '{"t_ns":5,"dir":"sent","fram":"a"}\n', 2, "is not a frame"),
        (HEAD + GOOD + GOOD[:-1], 3, "was cut off"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: str, line: int, what: str) -> None:
    path = tmp_path / "call.ndjson"
    path.write_text(content, "utf-8")
    with pytest.raises(ReplayError) as caught:
        Replay.load(path)
    assert str(caught.value).startswith(f"{path}, line {line} ")
    assert what in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"call\.ndjson cannot be read: No such file"):
        Replay.load(tmp_path / "call.ndjson")
    with pytest.raises(ReplayError, match="Is a directory"):
        Replay.load(tmp_path)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner),
    max_leaves=2,
)
_lines = st.one_of(
    st.binary(max_size=30),
    st.dictionaries(st.sampled_from(["t_ns", "dir", "frame", "b64", "close"]), _values).map(
        lambda line: json.dumps(line).encode()
    ),
    st.builds(
        lambda t, side, text: json.dumps({"t_ns": t, "dir": side, "frame": text}).encode(),
        st.integers(-5, 50),
        st.sampled_from(["sent", "received"]),
        st.text(max_size=5),
    ),
)


@settings(max_examples=100, deadline=None)
@given(st.booleans(), st.lists(_lines, max_size=4), st.booleans())
def test_no_file_raises_anything_else(with_head: bool, lines: list[bytes], ended: bool) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.ndjson"
        path.write_bytes((HEAD.encode() if with_head else b"") + b"\n".join(lines) + (b"\n" if ended else b""))
        try:
            replay = Replay.load(path)
        except ReplayError:
            return
        assert replay.received + len(replay.plan().frames) <= len(lines)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50 * MS), st.integers(0, 40 * MS)), max_size=30))
async def test_the_schedule_is_absolute(steps: list[tuple[int, int]]) -> None:
    """A sending that takes long makes the next frames late, and none of them later than it must be."""
    clock = FakeClock()
    start, at = clock.ns, 0
    frames: list[TimedFrame] = []
    for gap, _ in steps:
        at += gap
        frames.append(TimedFrame(at, str(at)))
    costs = iter(cost for _, cost in steps)
    begun: list[int] = []
    late: list[int] = []

    async def send(message: str | bytes) -> None:
        begun.append(clock.ns - start)
        clock.ns += next(costs)

    await send_on_time(ReplayPlan(tuple(frames)), send, clock, late.append)
    free = 0
    for frame, moment, lateness, (_, cost) in zip(frames, begun, late, steps, strict=True):
        assert moment == max(frame.at_ns, free)
        assert lateness == moment - frame.at_ns
        free = moment + cost


async def test_the_same_bytes_arrive_in_the_same_order(
    tmp_path: Path, disk: Disk, application: tuple[Application, str]
) -> None:
    server, url = application
    server.answer = lambda message: f"to {message!r}"
    sent: list[tuple[int, str | bytes]] = [(0, connected(TOKEN))]
    sent += [(20 * n, f'{{"event":"media", "n":{n}, "é":"\\u00e9"}}') for n in range(1, 60)]
    sent += [(1200, b"\x00binary"), (1201, '{"event":"stop"}')]
    await record(tmp_path / "first.ndjson", disk, sent)
    token = "token of the new run"
    plan = Replay.load(tmp_path / "first.ndjson").plan(token)
    clock = PatientClock(server)

    def recorder() -> FrameRecorder:
        path = tmp_path / "second.ndjson"
        return FrameRecorder(path, head_of(OPTIONS), disk, unforeseen, auth_token=token, clock=clock.now_ns)

    summary = await Replayer(plan, url, clock=clock, record=recorder).run()
    assert server.got == [connected(token)] + [message for _, message in sent[1:]]
    assert server.token == token
    assert (summary.sent, summary.planned, summary.received) == (62, 62, 62)
    assert (summary.close_code, summary.closed_by) == (1000, "telnyx")
    assert server.close_code == 1000
    assert summary.late_ms(1.0) == 0
    again = Replay.load(tmp_path / "second.ndjson")
    assert again.sent == Replay.load(tmp_path / "first.ndjson").sent
    assert again.received == 62
    assert token not in (tmp_path / "second.ndjson").read_text("utf-8")
    assert "62 of 62 frames sent, 62 received; lateness p50 0.00 ms" in summary.sentence()


async def test_an_application_that_leaves_ends_the_replay(application: tuple[Application, str]) -> None:
    server, url = application
    server.leave_after = 2
    # The third frame is an hour away: only the application can end this replay in time.
    frames = (TimedFrame(0, "a"), TimedFrame(0, "b"), TimedFrame(3600 * 1000 * MS, "c"))
    summary = await Replayer(ReplayPlan(frames), url).run()
    assert server.got == ["a", "b"]
    assert (summary.sent, summary.planned) == (2, 3)
    assert (summary.close_code, summary.closed_by) == (4001, "application")


async def test_lateness_is_measured_on_the_given_clock(application: tuple[Application, str]) -> None:
    _, url = application
    frames = tuple(TimedFrame(n * 20 * MS, "a") for n in range(10))
    plan = ReplayPlan(frames, close_at_ns=200 * MS, close_code=1005)
    summary = await Replayer(plan, url, clock=FakeClock(cost_ns=3 * MS)).run()
    assert summary.late_ms(0.5) == summary.late_ms(1.0) == 3.0
    assert summary.close_code == 1000


async def test_an_application_that_cannot_be_reached_is_named(application: tuple[Application, str]) -> None:
    with pytest.raises(ReplayError, match=r"ws://127\.0\.0\.1:1/media could not be dialled"):
        await Replayer(ReplayPlan(()), "ws://127.0.0.1:1/media").run()
    with pytest.raises(ReplayError, match="must begin with ws://"):
        Replayer(ReplayPlan(()), "http://127.0.0.1/")
