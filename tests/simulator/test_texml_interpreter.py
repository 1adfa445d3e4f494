"""TeXML run on a call leg, with a real server for the next documents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from nacl.signing import SigningKey

from simulator.telnyx.call_rules import GatherRules, RecordRules
from simulator.telnyx.happenings import GatherEnded, RecordingSaved
from simulator.telnyx.routing import Callback
from simulator.telnyx.texml import interpreter
from simulator.telnyx.texml.port import DialOrder, DialResult, DialTarget
from simulator.telnyx.texml.source import Fetch, Inline, Source
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.signing import Signer
from tests.simulator.texml_fake_leg import CALLER, CLINIC, FakeLeg
from tests.simulator.texml_site import Site, open_site

HUNG_UP = ("application_hangs_up",)
FAILED = ("hang_up", "unspecified", "callee", "unspecified")
STREAM = '<Stream url="wss://bot.example/ws" bidirectionalMode="rtp"/>'


class Stage:
    """One leg, one site, and a run of TeXML; `slept` are the seconds of silence."""

    def __init__(self, site: Site, webhooks: Webhooks) -> None:
        self.site = site
        self.webhooks = webhooks
        self.leg = FakeLeg()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def run(self, source: Source) -> list[tuple[object, ...]]:
        await interpreter.run(self.leg, source, self.webhooks, self.sleep)
        return self.leg.done

    async def verbs(self, verbs: str) -> list[tuple[object, ...]]:
        return await self.run(Fetch(self.site.verbs("/first", verbs)))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    webhooks = Webhooks(Signer(SigningKey.generate()))
    async with open_site() as site:
        yield Stage(site, webhooks)
    await webhooks.close(1.0)


async def test_the_request_carries_the_call(stage):
    assert await stage.verbs("") == [HUNG_UP]
    [asked] = stage.site.asked
    assert asked.form["CallSid"] == stage.leg.facts.ids.call_control_id
    assert (asked.form["From"], asked.form["To"]) == (CALLER, CLINIC)


async def test_verbs_run_in_their_order_and_answer_once(stage):
    done = await stage.verbs(
        '<Say voice="alice" language="de-DE" loop="2">Hallo</Say><Pause length="3"/><Play loop="2">/a.wav</Play>'
        '<Play digits="1w2"/>'
    )
    assert done == [
        ("answer",),
        ("speak", "Hallo", "alice", "de-DE"),
        ("speak", "Hallo", "alice", "de-DE"),
        ("play", f"{stage.site.url}/a.wav"),
        ("play", f"{stage.site.url}/a.wav"),
        ("send_digits", "1w2"),
        HUNG_UP,
    ]
    assert stage.slept == [3]
    assert stage.leg.warnings == []


async def test_inline_documents_need_no_server(stage):
    assert await stage.run(Inline(b"<Response><Say>a</Say></Response>")) == [
        ("answer",),
        ("speak", "a", "man", None),
        HUNG_UP,
    ]


async def test_connect_waits_for_the_stream(stage):
    stage.leg.stream_ended.clear()
    running = asyncio.create_task(stage.verbs(f"<Connect>{STREAM}</Connect><Say>bye</Say>"))
    await stage.leg.streaming.wait()
    assert stage.leg.done == [("answer",), ("stream", "wss://bot.example/ws")]
    stage.leg.stream_ended.set()
    assert (await running)[2:] == [("stream ended",), ("speak", "bye", "man", None), HUNG_UP]


async def test_a_run_can_be_cancelled(stage):
    stage.leg.stream_ended.clear()
    running = asyncio.create_task(stage.verbs(f"<Connect>{STREAM}</Connect>"))
    await stage.leg.streaming.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert HUNG_UP not in stage.leg.done


async def test_start_and_stop_do_not_wait(stage):
    done = await stage.verbs(
        '<Start><Stream url="wss://bot.example/ws" name="n"/><Recording format="wav"/></Start>'
        '<Stop><Stream name="n"/></Stop>'
    )
    assert done == [
        ("answer",),
        ("start_stream", "n"),
        ("start_recording", RecordRules("dual", "wav")),
        ("stop_stream", "n"),
        HUNG_UP,
    ]


async def test_hangup_ends_the_document(stage):
    assert await stage.verbs("<Hangup/><Say>never</Say>") == [HUNG_UP]


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("", ("hang_up", "call_rejected", "callee", "603")),
        (' reason="busy"', ("hang_up", "user_busy", "callee", "486")),
    ],
)
async def test_reject_before_the_answer(stage, reason, end):
    assert await stage.verbs(f"<Reject{reason}/>") == [end]


async def test_reject_after_the_answer_hangs_up(stage):
    assert await stage.verbs("<Pause/><Reject/>") == [("answer",), HUNG_UP]


async def test_reject_of_an_outgoing_call_hangs_up(stage):
    stage.leg = FakeLeg("outgoing")
    assert await stage.verbs("<Reject/>") == [HUNG_UP]


async def test_skipped_verbs_are_said(stage):
    assert await stage.verbs("<Foo/><Enqueue>q</Enqueue><Hangup/>") == [HUNG_UP]
    assert stage.leg.warnings == [
        "Line 1: Telnyx does not know the verb <Foo> and skips it.",
        "Line 1: The simulator does not play the TeXML verb <Enqueue>, so it was skipped.",
    ]


async def test_redirect_fetches_with_its_method(stage):
    stage.site.verbs("/next", "<Say>there</Say>")
    done = await stage.verbs('<Redirect method="GET">next</Redirect><Say>never</Say>')
    assert done == [("answer",), ("speak", "there", "man", None), HUNG_UP]
    assert [asked.method for asked in stage.site.asked] == ["POST", "GET"]
    assert stage.site.asked[1].form["CallSid"] == stage.leg.facts.ids.call_control_id


async def test_redirects_in_a_row_are_bounded(stage):
    assert await stage.verbs("<Redirect>/first</Redirect>") == [FAILED]
    assert len(stage.site.asked) == 21
    assert stage.leg.warnings == [
        "The TeXML was redirected more than 20 times in a row; end the loop of <Redirect>."
    ]


async def test_documents_of_a_call_are_bounded(stage):
    done = await stage.verbs("<Pause/><Redirect>/first</Redirect>")
    assert done[-1] == FAILED
    assert len(stage.site.asked) == len(stage.slept) == 100
    assert stage.leg.warnings == ["A call runs at most 100 TeXML documents; end the loop between them."]


async def test_the_fallback_serves_any_document_of_the_call(stage):
    stage.site.verbs("/first", "<Redirect>/gone</Redirect>")
    stage.site.verbs("/fallback", "<Say>sorry</Say>")
    source = Fetch(f"{stage.site.url}/first", "POST", f"{stage.site.url}/fallback", "GET")
    assert ("speak", "sorry", "man", None) in await stage.run(source)
    assert [(asked.method, asked.path) for asked in stage.site.asked] == [
        ("POST", "/first"),
        ("POST", "/gone"),
        ("GET", "/fallback"),
    ]
    assert stage.leg.warnings == [
        f"TeXML needs HTTP 200, but {stage.site.url}/gone answered 404. The fallback address was asked instead."
    ]


@pytest.mark.parametrize("body", ["", "<Response>", "<Response><Pause length='x'/></Response>"])
async def test_documents_that_cannot_be_run_hang_up(stage, body):
    assert await stage.run(Inline(body.encode())) == [FAILED]
    assert len(stage.leg.warnings) == 1


async def test_a_failed_outgoing_call_is_hung_up_by_its_caller(stage):
    stage.leg = FakeLeg("outgoing")
    assert await stage.run(Fetch(f"{stage.site.url}/gone")) == [
        ("hang_up", "unspecified", "caller", "unspecified")
    ]


async def test_gather_hands_its_rules_and_prompts_on(stage):
    done = await stage.verbs(
        '<Gather action="/keys" minDigits="2" maxDigits="4" timeout="9" finishOnKey="*" validDigits="123">'
        "<Say>Press</Say><Pause length='2'/><Play>/b.wav</Play></Gather><Say>nothing</Say>"
    )
    rules = GatherRules(
        minimum=2,
        maximum=4,
        terminating_digit="*",
        valid_digits="123",
        inter_digit_timeout_ms=9000,
        timeout_ms=45_000,
    )
    assert done == [
        ("answer",),
        ("gather", rules),
        ("speak", "Press", "man", None),
        ("play", f"{stage.site.url}/b.wav"),
        ("speak", "nothing", "man", None),
        HUNG_UP,
    ]
    assert stage.slept == [2]
    assert stage.site.paths() == ["/first"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_gathered_keys_go_to_the_action_with_the_applications_method(stage, method):
    stage.leg.gathered = GatherEnded("42", "valid")
    stage.site.verbs("/keys", "<Hangup/>")
    stage.site.verbs("/first", '<Gather action="/keys"/><Say>never</Say>')
    assert ("speak", "never", "man", None) not in await stage.run(Fetch(f"{stage.site.url}/first", method))
    assert stage.site.asked[1].method == method
    assert stage.site.asked[1].form["Digits"] == "42"
    assert stage.site.asked[1].form["From"] == CALLER


@pytest.mark.parametrize(
    "gathered",
    [
        GatherEnded("42", "call_hangup"),
        GatherEnded("42", "cancelled"),
        GatherEnded("4", "invalid"),
        GatherEnded("", "invalid"),
    ],
)
async def test_gathered_keys_that_do_not_count_fall_through(stage, gathered):
    stage.leg.gathered = gathered
    done = await stage.verbs('<Gather minDigits="2" action="/keys"/><Say>next</Say>')
    assert done[-2:] == [("speak", "next", "man", None), HUNG_UP]
    assert stage.site.paths() == ["/first"]


async def test_keys_without_an_action_fall_through(stage):
    stage.leg.gathered = GatherEnded("42", "valid")
    assert (await stage.verbs("<Gather/><Say>next</Say>"))[-2] == ("speak", "next", "man", None)


@pytest.mark.parametrize(("digits", "path"), [("12", "/keys"), ("19", "/invalid"), ("1", "/invalid")])
async def test_invalid_keys_go_to_their_own_action(stage, digits, path):
    stage.leg.gathered = GatherEnded(digits, "valid" if len(digits) > 1 else "invalid")
    stage.site.verbs(path, "<Hangup/>")
    done = await stage.verbs(
        '<Gather minDigits="2" validDigits="12" action="/keys" invalidDigitsAction="/invalid"/>'
    )
    assert stage.site.paths() == ["/first", path]
    assert stage.site.asked[1].form["Digits"] == digits
    rules = done[1][1]
    assert isinstance(rules, GatherRules)
    assert rules.valid_digits == "0123456789#*"


async def test_speech_alone_hears_nothing(stage):
    done = await stage.verbs('<Gather input="speech" timeout="7" action="/keys"><Say>Speak</Say></Gather>')
    assert done == [("answer",), ("speak", "Speak", "man", None), HUNG_UP]
    assert stage.slept == [7]


async def test_record_tells_its_action(stage):
    began = datetime.now(UTC)
    stage.leg.recorded = RecordingSaved(
        "rec-1", "dual", {"mp3": "http://r/1.mp3"}, began, began + timedelta(seconds=5)
    )
    stage.site.verbs("/saved", "<Hangup/>")
    done = await stage.verbs(
        '<Record action="/saved" method="GET" maxLength="9" recordingStatusCallback="http://cb.example/r"/>'
    )
    callback = Callback("http://cb.example/r", "POST", frozenset({"completed"}))
    rules = RecordRules(
        "dual", "mp3", max_seconds=9, finish_on_key="1234567890*#", play_beep=True, callback=callback
    )
    assert done == [("answer",), ("record", rules), HUNG_UP]
    asked = stage.site.asked[1]
    assert asked.method == "GET"
    assert {name: value for name, value in asked.form.items() if name.startswith("Recording")} == {
        "RecordingChannels": "2",
        "RecordingDuration": "5",
        "RecordingSid": "rec-1",
        "RecordingSource": "RecordVerb",
        "RecordingStatus": "completed",
        "RecordingUrl": "http://r/1.mp3",
    }


async def test_a_recording_that_failed_falls_through(stage):
    done = await stage.verbs('<Record action="/saved"/><Say>next</Say>')
    assert done[-2] == ("speak", "next", "man", None)
    assert stage.site.paths() == ["/first"]


async def test_dial_hands_its_order_on_and_tells_its_action(stage):
    stage.leg.dialled = DialResult("no-answer", "v3:b", 0, None)
    stage.site.verbs("/over", "<Say>sorry</Say>")
    done = await stage.verbs(
        '<Dial action="/over" timeout="20" timeLimit="90" hangupOnStar="true" record="record-from-answer">'
        '<Number statusCallback="http://cb.example/n">+15551230001</Number>'
        '<Number sendDigits="9">+15551230002</Number></Dial>'
    )
    assert done == [
        ("answer",),
        (
            "dial",
            DialOrder(
                targets=(
                    DialTarget("+15551230001", callback=Callback("http://cb.example/n")),
                    DialTarget("+15551230002", "9"),
                ),
                from_number=CALLER,
                timeout_seconds=20,
                time_limit_seconds=90,
                recording=RecordRules("single", "mp3"),
                hang_up_on_star=True,
            ),
        ),
        ("speak", "sorry", "man", None),
        HUNG_UP,
    ]
    form = stage.site.asked[1].form
    assert {name: value for name, value in form.items() if name.startswith("Dial")} == {
        "DialCallDuration": "0",
        "DialCallSid": "v3:b",
        "DialCallSidLegacy": "v3:b",
        "DialCallStatus": "no-answer",
    }


async def test_dial_tells_of_its_recording(stage):
    now = datetime.now(UTC)
    saved = RecordingSaved("rec-2", "single", {}, now, now)
    stage.leg.dialled = DialResult("completed", "v3:b", 7, None, saved)
    stage.site.verbs("/over", "<Hangup/>")
    await stage.verbs('<Dial action="/over" record="record-from-answer">+15551230001</Dial>')
    form = stage.site.asked[1].form
    assert (form["RecordingSid"], form["RecordingSource"], form["RecordingChannels"]) == ("rec-2", "DialVerb", "1")
    assert "RecordingUrl" not in form


async def test_dial_without_an_action_falls_through(stage):
    done = await stage.verbs(
        '<Dial answerOnBridge="true" callerId="+15551230009">+15551230001</Dial><Say>next</Say>'
    )
    order = done[0][1]
    assert isinstance(order, DialOrder)
    assert (order.from_number, order.answer_on_bridge) == ("+15551230009", True)
    assert done[1:] == [("answer",), ("speak", "next", "man", None), HUNG_UP]


@pytest.mark.parametrize(
    "verb", ['<Say loop="0">hi</Say>', '<Play loop="0">/a.wav</Play>', '<Play loop="0" digits="1"/>']
)
async def test_a_loop_without_end_ends_when_nothing_is_played(stage, verb):
    assert len(await stage.verbs(verb)) == 3


async def test_a_loop_without_end_goes_on(stage):
    stage.leg.seconds_to_speak = 0.03
    running = asyncio.create_task(stage.verbs('<Say loop="0">hold</Say>'))
    assert [await stage.leg.spoken.get() for _ in range(3)] == ["hold"] * 3
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
