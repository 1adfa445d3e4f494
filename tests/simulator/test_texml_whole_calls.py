"""TeXML documents on whole calls: what the caller hears and does, and what the application is asked."""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from telnyx import AsyncTelnyx

from simulator.recording.sound import load_sound
from simulator.server import Simulator
from tests.simulator.conftest import Bot
from tests.simulator.texml_house import (
    CALLEE,
    CALLER,
    FOURTH,
    SILENT,
    THIRD,
    TexmlHouse,
    keys,
    talker,
    texml,
)

RTP = 'bidirectionalMode="rtp"'
FOR_EVER = '<Pause length="180"/>'


@pytest.fixture
def house(simulator: Simulator, client: AsyncTelnyx, bot: Bot, control: httpx.AsyncClient) -> TexmlHouse:
    return TexmlHouse(simulator, client, bot, control)


async def heard(house: TexmlHouse, call_sid: str, milliseconds: int) -> None:
    """Wait until the telephone has heard so much."""
    async with asyncio.timeout(20):
        while (await house.so_far(call_sid))["heard_ms"] < milliseconds:
            await asyncio.sleep(0.05)


async def test_speech_and_files_are_heard_and_the_call_ends_with_its_document(
    house: TexmlHouse, tone_wav: bytes
) -> None:
    house.bot.files["/tone.wav"] = tone_wav
    sid = await house.dial_in('<Say voice="alice">Good morning.</Say><Pause/><Play loop="2">/tone.wav</Play>')
    report = await house.report(sid)
    assert report["heard_ms"] > 1300
    assert report["warnings"] == []
    assert report["ended"] == {"cause": "normal_clearing", "source": "callee", "sip": "200"}


async def test_a_file_that_is_not_there_is_said_and_passed_over(house: TexmlHouse) -> None:
    house.serve("/next", "<Hangup/>")
    sid = await house.dial_in("<Play>/none.wav</Play><Redirect>/next</Redirect>")
    await house.asked("/next")
    assert "none.wav" in (await house.report(sid))["warnings"][0]


async def test_gathered_keys_go_to_the_action_and_stop_the_prompt(house: TexmlHouse, tone_wav: bytes) -> None:
    house.bot.files["/tone.wav"] = tone_wav
    house.serve("/pressed", "<Hangup/>")
    prompt = '<Play loop="0">/tone.wav</Play>'
    sid = await house.dial_in(
        f'<Gather action="/pressed" maxDigits="4" timeout="20">{prompt}</Gather><Redirect>/silent</Redirect>',
        keys("12#", 600),
    )
    form = await house.asked("/pressed")
    assert (form["Digits"], form["CallSid"]) == ("12", sid)
    assert (form["From"], form["To"], form["CallStatus"]) == (THIRD, CALLER, "in-progress")
    await house.report(sid)
    assert house.bot.to("/silent") == []


async def test_a_gather_without_keys_goes_on_and_wrong_ones_have_their_own_action(house: TexmlHouse) -> None:
    house.serve("/silent", '<Gather action="/right" invalidDigitsAction="/wrong" numDigits="1" validDigits="1"/>')
    house.serve("/wrong", "<Hangup/>")
    await house.dial_in(
        '<Gather action="/right" timeout="1" numDigits="1"/><Redirect>/silent</Redirect>', keys("7", 2500)
    )
    assert "Digits" not in await house.asked("/silent")
    assert (await house.asked("/wrong"))["Digits"] == "7"
    assert house.bot.to("/right") == []


