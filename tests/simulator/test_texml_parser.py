"""TeXML documents into verbs."""

from __future__ import annotations

import pytest

from simulator.telnyx.call_rules import RecordRules
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.routing import Callback
from simulator.telnyx.texml.parse import parse
from simulator.telnyx.texml.port import DialTarget
from simulator.telnyx.texml.verbs import (
    Action,
    ConnectStream,
    Dial,
    Gather,
    HangUp,
    Pause,
    Play,
    PlayDigits,
    Record,
    Redirect,
    Reject,
    Say,
    StartRecording,
    StartStream,
    StopStream,
)

BASE = "https://bot.example/texml/first?a=1"
KEYS = "1234567890*#"


def response(verbs: str) -> bytes:
    return f"<Response>\n{verbs}\n</Response>".encode()


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        ("", []),
        (
            '<Connect><Stream url="wss://bot.example/ws?a=1&amp;b=2" bidirectionalMode="rtp"/></Connect>',
            [
                ConnectStream(
                    StreamOptions(
                        "wss://bot.example/ws?a=1&b=2", mode="rtp", target_legs="self", reconnect=True, rate=8000
                    )
                )
            ],
        ),
        (
            '<Start><Stream url="ws://127.0.0.1:1/x" track="both_tracks" name="n" codec="G722" '
            'bidirectionalMode="rtp" bidirectionalCodec="OPUS" bidirectionalSamplingRate="16000" '
            'statusCallback="/events" statusCallbackMethod="GET" enableReconnect="false">'
            '<Parameter name="a" value="1"/><Parameter name="b" value=""/></Stream></Start>',
            [
                StartStream(
                    StreamOptions(
                        url="ws://127.0.0.1:1/x",
                        track="both_tracks",
                        name="n",
                        codec="G722",
                        mode="rtp",
                        send_codec="OPUS",
                        rate=16_000,
                        target_legs="self",
                        custom_parameters={"a": "1", "b": ""},
                        status_callback="https://bot.example/events",
                        status_callback_method="GET",
                        reconnect=False,
                    )
                )
            ],
        ),
        (
            '<Stop><Stream name="n"/></Stop><Stop><Stream/></Stop>',
            [StopStream("n"), StopStream(None)],
        ),
        (
            '<Start><Recording channels="mono" track="inbound" format="wav" trim="trim-silence"/></Start>',
            [StartRecording(RecordRules("single", "wav", "inbound", trim_silence=True, callback=None))],
        ),
        ('<Pause/><Pause length="180"/>', [Pause(1), Pause(180)]),
        (
            '<Say voice="alice" language="fr-FR" loop="0"> Bonjour\n  monde </Say>',
            [Say("Bonjour monde", "alice", "fr-FR", 0)],
        ),
        (
            '<Say voice="Polly.Joanna">One<break time="1s"/>two <sub alias="Doctor">Dr</sub> '
            "<prosody rate='slow'>th<emphasis>ree</emphasis></prosody></Say>",
            [Say("One two Doctor three", "Polly.Joanna")],
        ),
        ('<Play loop="3">/a.mp3</Play>', [Play("https://bot.example/a.mp3", 3)]),
        ('<Play digits="1w#"/>', [PlayDigits("1w#")]),
        ("<Hangup/>", [HangUp()]),
        ('<Reject reason="busy"/>', [Reject("busy")]),
        ("<Reject/>", [Reject("rejected")]),
        ("<Redirect> next </Redirect>", [Redirect("https://bot.example/texml/next", "POST")]),
        ('<Redirect method="get">http://h/x</Redirect>', [Redirect("http://h/x", "GET")]),
        ("<Gather/>", [Gather(())]),
        (
            '<Gather action="/keys" invalidDigitsAction="/no" minDigits="2" maxDigits="4" timeout="9" '
            'finishOnKey="" validDigits="123"><Say>Press</Say><Play>/b.wav</Play></Gather>',
            [
                Gather(
                    (Say("Press"), Play("https://bot.example/b.wav")),
                    "https://bot.example/keys",
                    "https://bot.example/no",
                    2,
                    4,
                    9,
                    "",
                    "123",
                )
            ],
        ),
        ('<Gather numDigits="1" maxDigits="9" finishOnKey="*#"/>', [Gather((), maximum=1, finish_on_key="*#")]),
        (
            "<Record/>",
            [Record(RecordRules("dual", "mp3", max_seconds=3600, finish_on_key=KEYS, play_beep=True))],
        ),
        (
            '<Record action="/done" method="GET" maxLength="30" timeout="5" finishOnKey="#" playBeep="false" '
            'channels="single" format="wav" trim="trim-silence" recordingStatusCallback="/saved" '
            'recordingStatusCallbackMethod="GET" recordingStatusCallbackEvent="in-progress completed"/>',
            [
                Record(
                    RecordRules(
                        "single",
                        "wav",
                        max_seconds=30,
                        silence_seconds=5,
                        finish_on_key="#",
                        trim_silence=True,
                        callback=Callback(
                            "https://bot.example/saved", "GET", frozenset({"in-progress", "completed"})
                        ),
                    ),
                    Action("https://bot.example/done", "GET"),
                )
            ],
        ),
        ("<Dial>+15551230001</Dial>", [Dial((DialTarget("+15551230001"),))]),
        ("<Dial> sip:a@b.example </Dial>", [Dial((DialTarget("sip:a@b.example"),))]),
        (
            '<Dial action="/over" callerId="+15551230009" timeout="20" timeLimit="600" hangupOnStar="true" '
            'answerOnBridge="true" sequential="true" record="record-from-answer-dual" recordMaxLength="60">'
            '<Number sendDigits="ww12" statusCallback="/s" statusCallbackEvent="ringing answered">+15551230001'
            '</Number><Sip username="u" password="p">sip:a@b.example;secure=true</Sip></Dial>',
            [
                Dial(
                    targets=(
                        DialTarget(
                            "+15551230001",
                            "ww12",
                            Callback("https://bot.example/s", "POST", frozenset({"ringing", "answered"})),
                        ),
                        DialTarget("sip:a@b.example;secure=true"),
                    ),
                    caller_id="+15551230009",
                    timeout_seconds=20,
                    time_limit_seconds=600,
                    sequential=True,
                    answer_on_bridge=True,
                    hang_up_on_star=True,
                    recording=RecordRules("dual", "mp3", max_seconds=60),
                    action=Action("https://bot.example/over", "POST"),
                )
            ],
        ),
    ],
)
def test_documents_that_are_right(verbs, expected):
    document = parse(response(verbs), BASE)
    assert list(document.verbs) == expected
    assert document.warnings == ()


def test_namespaces_are_no_attributes():
    document = parse(b'<Response xmlns:x="urn:x" xml:lang="en"><Say xmlns="urn:y">a</Say></Response>')
    assert (document.verbs, document.warnings) == ((Say("a"),), ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_that_xml_knows(encoding):
    document = f'<?xml version="1.0" encoding="{encoding}"?><Response><Say>Grüße</Say></Response>'
    assert parse(document.encode(encoding)).verbs == (Say("Grüße"),)


def test_cdata_and_comments():
    document = b"<Response><!-- Hangup --><?php echo 1 ?><Say><![CDATA[a < b]]></Say></Response>"
    assert parse(document).verbs == (Say("a < b"),)
