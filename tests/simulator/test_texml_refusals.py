"""TeXML that cannot be run: one sentence each, with its line."""

from __future__ import annotations

import pytest

from simulator.telnyx.texml.parse import MAX_DOCUMENT_BYTES, TexmlError, parse

BASE = "https://bot.example/texml/first?a=1"


def response(verbs: str) -> bytes:
    return f"<Response>\n{verbs}\n</Response>".encode()


@pytest.mark.parametrize(
    ("document", "line", "sentence"),
    [
        (b"", None, "The TeXML document is empty; answer with a <Response>."),
        (b"  \n ", None, "The TeXML document is empty; answer with a <Response>."),
        (
            b"<Response>\n<Say>a</Play>",
            2,
            "Line 2: The TeXML document is not well-formed XML: mismatched tag, at column 9.",
        ),
        (
            b"<Response>\n  <Say a='1' a='2'/></Response>",
            2,
            "Line 2: The TeXML document is not well-formed XML: duplicate attribute, at column 14.",
        ),
        (
            b"<Response>\n&copy;</Response>",
            2,
            "Line 2: The TeXML document is not well-formed XML: undefined entity, at column 1.",
        ),
        (
            b'<?xml version="1.0" encoding="klingon"?><Response/>',
            1,
            "Line 1: The TeXML document's encoding must be one of UTF-8, UTF-16, ISO-8859-1, US-ASCII, "
            "WINDOWS-1252, not 'klingon'.",
        ),
        (
            b'\n<!DOCTYPE r [<!ENTITY e "x">]><Response>&e;</Response>',
            2,
            "Line 2: A TeXML document must not contain a DOCTYPE or entity declarations.",
        ),
        (b"\n<Answer/>", 2, "Line 2: The TeXML document's root must be <Response>, not <Answer>."),
        (
            b"<Response>" + b" " * MAX_DOCUMENT_BYTES,
            None,
            "The TeXML document is longer than 65,536 bytes.",
        ),
        (b"<Response>\n" + b"<a>" * 20, 2, "Line 2: <a> is nested deeper than 20 elements."),
    ],
)
def test_documents_that_are_none(document, line, sentence):
    with pytest.raises(TexmlError) as raised:
        parse(document, BASE)
    assert (str(raised.value), raised.value.line) == (sentence, line)