async def test_a_message_is_recorded_up_to_a_key_and_can_be_fetched(house: TexmlHouse) -> None:
    house.serve("/saved", "<Hangup/>")
    who = SILENT | {"turns": [{"user": "Please call me back."}, {"dtmf": "5"}], "answer_timeout_ms": 700}
    callback = f'recordingStatusCallback="{house.bot.url}/recording"'
    sid = await house.dial_in(
        f'<Record action="/saved" format="wav" channels="single" finishOnKey="5" {callback} '
        'recordingStatusCallbackEvent="in-progress completed"/>',
        who,
    )
    form = await house.asked("/saved")
    assert (form["RecordingStatus"], form["RecordingSource"], form["RecordingChannels"]) == (
        "completed",
        "RecordVerb",
        "1",
    )
    async with httpx.AsyncClient(trust_env=False) as http:
        samples = await load_sound((await http.get(form["RecordingUrl"])).content, 8000)
    assert np.abs(samples).max() > 1000
    told = await house.told("/recording", 2)
    assert [(one["RecordingStatus"], one["RecordingSid"]) for one in told] == [
        ("in-progress", form["RecordingSid"]),
        ("completed", form["RecordingSid"]),
    ]
    assert {one["CallSid"] for one in told} == {sid}


async def test_each_recording_tells_whom_it_names(house: TexmlHouse) -> None:
    started = f'<Start><Recording recordingStatusCallback="{house.bot.url}/whole"/></Start>'
    recorded = f'<Record maxLength="1" recordingStatusCallback="{house.bot.url}/part"/>'
    sid = await house.dial_in(started + recorded)
    part, whole = await house.asked("/part"), await house.asked("/whole")
    assert (part["RecordingSource"], whole["RecordingSource"]) == ("RecordVerb", "StartCallRecordingAPI")
    assert part["RecordingSid"] != whole["RecordingSid"]
    await house.report(sid)
    assert (len(house.bot.to("/part")), len(house.bot.to("/whole"))) == (1, 1)


async def test_a_dialled_party_and_the_caller_hear_each_other(house: TexmlHouse) -> None:
    await house.at(CALLEE, talker("This is the other telephone speaking.", 800))
    house.serve("/over", "<Hangup/>")
    recorded = f'record="record-from-answer-dual" recordingStatusCallback="{house.bot.url}/recording"'
    sid = await house.dial_in(
        f'<Dial action="/over" {recorded}>'
        f'<Number statusCallback="{house.bot.url}/leg" statusCallbackEvent="initiated ringing answered completed">'
        f"{CALLEE}</Number></Dial>",
        talker("Hello, is anybody on the line?"),
    )
    leg = await house.asked("/leg")
    other = leg["CallSid"]
    assert (leg["CallStatus"], leg["ParentCallSid"], leg["From"], leg["To"]) == ("initiated", sid, THIRD, CALLEE)
    await heard(house, sid, 800)
    await heard(house, other, 800)
    assert (await house.control.delete(f"/calls/{other}")).status_code == 204
    form = await house.asked("/over")
    assert (form["DialCallStatus"], form["DialCallSid"], form["CallSid"]) == ("completed", other, sid)
    assert int(form["DialCallDuration"]) >= 1
    assert (form["RecordingSource"], form["RecordingChannels"]) == ("DialVerb", "2")
    assert (await house.asked("/recording"))["RecordingSid"] == form["RecordingSid"]
    assert [one["CallStatus"] for one in await house.told("/leg", 4)] == [
        "initiated",
        "ringing",
        "in-progress",
        "completed",
    ]
    async with httpx.AsyncClient(trust_env=False) as http:
        file = (await http.get(form["RecordingUrl"])).content
    assert len(file) > 1000
    assert (await house.report(sid))["ended"]["source"] == "callee"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ({"preset": "busy"}, "busy"),
        ({"preset": "unavailable"}, "no-answer"),
        ({"preset": "declined"}, "failed"),
        ({"preset": "country-not-allowed"}, "failed"),
        (SILENT | {"answer_after_ms": 600_000}, "no-answer"),
    ],
)
async def test_a_dial_without_an_answer_goes_on_with_its_status(
    house: TexmlHouse, who: dict[str, object], status: str
) -> None:
    await house.at(CALLEE, who)
    house.serve("/over", "<Hangup/>")
    sid = await house.dial_in(f'<Dial action="/over" method="GET" timeout="5">{CALLEE}</Dial>')
    form = (await house.bot.until("/over", 1))[0].form
    assert (form["DialCallStatus"], form["DialCallDuration"]) == (status, "0")
    assert (await house.report(sid))["ended"]["cause"] == "normal_clearing"


