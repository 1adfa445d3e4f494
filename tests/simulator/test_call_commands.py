"""Call Control commands through Telnyx's own client, in strict mode, on whole calls."""

from __future__ import annotations

import asyncio
import base64

import httpx
import numpy as np
import pytest
import telnyx

from simulator.recording.sound import load_sound
from simulator.server import Simulator
from tests.simulator.call_house import NOBODY_TALKS, Line
from tests.simulator.conftest import Bot

PRESSES = {"turns": [{"dtmf": "12#"}], "wait_for_greeting": False, "hang_up": False}


async def test_an_incoming_call_is_parked_answered_and_hung_up(line: Line) -> None:
    call_id = await line.dial_in()
    initiated = await line.event("call.initiated", call_id)
    assert (initiated["direction"], initiated["state"]) == ("incoming", "parked")
    answer = await line.client.calls.actions.answer(call_id, client_state=base64.b64encode(b"mine").decode())
    assert answer.data is not None
    assert answer.data.result == "ok"
    answered = await line.event("call.answered", call_id)
    assert base64.b64decode(answered["client_state"]) == b"mine"
    await line.client.calls.actions.hangup(call_id)
    ended = await line.event("call.hangup", call_id)
    assert (ended["hangup_cause"], ended["hangup_source"]) == ("normal_clearing", "callee")


async def test_a_call_is_rejected_with_its_cause(line: Line) -> None:
    call_id = await line.dial_in()
    await line.event("call.initiated", call_id)
    await line.client.calls.actions.reject(call_id, cause="USER_BUSY")
    ended = await line.event("call.hangup", call_id)
    assert (ended["hangup_cause"], ended["sip_hangup_cause"]) == ("user_busy", "486")


async def test_spoken_text_is_heard_and_told_of(line: Line) -> None:
    call_id = await line.answered()
    await line.client.calls.actions.speak(call_id, payload="Good morning, this is the clinic.", voice="female")
    started = await line.event("call.speak.started", call_id)
    ended = await line.event("call.speak.ended", call_id)
    assert ended["status"] == "completed"
    assert started["speak_id"] == ended["speak_id"]
    await line.client.calls.actions.hangup(call_id)
    assert (await line.report(call_id))["heard_ms"] > 500


async def test_a_file_is_fetched_and_played(line: Line, bot: Bot, tone_wav: bytes) -> None:
    bot.files["/tone.wav"] = tone_wav
    call_id = await line.answered()
    await line.client.calls.actions.start_playback(call_id, audio_url=f"{bot.url}/tone.wav")
    ended = await line.event("call.playback.ended", call_id)
    assert (ended["status"], ended["media_url"]) == ("completed", f"{bot.url}/tone.wav")
    await line.client.calls.actions.start_playback(
        call_id, audio_url=f"{bot.url}/none.wav", client_state="bm9uZQ=="
    )
    await bot.until_true(lambda: line.events().count("call.playback.ended") == 2)
    statuses = [
        p.event["payload"]["status"] for p in bot.to("/webhooks") if "playback.ended" in p.event["event_type"]
    ]
    assert statuses == ["completed", "file_not_found"]


async def test_keys_are_gathered(line: Line) -> None:
    call_id = await line.answered(PRESSES | {"answer_after_ms": 0, "turns": [{"dtmf": "12#", "pause_ms": 500}]})
    await line.client.calls.actions.gather(call_id, minimum_digits=1, maximum_digits=5)
    ended = await line.event("call.gather.ended", call_id)
    assert (ended["digits"], ended["status"]) == ("12", "valid")
    digits = [
        p.event["payload"]["digit"]
        for p in line.bot.to("/webhooks")
        if p.event["event_type"] == "call.dtmf.received"
    ]
    assert digits[:2] == ["1", "2"]


async def test_a_gather_that_is_stopped_is_cancelled(line: Line) -> None:
    call_id = await line.answered()
    await line.client.calls.actions.gather_using_speak(call_id, payload="Press a key.", voice="male")
    await line.client.calls.actions.stop_gather(call_id)
    assert (await line.event("call.gather.ended", call_id))["status"] == "cancelled"


async def test_a_gather_ends_before_the_call_it_was_on(line: Line) -> None:
    call_id = await line.answered()
    await line.client.calls.actions.gather(call_id)
    await line.client.calls.actions.hangup(call_id)
    await line.event("call.hangup", call_id)
    assert (await line.event("call.gather.ended", call_id))["status"] == "call_hangup"
    assert line.events()[-2:] == ["call.gather.ended", "call.hangup"]


async def test_digits_sent_arrive_at_the_telephone(line: Line) -> None:
    call_id = await line.answered()
    await line.client.calls.actions.send_dtmf(call_id, digits="1w2#", duration_millis=100)

    async def arrived() -> bool:
        return (await line.control.get(f"/calls/{call_id}")).json()["digits"] == "12#"

    async with asyncio.timeout(20):
        while not await arrived():
            await asyncio.sleep(0.05)


async def test_a_recording_holds_both_sides(line: Line, simulator: Simulator) -> None:
    talker = {"turns": [{"user": "Hello, who is there?"}], "wait_for_greeting": False, "hang_up": True}
    call_id = await line.answered(talker, record="record-from-answer", record_format="wav", record_channels="dual")
    saved = await line.event("call.recording.saved")
    assert saved["channels"] == "dual"
    async with httpx.AsyncClient(trust_env=False) as http:
        data = (await http.get(saved["recording_urls"]["wav"])).content
    samples = await load_sound(data, 8000)
    assert np.abs(samples).max() > 1000
    order = line.events()
    assert order.index("call.hangup") < order.index("call.recording.saved")
    listed = await line.client.recordings.list()
    assert listed.data
    assert (await line.report(call_id))["ended"]["cause"] == "normal_clearing"


