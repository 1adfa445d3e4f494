"""Sessions that break in the middle of a call, and calls that end in the middle of a sentence."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from agent import events
from tests.agent.tap_house import (
    BEGIN,
    SPEECH_STARTED,
    Rig,
    Service,
    audio,
    client,
    closed,
    loud,
    refuse,
    seen,
    text,
    turn,
    until_terminated,
)

SILENCE = bytes(800)
TERMINATE = '{"type":"Terminate"}'


@pytest.fixture
def rig(told: Any, serve: Any, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr("agent.assemblyai_tap._WAITS_S", (0, 0, 0, 0))
    return Rig(told, serve)


async def cut(connection: ServerConnection) -> None:
    connection.transport.abort()


async def fail(connection: ServerConnection) -> None:
    await refuse(connection, 3005, "Session Cancelled: An error occurred")


async def bare(connection: ServerConnection) -> None:
    await connection.close(1000)


async def crash(connection: ServerConnection) -> None:
    await connection.close(1011)


async def until_text(connection: ClientConnection, wanted: str) -> dict[str, Any]:
    while True:
        message = json.loads(await connection.recv())
        if message.get("transcript") == wanted:
            return message


@pytest.mark.parametrize(
    ("broken", "code"),
    [(cut, 1006), (fail, 3005), (bare, 1000), (crash, 1011)],
    ids=["cut", "3005", "1000", "1011"],
)
async def test_a_turn_goes_on_in_another_session_and_the_framework_sees_one(
    rig: Rig, broken: Any, code: int
) -> None:
    again: list[bytes] = []

    async def first(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await audio(connection, 1_000)
        await connection.send(turn("Hello.", 0, 600, last=True))
        await audio(connection, 1_000)
        await connection.send(SPEECH_STARTED)
        await connection.send(turn("half past", 1_200, 1_900, order=1))
        await broken(connection)

    async def second(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        again.append(await audio(connection, 1_250))
        await connection.send(SPEECH_STARTED)
        await connection.send(turn("half past three", 300, 1_000, last=True))
        await until_terminated(connection)

    service = Service(first, second)
    async with rig.between(service) as connection:
        for n in range(20):
            await connection.send(loud(50, n))
        await until_text(connection, "Hello.")
        for n in range(20, 40):
            await connection.send(loud(50, n))
        await until_text(connection, "half past")
        for n in range(40, 43):
            await connection.send(loud(50, n))
        last = json.loads(await connection.recv())
        await connection.send(TERMINATE)
        await closed(connection)

    assert again == [b"".join(loud(50, n) for n in range(18, 43))]
    assert (last["transcript"], last["turn_order"]) == ("half past three", 1)
    assert last["words"][0]["start"] == 1_200
    assert len(set(service.paths)) == 1
    (error,) = rig.of(events.SttError)
    assert (error.session, error.code, error.final) == (1, code, False)
    (split,) = rig.of(events.SttSplit)
    assert (split.session, split.text) == (2, "half past")
    assert 1_100 <= split.replayed_ms <= 1_250
    kinds = rig.told.types
    assert kinds.index("stt.error") < kinds.index("stt.closed") < kinds.index("stt.split")
    heard = rig.of(events.SttTurn)[-1]
    assert (heard.session, heard.message["turn_order"], heard.message["words"][0]["start"]) == (2, 0, 300)
    assert rig.tap.unanswered.take()[0] == "Hello. half past three"
    assert rig.deaf == []


async def test_silence_is_not_given_again_and_no_turn_was_split(rig: Rig) -> None:
    async def first(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await audio(connection, 500)
        await cut(connection)

    async def second(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        got.append(await audio(connection, 100))
        await until_terminated(connection)

    got: list[bytes] = []
    async with rig.between(Service(first, second)) as connection:
        for _ in range(10):
            await connection.send(SILENCE)
        await rig.told.until("stt.error")
        await connection.send(loud(50, 1))
        await connection.send(loud(50, 2))
        await connection.send(TERMINATE)
        await closed(connection)

    assert got == [loud(50, 1) + loud(50, 2)]
    assert rig.of(events.SttSplit) == []


@pytest.mark.parametrize("code", [3005, 3008, 3009, 1011])
async def test_a_storm_ends_after_so_many_tries_with_the_services_own_words(rig: Rig, code: int) -> None:
    async def act(connection: ServerConnection) -> None:
        await refuse(connection, code, "try later")

    service = Service(act)
    async with service.on() as upstream, rig.on(upstream) as url:
        async with client(url) as connection:
            assert [message["error"] for message in await seen(connection)] == ["try later"]
            assert connection.close_code == code
        with pytest.raises(InvalidStatus):
            await client(url).__aenter__()

    assert len(service.paths) == 5
    assert [(error.session, error.final) for error in rig.of(events.SttError)] == [
        (session, session == 5) for session in range(1, 6)
    ]
    assert len(rig.deaf) == 1
    assert len(rig.told.events) == 5 * 3


async def test_a_storm_that_passes_is_survived_and_forgiven(rig: Rig) -> None:
    async def fine(connection: ServerConnection) -> None:
        await audio(connection, 50)
        await connection.send(turn("Hello.", last=True))
        await cut(connection)

    storm = [fail, cut, crash]
    service = Service(*storm, fine, *storm, fine, until_terminated, refuse={2: HTTPStatus.BAD_GATEWAY})
    async with rig.between(service) as connection:
        await connection.send(loud(50))
        await until_text(connection, "Hello.")
        await connection.send(loud(50))
        assert (await until_text(connection, "Hello."))["turn_order"] == 1
        await connection.send(TERMINATE)
        await closed(connection)

    errors = rig.of(events.SttError)
    assert [error.code for error in errors] == [3005, 502, 1006, 1011, 1006, 3005, 1006, 1011, 1006]
    assert not any(error.final for error in errors)
    assert rig.deaf == []


async def test_a_refusal_ends_the_storm_at_once(rig: Rig) -> None:
    async def refused(connection: ServerConnection) -> None:
        await refuse(connection, 1008, "Unauthorized Connection: Invalid API key")

    service = Service(cut, refused)
    async with rig.between(service) as connection:
        assert [message["error_code"] for message in await seen(connection)] == [1008]

    assert [error.final for error in rig.of(events.SttError)] == [False, True]
    assert len(service.paths) == 2


async def test_a_session_that_never_says_anything_is_replaced(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.assemblyai_upstream._FIRST_WORD_S", 0.05)

    async def mute(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def second(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await until_terminated(connection)

    async with rig.between(Service(mute, second)) as connection:
        await connection.recv()
        await connection.send(TERMINATE)
        await closed(connection)

    (error,) = rig.of(events.SttError)
    assert "said nothing for 0.05 s" in error.text


async def test_a_session_whose_heart_stops_is_replaced(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.assemblyai_upstream._SILENT_S", 0.05)

    async def stops(connection: ServerConnection) -> None:
        await connection.send('{"type":"Heartbeat"}')
        await connection.send(BEGIN)
        await connection.wait_closed()

    async def no_heart(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await connection.send(turn("Hello.", last=True))
        # Longer than a heart may stop, in a session that never showed one.
        await asyncio.sleep(0.2)
        await until_terminated(connection)

    async with rig.between(Service(stops, no_heart)) as connection:
        await until_text(connection, "Hello.")
        await connection.send(TERMINATE)
        await closed(connection)

    (error,) = rig.of(events.SttError)
    assert "said nothing for 0.05 s" in error.text


async def test_a_new_session_is_told_what_was_configured_before_it_is_given_audio(rig: Rig) -> None:
    got: list[str | bytes] = []

    async def first(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        for _ in range(4):
            await text(connection)
        await cut(connection)

    async def second(connection: ServerConnection) -> None:
        got.append(await connection.recv())
        got.append(await connection.recv())
        await until_terminated(connection)

    async with rig.between(Service(first, second)) as connection:
        await connection.recv()
        await connection.send('{"type":"UpdateConfiguration","agent_context":"When?","min_turn_silence":100}')
        await rig.told.until("stt.sent")
        await rig.tap.configure({"min_turn_silence": 600, "vad_threshold": 0.4}, "console", {})
        await rig.tap.configure({"max_turn_silence": 900}, "console", {})
        await connection.send('{"type":"UpdateConfiguration","vad_threshold":0.3}')
        await rig.told.until("stt.error")
        await connection.send(loud(50))
        await connection.send(TERMINATE)
        await closed(connection)

    assert json.loads(got[0]) == {
        "type": "UpdateConfiguration",
        "agent_context": "When?",
        "min_turn_silence": 600,
        "vad_threshold": 0.3,
        "max_turn_silence": 900,
    }
    assert got[1] == loud(50)
    tuned = rig.of(events.SttTuned)[-1]
    assert (tuned.session, tuned.who) == (2, "agent")
    assert tuned.fields == {"min_turn_silence": 600, "max_turn_silence": 900}


async def test_a_framework_that_connects_again_keeps_what_the_operator_set(rig: Rig) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await until_terminated(connection)

    async with Service(act).on() as upstream, rig.on(upstream) as url:
        for _ in range(2):
            async with client(url) as connection:
                await connection.recv()
                if not rig.tap.tuned:
                    await rig.tap.configure({"min_turn_silence": 600}, "console", {})
                await connection.send(TERMINATE)
                await closed(connection)

    assert [(tuned.session, tuned.who) for tuned in rig.of(events.SttTuned)] == [(1, "console"), (2, "agent")]


async def test_an_end_of_turn_that_was_asked_for_and_lost_is_asked_for_again(rig: Rig) -> None:
    async def first(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await audio(connection, 1_000)
        await connection.send(turn("half past"))
        assert await text(connection) == {"type": "ForceEndpoint"}
        await cut(connection)

    async def second(connection: ServerConnection) -> None:
        await audio(connection, 1_000)
        assert await text(connection) == {"type": "ForceEndpoint"}
        await connection.send(turn("half past three", last=True))
        await until_terminated(connection)

    async with rig.between(Service(first, second)) as connection:
        for _ in range(20):
            await connection.send(loud(50))
        await until_text(connection, "half past")
        assert await rig.tap.end_turn("console")
        await until_text(connection, "half past three")
        await connection.send(TERMINATE)
        await closed(connection)


async def test_a_hang_up_in_mid_sentence_brings_the_last_words_and_shows_them_to_nobody(rig: Rig) -> None:
    whole: list[bytes] = []

    async def act(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await audio(connection, 1_000)
        await connection.send(turn("call me"))
        whole.append(await audio(connection, 50))
        await until_terminated(connection, turn("Call me back.", last=True))

    async with rig.between(Service(act)) as connection:
        for _ in range(20):
            await connection.send(loud(50))
        await until_text(connection, "call me")
        finished = asyncio.create_task(rig.tap.finish())
        await asyncio.sleep(0)
        # Pipecat hands over what it has left, then says goodbye itself.
        await connection.send(loud(50, 9))
        await connection.send(TERMINATE)
        assert [message["type"] for message in await seen(connection)] == ["Termination"]
        assert (connection.close_code, connection.close_reason) == (1000, "Session Ended")
        await finished

    assert whole == [loud(50, 9)]
    assert rig.tap.unanswered.take() == ("Call me back.", 1)
    assert rig.told.types[-3:] == ["stt.turn", "stt.termination", "stt.closed"]
    assert [event.message for event in rig.of(events.SttSent)] == [{"type": "Terminate"}]
    assert rig.of(events.SttError) == []


async def test_a_framework_that_does_not_say_goodbye_is_not_waited_for(rig: Rig) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await connection.send(turn("call me"))
        await until_terminated(connection, turn("Call me back.", last=True))

    async with rig.between(Service(act)) as connection:
        await until_text(connection, "call me")
        await rig.tap.finish()
        assert rig.tap.unanswered.take()[0] == "Call me back."


async def test_a_service_that_is_slow_to_end_is_left_and_the_words_so_far_count(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.assemblyai_link.LAST_WORDS_S", 0.05)

    async def act(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await connection.send(turn("call me"))
        await connection.wait_closed()

    async with rig.between(Service(act)) as connection:
        await until_text(connection, "call me")
        rig.tap.close()
        await connection.send(TERMINATE)
        (goodbye,) = await seen(connection)
        await rig.tap.finish()

    assert goodbye == {"type": "Termination", "audio_duration_seconds": 0, "session_duration_seconds": 0}
    assert rig.tap.unanswered.take()[0] == "call me"
    assert (rig.of(events.SttClosed)[0].by, rig.of(events.SttError)) == ("agent", [])


async def test_a_hang_up_while_there_is_no_session_still_brings_the_last_words(rig: Rig) -> None:
    hung_up = asyncio.Event()

    async def first(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await audio(connection, 1_000)
        await connection.send(turn("call me"))
        await cut(connection)

    async def second(connection: ServerConnection) -> None:
        await hung_up.wait()
        await audio(connection, 1_000)
        await until_terminated(connection, turn("Call me back.", last=True))

    async with rig.between(Service(first, second)) as connection:
        for _ in range(20):
            await connection.send(loud(50))
        await until_text(connection, "call me")
        await rig.told.until("stt.error")
        rig.tap.close()
        await connection.send(TERMINATE)
        hung_up.set()
        assert [message["type"] for message in await seen(connection)] == ["Termination"]
        await rig.tap.finish()

    assert rig.tap.unanswered.take()[0] == "Call me back."


async def test_a_framework_that_just_goes_leaves_the_last_words_in_the_journal(rig: Rig) -> None:
    async def act(connection: ServerConnection) -> None:
        await connection.send(BEGIN)
        await until_terminated(connection, turn("Call me back.", last=True))

    async with rig.between(Service(act)) as connection:
        await connection.recv()
    ended = await rig.told.until("stt.closed")

    assert rig.told.types[-3:] == ["stt.turn", "stt.termination", "stt.closed"]
    assert (ended.by, ended.code) == ("agent", 1000)


async def test_nothing_is_connected_once_the_call_is_over(rig: Rig) -> None:
    service = Service(until_terminated)
    async with service.on() as upstream, rig.on(upstream) as url:
        await rig.tap.finish()
        with pytest.raises(InvalidStatus):
            await client(url).__aenter__()

    assert service.paths == rig.told.events == []