async def test_the_first_of_several_to_answer_is_bridged_and_its_keys_are_sent(house: TexmlHouse) -> None:
    await house.at(CALLEE, SILENT | {"answer_after_ms": 600_000})
    await house.at(FOURTH, SILENT | {"answer_after_ms": 300})
    both = f'<Number sendDigits="9">{CALLEE}</Number><Number sendDigits="42">{FOURTH}</Number>'
    house.serve("/over", "<Hangup/>")
    # The first star comes before the dial and is not meant for it.
    stars = SILENT | {"turns": [{"dtmf": "*"}, {"dtmf": "*", "pause_ms": 3000}], "answer_timeout_ms": 500}
    sid = await house.dial_in(f'<Pause/><Dial action="/over" hangupOnStar="true">{both}</Dial>', stars)
    form = await house.asked("/over")
    winner = await house.report(form["DialCallSid"])
    assert (winner["to"], winner["digits"]) == (FOURTH, "42*")
    assert form["DialCallStatus"] == "completed"
    others = [call for call in (await house.control.get("/calls")).json() if call["to"] == CALLEE]
    assert [call["ended"]["cause"] for call in others] == ["originator_cancel"]
    assert (await house.report(sid))["ended"]["cause"] == "normal_clearing"


async def test_parties_dialled_in_turn(house: TexmlHouse) -> None:
    await house.at(CALLEE, {"preset": "busy"})
    await house.at(FOURTH, SILENT)
    house.serve("/over", "<Hangup/>")
    sid = await house.dial_in(
        f'<Dial action="/over" sequential="true"><Number>{CALLEE}</Number><Number>{FOURTH}</Number></Dial>'
    )

    async def legs() -> dict[str, str]:
        return {call["to"]: call["state"] for call in (await house.control.get("/calls")).json()}

    async with asyncio.timeout(10):
        while (await legs()).get(FOURTH) != "answered":
            await asyncio.sleep(0.05)
    assert (await legs())[CALLEE] == "ended"
    # The caller's hang-up takes the dialled party along.
    await house.control.delete(f"/calls/{sid}")
    await house.report(sid)
    assert set((await legs()).values()) == {"ended"}
    assert house.bot.to("/over") == []


async def test_a_call_stays_unanswered_until_the_dialled_party_answers(house: TexmlHouse) -> None:
    await house.at(CALLEE, {"preset": "busy"})
    sid = await house.dial_in(
        f'<Dial answerOnBridge="true">{CALLEE}</Dial><Reject reason="busy"/>',
        status_callback=f"{house.bot.url}/status",
    )
    assert (await house.report(sid))["ended"]["cause"] == "user_busy"
    assert [form["CallStatus"] for form in await house.told("/status", 2)] == ["initiated", "busy"]


async def test_a_stream_beside_what_is_said_until_it_is_stopped(house: TexmlHouse) -> None:
    bot = house.bot
    callback = f'statusCallback="{bot.url}/stream" statusCallbackMethod="GET"'
    stream = f'<Stream url="{bot.stream_url}" name="ear" track="both_tracks" {callback}/>'
    house.serve("/after", FOR_EVER)
    sid = await house.dial_in(
        f'<Start>{stream}</Start><Start><Stream url="{bot.stream_url}?second"/></Start>'
        '<Say>Somebody is listening.</Say><Stop><Stream name="ear"/></Stop><Redirect>/after</Redirect>'
    )
    ear = await bot.streams.get()
    await house.asked("/after")
    await ear.closed.wait()
    assert ear.of("stop")
    loud = [
        frame
        for frame in ear.of("media")
        if frame["media"]["track"] == "outbound" and len(set(base64.b64decode(frame["media"]["payload"]))) > 2
    ]
    assert len(loud) > 10
    told = [posted.form for posted in await bot.until("/stream", 2)]
    assert [(form["StreamEvent"], form["StreamName"]) for form in told] == [
        ("stream-started", "ear"),
        ("stream-stopped", "ear"),
    ]
    assert {posted.method for posted in bot.to("/stream")} == {"GET"}
    assert bot.streams.empty()
    assert "One stream at a time" in (await house.so_far(sid))["warnings"][0]