async def test_streaming_starts_and_stops_by_command(line: Line, bot: Bot) -> None:
    call_id = await line.answered()
    start = {
        "stream_url": bot.stream_url,
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_target_legs": "self",
        "stream_auth_token": "a-token",
    }
    await line.client.calls.actions.start_streaming(call_id, **start)
    stream = await bot.streams.get()
    assert stream.headers["x-telnyx-streaming-auth-token"] == "a-token"
    await stream.until("media", 3)
    with pytest.raises(telnyx.UnprocessableEntityError, match="90045"):
        await line.client.calls.actions.start_streaming(call_id, **start)
    await line.client.calls.actions.stop_streaming(call_id)
    await stream.closed.wait()
    await line.event("streaming.stopped", call_id)
    with pytest.raises(telnyx.UnprocessableEntityError, match="90048"):
        await line.client.calls.actions.stop_streaming(call_id)


async def test_a_transfer_bridges_and_ends_both(line: Line) -> None:
    call_id = await line.answered()
    await line.control.put("/numbers/+15550100778", json=NOBODY_TALKS)
    await line.client.calls.actions.transfer(call_id, to="+15550100778")
    await line.event("call.bridged", call_id)
    other = next(
        posted.event["payload"]["call_control_id"]
        for posted in line.bot.to("/webhooks")
        if posted.event["payload"].get("to") == "+15550100778"
    )
    status = await line.client.calls.retrieve_status(other)
    assert status.data is not None
    assert status.data.is_alive
    await line.client.calls.actions.hangup(other)
    await line.event("call.hangup", call_id)


async def test_two_calls_are_bridged_and_hear_each_other(line: Line) -> None:
    talker = {
        "turns": [{"user": "Can you hear me on the other telephone?", "pause_ms": 1500}],
        "wait_for_greeting": False,
        "hang_up": False,
        "answer_timeout_ms": 3000,
    }
    one = await line.answered(talker)
    other = await line.answered(to="+15550100778")
    await line.client.calls.actions.bridge(one, call_control_id_to_bridge_with=other)
    await line.event("call.bridged", one)
    await line.event("call.bridged", other)

    async def heard() -> int:
        return (await line.control.get(f"/calls/{other}")).json()["heard_ms"]

    async with asyncio.timeout(20):
        while await heard() < 500:
            await asyncio.sleep(0.1)


async def test_refer_and_client_state(line: Line) -> None:
    call_id = await line.answered()
    state = base64.b64encode(b"new").decode()
    await line.client.calls.actions.update_client_state(call_id, client_state=state)
    await line.client.calls.actions.refer(call_id, sip_address="sip:other@sip.telnyx.com")
    completed = await line.event("call.refer.completed", call_id)
    assert completed["client_state"] == state
    assert completed["sip_notify_response"] == 200
    await line.event("call.hangup", call_id)


async def test_noise_suppression_is_taken_and_transcription_refused(line: Line) -> None:
    call_id = await line.answered()
    await line.client.calls.actions.start_noise_suppression(call_id)
    await line.client.calls.actions.stop_noise_suppression(call_id)
    with pytest.raises(telnyx.PermissionDeniedError, match="10038"):
        await line.client.calls.actions.start_transcription(call_id)


async def test_commands_before_the_answer_and_after_the_end_are_refused(line: Line) -> None:
    ringing = await line.dial_in()
    with pytest.raises(telnyx.UnprocessableEntityError, match="90034"):
        await line.client.calls.actions.speak(ringing, payload="Hello", voice="male")
    await line.client.calls.actions.hangup(ringing)
    await line.event("call.hangup", ringing)
    with pytest.raises(telnyx.UnprocessableEntityError, match="90018"):
        await line.client.calls.actions.answer(ringing)
    dialled = await line.dial()
    with pytest.raises(telnyx.UnprocessableEntityError, match="90102"):
        await line.client.calls.actions.answer(dialled)


async def test_a_command_id_counts_once(line: Line) -> None:
    call_id = await line.answered()
    for _ in range(2):
        await line.client.calls.actions.speak(call_id, payload="Once.", voice="male", command_id="same")
    await line.event("call.speak.ended", call_id)
    await line.client.calls.actions.hangup(call_id)
    await line.event("call.hangup", call_id)
    assert line.events().count("call.speak.started") == 1
    again = [await line.dial(command_id="dial-once") for _ in range(2)]
    assert again[0] == again[1]


async def test_active_calls_of_a_connection(line: Line) -> None:
    call_id = await line.answered()
    listed = [call async for call in await line.client.connections.list_active_calls(line.application)]
    assert [call.call_control_id for call in listed] == [call_id]


async def test_events_and_deliveries_are_on_record(line: Line) -> None:
    call_id = await line.answered()
    await line.client.calls.actions.hangup(call_id)
    await line.event("call.hangup", call_id)
    deliveries = await line.client.webhook_deliveries.list()
    assert deliveries.data
    events = await line.client.call_events.list()
    assert {event.name for event in events.data or []} >= {"call.initiated", "call.answered"}
    named = await line.client.call_events.list(filter={"application_name": {"contains": "nothing like it"}})
    assert not named.data
    named = await line.client.call_events.list(filter={"application_name": {"contains": "Test"}})
    assert named.data
