"""Rime's JSON and plain WebSockets, on the bare socket."""

from __future__ import annotations

import asyncio
import json
from random import Random

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator.audio import ulaw_encode
from simulator.server import Simulator
from simulator.settings import Settings
from tests.simulator.rime_house import VOICE, do, open_socket, say, speaks, spoken, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator(tmp_path_factory):
    """One for all: no connection knows of another."""
    simulator = Simulator(Settings(port=0, data_dir=tmp_path_factory.mktemp("rime")))
    await simulator.start()
    yield simulator
    await simulator.stop()


@speaks
@pytest.mark.parametrize(
    ("asked", "rate", "encode"),
    [
        ("audioFormat=pcm&samplingRate=8000", 8000, lambda samples: samples.tobytes()),
        ("audioFormat=l16&samplingRate=16000", 16000, lambda samples: samples.tobytes()),
        ("audioFormat=pcm", 24000, lambda samples: samples.tobytes()),
        ("audioFormat=mulaw&samplingRate=8000", 8000, ulaw_encode),
    ],
)
async def test_a_sentence_is_spoken_when_it_is_complete_and_the_rest_at_flush(simulator, asked, rate, encode):
    async with open_socket(simulator, f"speaker=astra&modelId=coda&{asked}") as socket:
        await say(socket, "Good morning. How ", "one")
        first, events = await until(socket, "timestamps")
        assert first == encode(await spoken(simulator, "Good morning. ", rate=rate))
        assert {event["contextId"] for event in events} == {"one"}
        await say(socket, "are you", "one")
        await do(socket, "flush")
        second, events = await until(socket, "done")
        assert second == encode(await spoken(simulator, "How are you", rate=rate))
        assert events[-1] == {"type": "done", "contextId": "one"}


@speaks
async def test_words_follow_each_other_and_end_with_the_sound(simulator):
    async with open_socket(simulator) as socket:
        await say(socket, "Hello from the simulator. ")
        audio, events = await until(socket, "done")
        stamps = next(event for event in events if event["type"] == "timestamps")["word_timestamps"]
        assert stamps["words"] == ["Hello", "from", "the", "simulator."]
        assert stamps["start"][0] == 0
        assert stamps["start"][1:] == stamps["end"][:-1] == sorted(stamps["end"][:-1])
        assert stamps["end"][-1] == pytest.approx(len(audio) / 2 / 8000, abs=0.002)


@speaks
async def test_mist_stamps_punctuation_alone_and_french_not_at_all(simulator):
    async with open_socket(simulator, "speaker=cove&modelId=mistv2&audioFormat=pcm", "/ws2") as socket:
        await say(socket, "Hello there. ")
        _, events = await until(socket, "done")
        stamps = next(event for event in events if event["type"] == "timestamps")["word_timestamps"]
        assert stamps["words"] == ["Hello", "there", "."]
    async with open_socket(simulator, "speaker=destin&modelId=coda&audioFormat=pcm&lang=fr") as socket:
        await say(socket, "Bonjour. ")
        _, events = await until(socket, "done")
        assert {event["type"] for event in events} == {"chunk", "done"}


@speaks
async def test_never_waits_for_flush_and_then_says_all_in_one(simulator):
    async with open_socket(simulator, f"{VOICE}&segment=never") as socket:
        await say(socket, "One thing. ")
        await say(socket, "Another thing. ", "two")
        await do(socket, "flush")
        await say(socket, "Not flushed. ", "two")
        audio, events = await until(socket, "done")
        assert events[-1]["contextId"] == "two"
        assert audio == (await spoken(simulator, "One thing. Another thing. ")).tobytes()


@speaks
async def test_immediate_says_what_comes_without_a_full_stop(simulator):
    async with open_socket(simulator, f"{VOICE}&immediate=true") as socket:
        await say(socket, "no end in sight")
        audio, _ = await until(socket, "done")
        assert audio == (await spoken(simulator, "no end in sight")).tobytes()


@speaks
async def test_each_sentence_has_the_context_that_was_the_newest_when_it_was_complete(simulator):
    async with open_socket(simulator) as socket:
        await say(socket, "This has none, and is long enough for the other one to come while it is being spoken. ")
        await say(socket, "This has one. ", "a")
        _, events = await until(socket, "done")
        contexts = [event["contextId"] for event in events if event["type"] == "timestamps"]
        assert contexts == [None, "a"]
        assert [event["contextId"] for event in events if event["type"] == "done"] == ["a"]


@speaks
async def test_clear_drops_text_that_waits_and_lets_the_sound_that_has_begun_end(simulator):
    begun = "This one has begun, and is long enough for somebody to change their mind while it is being spoken. "
    async with open_socket(simulator) as socket:
        await say(socket, begun, "old")
        await until(socket, "chunk")
        await say(socket, "This one waits. ", "old")
        await do(socket, "clear")
        await say(socket, "This is new. ", "new")
        _, events = await until(socket, "done")
        stamps = [event for event in events if event["type"] == "timestamps"]
        said = [(event["contextId"], " ".join(event["word_timestamps"]["words"])) for event in stamps]
        assert said == [("old", begun.strip()), ("new", "This is new.")]


@speaks
async def test_eos_says_the_rest_and_closes(simulator):
    async with open_socket(simulator) as socket:
        await say(socket, "an incomplete sentence")
        await do(socket, "eos")
        audio, _ = await until(socket, "done")
        assert audio == (await spoken(simulator, "an incomplete sentence")).tobytes()
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1000


@speaks
async def test_bare_text_in_and_bare_sound_out(simulator):
    async with open_socket(simulator, f"{VOICE}&segment=never", "/ws") as socket:
        await socket.send("forget this ")
        await socket.send("<CLEAR>")
        await socket.send("and say this")
        await socket.send("<EOS>")
        audio = b"".join([message async for message in socket])
        assert audio == (await spoken(simulator, "and say this")).tobytes()


