"""TeXML's REST paths through Telnyx's own client, in strict mode, and by plain HTTP, on whole calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import telnyx
from telnyx import AsyncTelnyx

from simulator.server import Simulator
from tests.simulator.conftest import Bot
from tests.simulator.texml_house import (
    ACCOUNT,
    ALL,
    CALLEE,
    CALLER,
    SILENT,
    WAIT,
    TexmlHouse,
    hang_up,
    in_progress,
    texml,
)


@pytest.fixture
async def house(simulator: Simulator, client: AsyncTelnyx, bot: Bot, control: httpx.AsyncClient) -> TexmlHouse:
    house = TexmlHouse(simulator, client, bot, control)
    await house.open()
    return house


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer any"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
        yield http


async def test_a_call_tells_its_progress_in_signed_forms(house: TexmlHouse) -> None:
    sid = await in_progress(house, caller_id="Clinic")
    await hang_up(house, sid)
    forms = await house.told("/status", 4)
    assert [(form["CallStatus"], form["SequenceNumber"]) for form in forms] == [
        ("initiated", "0"),
        ("ringing", "1"),
        ("in-progress", "2"),
        ("completed", "3"),
    ]
    assert {form["CallSid"] for form in forms} == {sid}
    assert {form["CallerId"] for form in forms} == {"Clinic"}
    assert {form["ConnectionId"] for form in forms} == {house.application}
    assert forms[-1]["HangupCause"] == "normal_clearing"
    assert house.bot.to("/application") == []


async def test_only_the_end_is_told_unless_events_are_named(house: TexmlHouse) -> None:
    sid = await house.call(SILENT, texml=texml("<Hangup/>"), status_callback=f"{house.bot.url}/status")
    await house.report(sid)
    assert [form["CallStatus"] for form in await house.told("/status", 1)] == ["completed"]


async def test_the_application_has_the_instructions_and_is_told_when_the_call_names_neither(
    house: TexmlHouse,
) -> None:
    house.bot.texml = texml("<Hangup/>")
    sid = await house.call(SILENT)
    form = await house.asked("/texml")
    assert form["CallSid"] == sid
    assert (form["From"], form["To"], form["ConnectionId"]) == (CALLER, CALLEE, house.application)
    assert "AnsweredBy" not in form
    await house.report(sid)
    assert [form["CallStatus"] for form in await house.told("/application", 4)] == [
        "initiated",
        "ringing",
        "in-progress",
        "completed",
    ]


async def test_instructions_by_get_have_their_parameters_in_the_query(house: TexmlHouse) -> None:
    url = house.serve("/document", "<Hangup/>")
    sid = await house.call(SILENT, url=f"{url}?mine=1", url_method="GET")
    asked = (await house.bot.until("/document", 1))[0]
    assert (asked.method, asked.body) == ("GET", b"")
    assert asked.form["CallSid"] == sid
    assert asked.form["mine"] == "1"


async def test_the_fallback_is_asked_when_there_is_no_document(house: TexmlHouse) -> None:
    fallback = house.serve("/fallback", "<Hangup/>")
    sid = await house.call(SILENT, url=f"{house.bot.url}/none.wav", fallback_url=fallback)
    assert (await house.asked("/fallback"))["CallSid"] == sid
    report = await house.report(sid)
    assert "404" in report["warnings"][0]
    assert report["ended"]["cause"] == "normal_clearing"


async def test_who_does_not_answer_never_gets_instructions(house: TexmlHouse) -> None:
    callback = {"status_callback": f"{house.bot.url}/status", "status_callback_event": ALL}
    expected = {
        "busy": ("busy", "user_busy"),
        "declined": ("failed", "call_rejected"),
        "unavailable": ("no-answer", "no_answer"),
    }
    sids = {preset: await house.call({"preset": preset}, **callback) for preset in expected}
    told = await house.told("/status", 9)
    for preset, (status, cause) in expected.items():
        forms = [form for form in told if form["CallSid"] == sids[preset]]
        assert [form["CallStatus"] for form in forms] == ["initiated", "ringing", status]
        assert (forms[-1]["HangupCause"], forms[-1]["CallDuration"]) == (cause, "0")
        assert "AnsweredTime" not in forms[-1]
        call = await house.client.texml.accounts.calls.retrieve(sids[preset], account_sid=ACCOUNT)
        assert (call.status, call.duration, call.start_time) == (status, "0", None)
    assert house.bot.to("/texml") == []


async def test_a_dial_that_telnyx_refuses_is_refused_here(house: TexmlHouse) -> None:
    with pytest.raises(telnyx.PermissionDeniedError, match="D13"):
        await house.call(to="+15550102013")
    with pytest.raises(telnyx.UnprocessableEntityError, match="10015"):
        await house.call(SILENT, application_sid="none")
    with pytest.raises(telnyx.UnprocessableEntityError, match="Url"):
        await house.call(SILENT, url="http://a.example/", texml=WAIT)
    with pytest.raises(telnyx.UnprocessableEntityError, match="/Timeout"):
        await house.call(SILENT, timeout=4)
    with pytest.raises(telnyx.UnprocessableEntityError, match="10004"):
        await house.call(SILENT, application_sid="9999999999999999999")


async def test_the_caller_of_an_unanswered_number_gives_up(house: TexmlHouse) -> None:
    sid = await house.call(SILENT | {"answer_after_ms": 600_000}, texml=WAIT)
    call = await house.client.texml.accounts.calls.retrieve(sid, account_sid=ACCOUNT)
    assert call.status == "ringing"
    await hang_up(house, sid)
    assert (await house.report(sid))["ended"] == {"cause": "originator_cancel", "source": "caller", "sip": "487"}
    ended = await house.client.texml.accounts.calls.retrieve(sid, account_sid=ACCOUNT)
    assert ended.status == "canceled"


async def test_a_call_is_retrieved_and_listed(house: TexmlHouse) -> None:
    sid = await in_progress(house)
    calls = house.client.texml.accounts.calls
    call = await calls.retrieve(sid, account_sid=ACCOUNT)
    assert (call.sid, call.status, call.direction) == (sid, "in-progress", "outbound")
    assert (call.from_formatted, call.answered_by) == ("(555) 010-0000", None)
    assert call.uri == f"/v2/texml/Accounts/{ACCOUNT}/Calls/{sid}.json"
    other = await in_progress(house)
    await hang_up(house, other)
    await house.report(other)
    listed = await calls.retrieve_calls(ACCOUNT)
    assert [one.sid for one in listed.calls or []] == [other, sid]
    ended = await calls.retrieve_calls(ACCOUNT, status="completed", to=CALLEE, start_time_gt="2020-01-01")
    assert [one.sid for one in ended.calls or []] == [other]
    assert (await calls.retrieve_calls(ACCOUNT, from_="+15550100999")).calls == []


async def test_the_next_page_of_calls_is_where_it_is_said_to_be(
    house: TexmlHouse, http: httpx.AsyncClient
) -> None:
    sids = [await house.call(SILENT, texml=WAIT) for _ in range(3)]
    seen: list[str] = []
    path: str | None = f"/v2/texml/Accounts/{ACCOUNT}/Calls?PageSize=2"
    while path is not None:
        page = (await http.get(house.simulator.url + path)).json()
        seen += [call["sid"] for call in page["calls"]]
        path = page["next_page_uri"]
    assert seen == sids[::-1]
    for query in ("PageSize=0", "Page=x", "Status=up", "StartTime_gt=soon"):
        answer = await http.get(f"{house.base}/Calls?{query}")
        assert answer.status_code in (400, 422), answer.text


async def test_other_instructions_in_mid_call(house: TexmlHouse) -> None:
    calls = house.client.texml.accounts.calls
    sid = await in_progress(house)
    url = house.serve("/other", '<Redirect method="GET">/again</Redirect>')
    house.serve("/again", '<Pause length="60"/>')
    changed = await calls.update(sid, account_sid=ACCOUNT, url=url)
    assert (changed.sid, changed.status) == (sid, "in-progress")
    assert (await house.asked("/other"))["CallSid"] == sid
    await house.bot.until("/again", 1)
    await calls.update(
        sid, account_sid=ACCOUNT, texml=texml("<Hangup/>"), status_callback=f"{house.bot.url}/elsewhere"
    )
    assert (await house.report(sid))["ended"]["cause"] == "normal_clearing"
    assert (await house.asked("/elsewhere"))["CallStatus"] == "completed"
    with pytest.raises(telnyx.UnprocessableEntityError, match="90018"):
        await calls.update(sid, account_sid=ACCOUNT, status="completed")


async def test_instructions_given_while_it_rings_wait_for_the_answer(house: TexmlHouse) -> None:
    callback = {"status_callback": f"{house.bot.url}/status", "status_callback_event": ALL}
    sid = await house.call(SILENT | {"answer_after_ms": 700}, **callback)
    url = house.serve("/other", "<Hangup/>")
    changed = await house.client.texml.accounts.calls.update(sid, account_sid=ACCOUNT, url=url)
    assert changed.status == "ringing"
    forms = await house.told("/status", 4)
    assert [form["CallStatus"] for form in forms] == ["initiated", "ringing", "in-progress", "completed"]
    rang = datetime.fromisoformat(forms[3]["AnsweredTime"]) - datetime.fromisoformat(forms[0]["CallInitiatedAt"])
    assert rang >= timedelta(milliseconds=700)
    assert len(house.bot.to("/other")) == 1
    assert house.bot.to("/texml") == []


async def test_detection_is_waited_for(house: TexmlHouse) -> None:
    house.bot.texml = texml("<Redirect>/texml/more</Redirect>")
    house.serve("/texml/more", "<Hangup/>")
    callback = f"{house.bot.url}/amd"
    sid = await house.call({"preset": "residence"}, machine_detection="Enable", async_amd_status_callback=callback)
    assert (await house.asked("/texml"))["AnsweredBy"] == "human"
    assert (await house.asked("/texml/more"))["AnsweredBy"] == "human"
    call = await house.client.texml.accounts.calls.retrieve(sid, account_sid=ACCOUNT)
    assert call.answered_by == "human"


async def test_detection_beside_the_instructions_has_its_own_callback_and_stops_what_plays(
    house: TexmlHouse, tone_wav: bytes
) -> None:
    house.bot.files["/tone.wav"] = tone_wav
    verbs = f'<Play loop="0">{house.bot.url}/tone.wav</Play><Redirect>/stopped</Redirect>'
    house.serve("/stopped", "<Hangup/>")
    sid = await house.call(
        {"preset": "silence"},
        url=house.serve("/document", verbs),
        machine_detection="Enable",
        async_amd=True,
        async_amd_status_callback=f"{house.bot.url}/amd",
        async_amd_status_callback_method="GET",
    )
    assert "AnsweredBy" not in await house.asked("/document")
    told = (await house.bot.until("/amd", 1))[0]
    assert (told.method, told.form["AnsweredBy"], told.form["CallSid"]) == ("GET", "machine", sid)
    assert "AnsweredBy" not in await house.asked("/stopped")


async def test_a_machine_is_heard_out_when_that_is_asked_for(house: TexmlHouse) -> None:
    house.bot.texml = texml("<Hangup/>")
    await house.call({"preset": "voicemail"}, machine_detection="DetectMessageEnd")
    assert (await house.asked("/texml"))["AnsweredBy"] == "machine_end_beep"


async def test_the_older_path_answers_with_the_sid(house: TexmlHouse) -> None:
    await house.at(CALLEE, SILENT)
    made = await house.client.texml.calls.create(
        house.application, from_=CALLER, to=CALLEE, url=house.serve("/document", "<Hangup/>"), method="GET"
    )
    assert (made.from_, made.to, made.status) == (CALLER, CALLEE, "queued")
    assert made.call_sid is not None
    asked = (await house.bot.until("/document", 1))[0]
    assert (asked.method, asked.form["CallSid"]) == ("GET", made.call_sid)
    assert (await house.report(made.call_sid))["ended"]["cause"] == "normal_clearing"


@pytest.mark.parametrize("is_form", [True, False])
async def test_plain_requests_in_either_encoding(
    house: TexmlHouse, http: httpx.AsyncClient, is_form: bool
) -> None:
    await house.at(CALLEE, SILENT)
    fields = {
        "ApplicationSid": house.application,
        "From": CALLER,
        "To": CALLEE,
        "Texml": texml("<Pause/>"),
        "StatusCallback": f"{house.bot.url}/status",
        "StatusCallbackEvent": "initiated",
        "Timeout": "20" if is_form else 20,
        "Record": "false" if is_form else False,
    }

    async def post(path: str, body: dict[str, Any]) -> httpx.Response:
        url = house.base + path
        return await (http.post(url, data=body) if is_form else http.post(url, json=body))

    placed = await post("/Calls", fields)
    assert placed.status_code == 200, placed.text
    sid = placed.json()["call_sid"]
    assert placed.json() == {"from": CALLER, "to": CALLEE, "status": "queued", "call_sid": sid}
    assert (await house.asked("/status"))["CallStatus"] == "initiated"
    ended = await post(f"/Calls/{sid}.json", {"Status": "completed"})
    assert ended.json()["sid"] == sid
    assert (await house.report(sid))["warnings"] == []


async def test_names_that_telnyx_does_not_know_are_said_in_the_report(
    house: TexmlHouse, http: httpx.AsyncClient
) -> None:
    fields = {"ApplicationSid": house.application, "From": CALLER, "To": CALLEE, "Texml": texml("<Hangup/>")}
    placed = await http.post(f"{house.base}/Calls", json=fields | {"statusCallback": "http://a.example/"})
    report = await house.report(placed.json()["call_sid"])
    assert "statusCallback" in report["warnings"][0]


async def test_what_is_not_there_is_telnyx_short_404(house: TexmlHouse, http: httpx.AsyncClient) -> None:
    nobody = f"{house.base}/Calls/v3:nobody"
    for method, path, fields in (
        ("GET", nobody, None),
        ("GET", f"{nobody}.json", None),
        ("POST", nobody, {"Status": "completed"}),
        ("POST", f"{nobody}/Streams.json", {"Url": "ws://127.0.0.1:9/"}),
        ("POST", f"{nobody}/Recordings.json", {}),
        ("GET", f"{nobody}/Recordings.json", None),
        ("GET", f"{house.base}/Recordings/none.json", None),
        ("DELETE", f"{house.base}/Recordings/none.json", None),
    ):
        answer = await http.request(method, path, data=fields)
        assert answer.status_code == 404, path
        assert answer.json() == {"errors": [{"detail": "Resource not found"}]}


async def test_wrong_parameters_are_pointed_at(house: TexmlHouse, http: httpx.AsyncClient) -> None:
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"To": "5550100777"}, "10016", "/To"),
        ({"From": None}, "10004", "/From"),
        ({"Url": "ftp://a.example/"}, "10003", "/Url"),
        ({"MachineDetection": "Perhaps"}, "10032", "/MachineDetection"),
        ({"StatusCallbackEvent": "hung-up"}, "10032", "/StatusCallbackEvent"),
        ({"ApplicationSid": 5}, "10026", "/ApplicationSid"),
    ]
    for change, code, pointer in wrong:
        fields = {"ApplicationSid": house.application, "From": CALLER, "To": CALLEE} | change
        fields = {name: value for name, value in fields.items() if value is not None}
        answer = await http.post(f"{house.base}/Calls", json=fields)
        assert answer.status_code == 422, answer.text
        error = answer.json()["errors"][0]
        assert (error["code"], error["source"]["pointer"]) == (code, pointer)
