"""TeXML's recordings and streams by REST, through Telnyx's own client, in strict mode, on whole calls."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import telnyx
from telnyx import AsyncTelnyx

from simulator.server import Simulator
from tests.simulator.conftest import Bot
from tests.simulator.texml_house import ACCOUNT, TexmlHouse, hang_up, in_progress


@pytest.fixture
async def house(simulator: Simulator, client: AsyncTelnyx, bot: Bot, control: httpx.AsyncClient) -> TexmlHouse:
    house = TexmlHouse(simulator, client, bot, control)
    await house.open()
    return house


async def test_a_call_is_recorded_from_its_answer(house: TexmlHouse, control: httpx.AsyncClient) -> None:
    sid = await in_progress(
        house,
        record=True,
        recording_channels="dual",
        trim="do-not-trim",
        recording_status_callback=f"{house.bot.url}/recording",
        recording_status_callback_event="in-progress completed absent",
    )
    begun = await house.asked("/recording")
    assert (begun["RecordingStatus"], begun["RecordingSource"]) == ("in-progress", "OutboundAPI")
    accounts = house.client.texml.accounts
    listed = await accounts.calls.recordings_json.retrieve_recordings_json(sid, account_sid=ACCOUNT)
    assert [(one.sid, one.status) for one in listed.recordings or []] == [(begun["RecordingSid"], "in-progress")]
    await hang_up(house, sid)
    done = (await house.told("/recording", 2))[1]
    assert (done["RecordingStatus"], done["RecordingSid"]) == ("completed", begun["RecordingSid"])
    assert done["RecordingChannels"] == begun["RecordingChannels"] == "2"
    file = await control.get(done["RecordingUrl"])
    assert file.headers["content-type"] == "audio/mpeg"
    fetched = await accounts.recordings.json.retrieve_recording_sid_json(done["RecordingSid"], account_sid=ACCOUNT)
    assert (fetched.status, fetched.source, fetched.channels, fetched.call_sid) == (
        "completed",
        "OutboundAPI",
        2,
        sid,
    )
    assert fetched.media_url is not None
    every = await accounts.retrieve_recordings_json(ACCOUNT)
    assert [one.sid for one in every.recordings or []] == [fetched.sid]
    await accounts.recordings.json.delete_recording_sid_json(done["RecordingSid"], account_sid=ACCOUNT)
    with pytest.raises(telnyx.NotFoundError):
        await accounts.recordings.json.retrieve_recording_sid_json(done["RecordingSid"], account_sid=ACCOUNT)


async def test_a_recording_is_started_paused_and_stopped(house: TexmlHouse) -> None:
    sid = await in_progress(house)
    calls = house.client.texml.accounts.calls
    first, second = f"{house.bot.url}/first", f"{house.bot.url}/second"
    made = await calls.recordings_json.recordings_json(
        sid, account_sid=ACCOUNT, recording_status_callback=first, recording_channels="single"
    )
    assert made.sid is not None
    assert (made.channels, made.source, made.track) == (1, "StartCallRecordingAPI", "both")
    other = await calls.recordings_json.recordings_json(sid, account_sid=ACCOUNT, recording_status_callback=second)
    for wanted, state in (("paused", "paused"), ("in-progress", "in-progress")):
        await calls.recordings.recording_sid_json(made.sid, account_sid=ACCOUNT, call_sid=sid, status=wanted)  # pyright: ignore[reportArgumentType]
        listed = await calls.recordings_json.retrieve_recordings_json(sid, account_sid=ACCOUNT)
        assert {one.sid: one.status for one in listed.recordings or []}[made.sid] == state
    await calls.recordings.recording_sid_json(made.sid, account_sid=ACCOUNT, call_sid=sid, status="stopped")
    assert (await house.asked("/first"))["RecordingSid"] == made.sid
    assert house.bot.to("/second") == []
    with pytest.raises(telnyx.NotFoundError):
        await calls.recordings.recording_sid_json(made.sid, account_sid=ACCOUNT, call_sid=sid, status="stopped")
    await hang_up(house, sid)
    assert (await house.asked("/second"))["RecordingSid"] == other.sid


async def test_a_stream_is_started_and_stopped(house: TexmlHouse) -> None:
    sid = await in_progress(house)
    calls, bot = house.client.texml.accounts.calls, house.bot
    options: Any = {
        "account_sid": ACCOUNT,
        "url": bot.stream_url,
        "bidirectional_mode": "rtp",
        "bidirectional_codec": "PCMA",
        "name": "mine",
        "status_callback": f"{bot.url}/stream",
    }
    seen: list[str] = []
    for _ in range(2):
        started = await calls.streams_json(sid, **options)
        assert started.sid is not None
        assert (started.status, started.name, started.call_sid) == ("in-progress", "mine", sid)
        stream = await bot.streams.get()
        start = (await stream.until("start"))[0]
        assert (start["stream_id"], start["start"]["call_control_id"]) == (started.sid, sid)
        with pytest.raises(telnyx.UnprocessableEntityError, match="90045"):
            await calls.streams_json(sid, **options)
        with pytest.raises(telnyx.NotFoundError):
            await calls.streams.streaming_sid_json("other", account_sid=ACCOUNT, call_sid=sid, status="stopped")
        stopped = await calls.streams.streaming_sid_json(
            started.sid, account_sid=ACCOUNT, call_sid=sid, status="stopped"
        )
        assert (stopped.status, stopped.sid) == ("stopped", started.sid)
        await stream.closed.wait()
        seen += [started.sid] * 2
        await bot.until("/stream", len(seen))
    forms = await house.told("/stream", 4)
    assert [form["StreamEvent"] for form in forms] == ["stream-started", "stream-stopped"] * 2
    assert [form["StreamSid"] for form in forms] == seen
    assert {form["StreamName"] for form in forms} == {"mine"}