async def test_a_stream_that_is_stopped_at_once_is_not_left_open(house: TexmlHouse) -> None:
    stream = f'<Start><Stream url="{house.bot.stream_url}"/></Start><Stop><Stream/></Stop>'
    connect = f'<Connect><Stream url="{house.bot.stream_url}?next" {RTP}/></Connect>'
    house.serve("/after", "<Hangup/>")
    await house.dial_in(f"{stream}<Pause/>{connect}<Redirect>/after</Redirect>")
    while True:
        opened = await house.bot.streams.get()
        if opened.socket.url.query == "next":
            break
    await opened.until("media")
    await opened.socket.close()
    await house.asked("/after")


async def test_the_verb_after_connect_runs_when_the_application_closes(house: TexmlHouse) -> None:
    house.serve("/after", "<Hangup/>")
    sid = await house.dial_in(
        f'<Connect><Stream url="{house.bot.stream_url}" {RTP}/></Connect><Redirect>/after</Redirect>'
    )
    stream = await house.bot.streams.get()
    await stream.until("media", 3)
    assert house.bot.to("/after") == []
    await stream.socket.close()
    await house.asked("/after")
    assert (await house.report(sid))["frames_sent"] >= 3


@pytest.mark.parametrize("reconnect", ["true", "false"])
async def test_a_stream_that_breaks_is_opened_again_unless_that_is_unwanted(
    house: TexmlHouse, reconnect: str
) -> None:
    house.serve("/after", FOR_EVER)
    url = house.bot.stream_url
    await house.dial_in(
        f'<Connect><Stream url="{url}" {RTP} enableReconnect="{reconnect}"/></Connect><Redirect>/after</Redirect>'
    )
    first = await house.bot.streams.get()
    await first.until("media", 2)
    await first.socket.close(1011)
    if reconnect == "false":
        await house.asked("/after")
        assert house.bot.streams.empty()
        return
    second = await house.bot.streams.get()
    assert (await second.until("start"))[0]["stream_id"] == first.of("start")[0]["stream_id"]
    await second.until("media", 2)
    assert house.bot.to("/after") == []


async def test_new_instructions_end_what_is_going_on(house: TexmlHouse) -> None:
    sid = await house.dial_in(f'<Connect><Stream url="{house.bot.stream_url}" {RTP}/></Connect>')
    stream = await house.bot.streams.get()
    await stream.until("media")
    again = f'<Connect><Stream url="{house.bot.stream_url}?again" {RTP}/></Connect>'
    await house.client.texml.accounts.calls.update(sid, account_sid="any", texml=texml(again))
    await stream.closed.wait()
    other = await house.bot.streams.get()
    assert other.socket.url.query == "again"
    await other.until("media")
    assert (await house.so_far(sid))["warnings"] == []


async def test_what_the_simulator_does_not_know_is_in_the_report(house: TexmlHouse) -> None:
    sid = await house.dial_in("\n<Dance/>\n<AIGather/>\n<Hangup/>")
    warnings = " ".join((await house.report(sid))["warnings"])
    assert "Dance" in warnings
    assert "line 2" in warnings.lower()
    assert "AIGather" in warnings


async def test_a_document_in_error_says_its_line_in_the_report_and_at_the_command_line(
    house: TexmlHouse, tmp_path: Path
) -> None:
    sid = await house.dial_in("\n<Say>Hello.</Say>\n<Pause length='x'/>")
    report = await house.report(sid)
    assert report["ended"]["cause"] == "unspecified"
    assert "line 3" in report["warnings"][0].lower()
    command = [sys.executable, "-m", "simulator", "call", "--texml", f"{house.bot.url}/texml", "--no-probe"]
    running = await asyncio.create_subprocess_exec(
        *command, "--data-dir", str(tmp_path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await running.communicate()
    assert running.returncode == 1
    assert "line 3" in output.decode().lower()