@speaks
@pytest.mark.parametrize(
    ("asked", "wpm"),
    [
        ("speaker=astra&modelId=coda&speedAlpha=1.5", 248),
        ("speaker=astra&modelId=mistv2&speedAlpha=1.5", 110),
        # A WebSocket of Rime's takes no notice of it.
        ("speaker=astra&modelId=coda&timeScaleFactor=2", 165),
    ],
)
async def test_speed_means_what_it_means_to_the_model(simulator, asked, wpm):
    async with open_socket(simulator, f"{asked}&audioFormat=pcm&samplingRate=8000") as socket:
        await say(socket, "How fast is this sentence? ")
        audio, _ = await until(socket, "done")
        assert audio == (await spoken(simulator, "How fast is this sentence? ", wpm=wpm)).tobytes()


REFUSED = [
    (VOICE, None, 401, "Missing Authorization header"),
    (VOICE, "Bearer ", 401, "empty apikey"),
    (VOICE, "Token abc", 401, "invalid api key"),
    ("modelId=coda", "Bearer x", 400, "speaker is required"),
    (f"{VOICE}&speedAlpha=quick", "Bearer x", 400, "speedAlpha must be a number"),
    ("speaker=astra&samplingRate=fast", "Bearer x", 400, "samplingRate must be an integer"),
    ("speaker=astra&samplingRate=4000", "Bearer x", 400, "The simulator plays a samplingRate from 8000"),
    ("speaker=astra&audioFormat=mp3", "Bearer x", 400, "The simulator plays pcm, mulaw and wav"),
]


async def test_connections_that_are_refused(simulator):
    for query, key, status, text in REFUSED:
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(simulator, query, key=key)
        response = refused.value.response
        assert (query, response.status_code) == (query, status)
        assert response.body.decode().startswith(text)
        assert response.headers["content-type"].startswith("text/plain")
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(simulator, VOICE, "/ws2")
    assert refused.value.response.status_code == 400


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (
            "speaker=cove&modelId=coda",
            "400: Speaker 'cove' doesn't match list of available voices for language 'eng'",
        ),
        # A model that Rime has not is Mist v3.
        ("speaker=lyra&modelId=codda", "in model 'mistv3'."),
        ("speaker=lyra", "in model 'mistv3'."),
        ("speaker=astra&modelId=mistv3&lang=ja", "400: Language jpn is not supported for model mistv3"),
    ],
)
async def test_an_unknown_voice_shows_when_there_is_something_to_say(simulator, query, reason):
    async with open_socket(simulator, query) as socket:
        await say(socket, "Hello. ")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd.code == 1011
    assert reason in closed.value.rcvd.reason


async def test_a_text_that_is_too_long_closes_the_connection(simulator):
    async with open_socket(simulator) as socket:
        await say(socket, "x" * 1001)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "400: text is too long")


@speaks
async def test_messages_it_does_not_know_are_told_and_the_connection_stays(simulator):
    async with open_socket(simulator) as socket:
        for message in (
            "nonsense",
            "[]",
            "{}",
            '{"text": 5}',
            '{"operation": "sing"}',
            '{"text":"a","contextId":1}',
        ):
            await socket.send(message)
            error = json.loads(await socket.recv())
            assert error["type"] == "error"
            assert error["message"]
        await say(socket, "Still here. ")
        assert (await until(socket, "done"))[0]


@speaks
async def test_broken_messages_do_no_harm(simulator):
    random = Random(7)
    whole = [json.dumps({"text": "word ", "contextId": "a"}), '{"operation": "clear"}', '{"operation": "flush"}']
    async with open_socket(simulator, f"{VOICE}&segment=never") as socket:
        for _ in range(300):
            message = random.choice(whole)
            at = random.randrange(len(message))
            await socket.send(message[:at] + random.choice(["", "\x00", "}", "\ud7ff", "9"]) + message[at + 1 :])
        await do(socket, "clear")
        await say(socket, "Still here.", "last")
        await do(socket, "flush")
        errors = 0
        while (event := json.loads(await socket.recv())) != {"type": "done", "contextId": "last"}:
            errors += event["type"] == "error"
        assert errors > 150


@speaks
@pytest.mark.parametrize("path", ["/ws3", "/ws"])
async def test_a_client_that_goes_in_the_middle_leaves_nothing_behind(simulator, caplog, path):
    before = asyncio.all_tasks()
    async with open_socket(simulator, path=path) as socket:
        await socket.send(json.dumps({"text": "This is a sentence that nobody hears to its end. "}))
        await socket.recv()
        socket.transport.abort()
    if left := asyncio.all_tasks() - before:
        assert not (await asyncio.wait(left, timeout=30))[1]
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]


@speaks
async def test_faults(simulator):
    async def order(**fault):
        async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {simulator.token}"}
            order = {"service": "rime", "fault": fault}
            (await client.post("/sim/faults", headers=headers, json=order)).raise_for_status()

    await order(where="connect", code=429)
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(simulator)
    assert refused.value.response.status_code == 429
    assert refused.value.response.body == b"Currently at websocket limit"
    await order(where="connect", code=0)
    with pytest.raises(TimeoutError):
        await open_socket(simulator, open_timeout=0.2)
    await order(where="after_ms", after_ms=200, code=1011, text="It broke.")
    async with open_socket(simulator) as socket:
        await say(socket, "This sentence is longer than two hundred milliseconds. ")
        with pytest.raises(ConnectionClosed) as closed:
            await until(socket, "done")
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "It broke.")