@pytest.mark.parametrize(
    ("verbs", "sentence"),
    [
        ('<Pause length="x"/>', "<Pause length> must be a whole number of seconds from 1 to 180, not 'x'."),
        ('<Pause length="0"/>', "<Pause length> must be a whole number of seconds from 1 to 180, not '0'."),
        ('<Pause length="-1"/>', "<Pause length> must be a whole number of seconds from 1 to 180, not '-1'."),
        ('<Pause length="٣"/>', "<Pause length> must be a whole number of seconds from 1 to 180, not '٣'."),
        ('<Say loop="11">a</Say>', "<Say loop> must be a whole number from 0 to 10, not '11'."),
        (f"<Say>{'a' * 5001}</Say>", "<Say> must have at most 5,000 characters, not 5,001."),
        ("<Play/>", "The text of <Play> must be the http(s) address of a server; it is empty."),
        ("<Play>ftp://h/a</Play>", "The text of <Play> must be the http(s) address of a server, not 'ftp://h/a'."),
        (
            '<Play digits="1a"/>',
            "<Play digits> must be at most 128 of the keys 0-9, * and # and w for half a second, not '1a'.",
        ),
        ("<Redirect/>", "The text of <Redirect> must be the http(s) address of a server; it is empty."),
        ('<Redirect method="PUT">/a</Redirect>', "<Redirect method> must be one of GET, POST, not 'PUT'."),
        ('<Reject reason="no"/>', "<Reject reason> must be one of rejected, busy, not 'no'."),
        (
            "<Connect><Stream/></Connect>",
            "<Stream> needs its attribute url, which must be the ws(s) address of a server.",
        ),
        (
            '<Connect><Stream url="http://x"/></Connect>',
            "<Stream url> must be the ws(s) address of a server, not 'http://x'.",
        ),
        (
            '<Start><Stream url="wss://x" bidirectionalSamplingRate="48000"/></Start>',
            "<Stream bidirectionalSamplingRate> must be one of 8000, 16000, 24000, not '48000'.",
        ),
        (
            '<Start><Stream url="wss://x" codec="pcmu"/></Start>',
            "<Stream codec> must be one of PCMU, PCMA, G722, OPUS, AMR-WB, L16, default, not 'pcmu'.",
        ),
        (
            '<Start><Stream url="wss://x" bidirectionalCodec="AMR-WB"/></Start>',
            "<Stream bidirectionalCodec> is AMR-WB, which the simulated line does not carry.",
        ),
        (
            '<Start><Stream url="wss://x" enableReconnect="yes"/></Start>',
            "<Stream enableReconnect> must be true or false, not 'yes'.",
        ),
        (
            '<Start><Stream url="wss://x" statusCallback="nowhere:"/></Start>',
            "<Stream statusCallback> must be the http(s) address of a server, not 'nowhere:'.",
        ),
        (
            '<Start><Stream url="wss://x"><Parameter value="1"/></Stream></Start>',
            "<Parameter> needs its attribute name, which must be text.",
        ),
        (
            '<Gather input="voice"/>',
            "<Gather input> must be words out of dtmf, speech, with spaces between them, not 'voice'.",
        ),
        (
            '<Gather timeout="121"/>',
            "<Gather timeout> must be a whole number of seconds from 1 to 120, not '121'.",
        ),
        ('<Gather numDigits="0"/>', "<Gather numDigits> must be a whole number from 1 to 128, not '0'."),
        (
            '<Gather minDigits="5" numDigits="4"/>',
            "<Gather minDigits> must be at most the 4 keys it may gather, not 5.",
        ),
        (
            '<Gather finishOnKey="x"/>',
            "<Gather finishOnKey> must be at most 128 of the keys 0-9, * and #, not 'x'.",
        ),
        (
            '<Record maxLength="14401"/>',
            "<Record maxLength> must be a whole number of seconds from 0 to 14400, not '14401'.",
        ),
        ('<Record timeout="soon"/>', "<Record timeout> must be a whole number of seconds from 0 up, not 'soon'."),
        ('<Record channels="mono"/>', "<Record channels> must be one of single, dual, not 'mono'."),
        (
            '<Record recordingStatusCallbackEvent="done"/>',
            "<Record recordingStatusCallbackEvent> must be words out of in-progress, completed, absent, with "
            "spaces between them, not 'done'.",
        ),
        ("<Dial/>", "<Dial> needs whom to call: a number in +E.164 form, a <Number> or a <Sip>."),
        (
            "<Dial>415-123-4567</Dial>",
            "The text of <Dial> must be a number in +E.164 form, such as +15551230001, not '415-123-4567'.",
        ),
        (
            "<Dial><Number/></Dial>",
            "The text of <Number> must be a number in +E.164 form, such as +15551230001; it is empty.",
        ),
        (
            "<Dial><Sip>sip:nobody</Sip></Dial>",
            "The text of <Sip> must be a SIP address, such as sip:name@example.com, not 'sip:nobody'.",
        ),
        (
            '<Dial timeout="4">+15551230001</Dial>',
            "<Dial timeout> must be a whole number of seconds from 5 to 120, not '4'.",
        ),
        (
            '<Dial callerId="Ann">+15551230001</Dial>',
            "<Dial callerId> must be a number in +E.164 form, such as +15551230001, not 'Ann'.",
        ),
        (f"<Dial>{'<Number>+15551230001</Number>' * 11}</Dial>", "<Dial> must call at most 10 at a time, not 11."),
    ],
)
def test_values_that_are_wrong(verbs, sentence):
    with pytest.raises(TexmlError) as raised:
        parse(response(f"<Pause/>\n  {verbs}"), BASE)
    assert str(raised.value) == f"Line 3: {sentence}"
    assert raised.value.line == 3
    assert raised.value.column is not None
    assert raised.value.column >= 3


def test_a_relative_address_needs_a_document_with_an_address():
    with pytest.raises(TexmlError, match=r"^Line 1: The text of <Redirect> must be the http\(s\) address"):
        parse(b"<Response><Redirect>/next</Redirect></Response>")
