"""TeXML that runs although something of it is passed over, and what is said of that."""

from __future__ import annotations

import pytest

from simulator.telnyx.texml.parse import TexmlError, parse

BASE = "https://bot.example/texml/first?a=1"


def response(verbs: str) -> bytes:
    return f"<Response>\n{verbs}\n</Response>".encode()


@pytest.mark.parametrize(
    ("verbs", "run", "sentence"),
    [
        ("<Foo/>", 0, "Telnyx does not know the verb <Foo> and skips it."),
        ("<say>hi</say>", 0, "Telnyx does not know the verb <say> and skips it; <Say> is meant, perhaps."),
        (
            "<Sms>hi</Sms>",
            0,
            "Telnyx does not know the verb <Sms> and skips it; send the message with Telnyx's messaging API.",
        ),
        ("<Enqueue>q</Enqueue>", 0, "The simulator does not play the TeXML verb <Enqueue>, so it was skipped."),
        ("<Leave/>", 0, "The simulator does not play the TeXML verb <Leave>, so it was skipped."),
        ("<Refer/>", 0, "The simulator does not play the TeXML verb <Refer>, so it was skipped."),
        ("<AIGather/>", 0, "The simulator does not play the TeXML verb <AIGather>, so it was skipped."),
        ("<Stream/>", 0, "<Stream> is not a verb of its own, so it was skipped as Telnyx skips it."),
        (
            '<Pause Length="3"/>',
            1,
            "Telnyx knows no attribute Length of <Pause> and passes it over; length is meant, perhaps.",
        ),
        (
            '<Record transcribe="true"/>',
            1,
            "Telnyx knows no attribute transcribe of <Record> and passes it over; transcription is meant, "
            "perhaps.",
        ),
        ('<Hangup now="1"/>', 1, "Telnyx knows no attribute now of <Hangup> and passes it over."),
        (
            '<Reject xyz="1"/>',
            1,
            "Telnyx knows no attribute xyz of <Reject> and passes it over; it knows reason.",
        ),
        ('<Gather timeout=""/>', 1, "<Gather timeout> is empty and counts as not given."),
        ('<Gather action=" "/>', 1, "<Gather action> is empty and counts as not given."),
        (
            '<Gather method="POST"/>',
            1,
            "<Gather> has no method: its action is asked with the method of the TeXML application.",
        ),
        (
            '<Gather input="dtmf speech"/>',
            1,
            "The simulator gathers keys only, so <Gather input> speech hears nothing.",
        ),
        (
            "<Gather><Dial/></Gather>",
            1,
            "<Dial> does not belong in <Gather>, which takes <Say>, <Play>, <Pause>; it is passed over.",
        ),
        (
            "<Gather><Pause/></Gather>",
            1,
            "Telnyx lists <Say> and <Play> in <Gather>, and may skip this <Pause>.",
        ),
        ("<Pause><Say>x</Say></Pause>", 1, "<Pause> takes no elements, so <Say> in it is passed over."),
        ("<Pause>please</Pause>", 1, "<Pause> takes no text, so 'please' is passed over."),
        ("<Say/>", 0, "<Say> has no text and was skipped."),
        ("<Say><Play>x</Play></Say>", 1, "<Play> in <Say> is not SSML; its text is spoken as it is."),
        (
            '<Say voice="robot">x</Say>',
            1,
            "<Say voice> should be man, woman, alice or a provider's Name.Voice, not 'robot'.",
        ),
        ('<Say gender="Both">x</Say>', 1, "<Say gender> should be one of Male, Female, not 'Both'."),
        ('<Say voiceSpeed="9">x</Say>', 1, "<Say voiceSpeed> should be a number from 0.1 to 2, not '9'."),
        (
            '<Play mediaStorage="true">x</Play>',
            0,
            "The simulator has no media storage for TeXML, so this <Play> was skipped.",
        ),
        ('<Play ringTone="us"/>', 0, "The simulator plays no ring tones, so this <Play> was skipped."),
        ("<Connect/>", 0, "<Connect> has nothing to connect to and was skipped; give it a <Stream>."),
        (
            "<Connect><AIAssistant id='1'/></Connect>",
            0,
            "The simulator does not play <AIAssistant> in <Connect>, so it was skipped.",
        ),
        (
            '<Connect><Stream url="wss://x"/><Stream url="wss://y"/></Connect>',
            1,
            "<Connect> takes one service, so this <Stream> is passed over.",
        ),
        (
            '<Connect action="/x"><Stream url="wss://x"/></Connect>',
            1,
            "<Connect action> is not asked when a stream ends: the next verb runs instead.",
        ),
        ("<Start/>", 0, "<Start> has nothing to start and was skipped; give it a <Stream>."),
        (
            "<Start><Transcription/></Start>",
            0,
            "The simulator does not play <Transcription> in <Start>, so it was skipped.",
        ),
        ("<Stop/>", 0, "<Stop> has nothing to stop and was skipped; give it a <Stream>."),
        (
            "<Stop><Recording/></Stop>",
            0,
            "<Recording> does not belong in <Stop>, which takes <Stream>, <Transcription>, <Suppression>, "
            "<Siprec>; it is passed over.",
        ),
        (
            '<Start><Stream url="wss://x" bidirectionalCodec="L16"/></Start>',
            1,
            "<Stream bidirectionalCodec> is L16, which Telnyx lists for Call Control, not for TeXML.",
        ),
        (
            '<Start><Stream url="wss://x"><Parameter name="a"/></Stream></Start>',
            1,
            "<Parameter> a has no value, so it is empty.",
        ),
        (
            '<Start><Stream url="wss://x"><Parameter name="a" value="1"/><Parameter name="a" value="2"/>'
            "</Stream></Start>",
            1,
            "<Parameter> a is given twice; the last one counts.",
        ),
        (
            "<Dial><Conference>room</Conference></Dial>",
            0,
            "The simulator does not play <Conference> in <Dial>, so it was skipped.",
        ),
        (
            "<Dial>+15551230001<Number>+15551230002</Number></Dial>",
            1,
            "<Dial> has text and elements; the text is passed over.",
        ),
        (
            '<Dial><Number machineDetection="Enable">+15551230001</Number></Dial>',
            1,
            "The simulator passes over <Number machineDetection>.",
        ),
        (
            '<Dial record="record-from-ringing">+15551230001</Dial>',
            1,
            "The simulator records a <Dial> from its answer, not from its ringing.",
        ),
        (
            '<Record transcription="true"/>',
            1,
            "The simulator does not transcribe a <Record>.",
        ),
        (
            "<Say>{{From}}</Say>",
            1,
            "{{ }} is filled in by TeXML bins and the TeXML interpreter only; here it stays as it is.",
        ),
    ],
)
def test_what_telnyx_passes_over_is_noted(verbs, run, sentence):
    document = parse(response(verbs), BASE)
    assert len(document.verbs) == run
    assert document.warnings[0] == f"Line 2: {sentence}"
    assert len(document.warnings) == 1 or "<Stop>" in sentence


def test_what_never_runs_is_noted():
    document = parse(response("<Hangup/>\n<Say>a</Say>\n<Pause/>"), BASE)
    assert document.warnings == (
        "Line 3: <Say> never runs, because <Hangup> comes before it.",
        "Line 4: <Pause> never runs, because <Hangup> comes before it.",
    )


def test_a_late_reject_is_noted():
    assert parse(response("<Pause/>\n<Reject/>")).warnings == (
        "Line 3: <Reject> refuses a call as the first verb only; here it hangs up.",
    )


def test_text_between_verbs_is_noted():
    assert parse(b"<Response>hello<Hangup/></Response>").warnings == (
        "Line 1: <Response> takes no text, so 'hello' is passed over.",
    )


def test_notes_and_sentences_are_bounded():
    many = "".join(f'<a{i} b="1"/>' for i in range(3000))
    assert len(parse(response(many)).warnings) == 50
    name = "n" * 50_000
    assert len(parse(response(f"<{name}/>")).warnings[0]) < 700
    with pytest.raises(TexmlError) as raised:
        parse(f"<{name}/>".encode())
    assert len(str(raised.value)) < 700
