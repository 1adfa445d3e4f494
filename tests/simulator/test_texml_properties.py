"""Whatever comes as TeXML, the parser either reads it or raises TexmlError."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.telnyx.texml.parse import Document, TexmlError, parse
from simulator.telnyx.texml.vocabulary import NOT_PLAYED, NOUNS, PLAYED

MODERATE = settings(max_examples=150, deadline=None)

WHOLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Start><Stream url="wss://bot.example/a" name="n"><Parameter name="a" value="b"/></Stream><Recording/></Start>
  <Say voice="alice" language="en-GB" loop="2">Hello <break time="1s"/> there &amp; &#65;</Say>
  <Gather action="/keys" numDigits="4" validDigits="123" finishOnKey="#"><Play loop="2">/a.wav</Play></Gather>
  <Record maxLength="10" action="/r" recordingStatusCallback="/s" recordingStatusCallbackEvent="completed"/>
  <Dial timeout="20" record="record-from-answer"><Number sendDigits="1w2">+15551230001</Number>
    <Sip>sip:a@b.example</Sip></Dial>
  <Stop><Stream name="n"/></Stop>
  <Connect><Stream url="ws://127.0.0.1:9" bidirectionalMode="rtp" enableReconnect="false"/></Connect>
  <Pause length="4"/><Redirect method="GET">next</Redirect>
</Response>"""

ATTRIBUTES = [
    "action",
    "method",
    "timeout",
    "timeLimit",
    "url",
    "name",
    "value",
    "codec",
    "track",
    "length",
    "loop",
    "digits",
    "voice",
    "language",
    "reason",
    "input",
    "numDigits",
    "minDigits",
    "maxDigits",
    "finishOnKey",
    "validDigits",
    "maxLength",
    "channels",
    "format",
    "trim",
    "record",
    "callerId",
    "sendDigits",
    "bidirectionalMode",
    "bidirectionalCodec",
    "bidirectionalSamplingRate",
    "enableReconnect",
    "statusCallback",
    "statusCallbackEvent",
    "recordingStatusCallback",
    "recordingStatusCallbackEvent",
    "playBeep",
    "xmlns",
    "zzz",
]
VALUES = st.one_of(
    st.sampled_from(
        ["", " ", "0", "1", "5", "121", "99999999999", "true", "GET", "wss://a/b", "http://[", "http://a:x", "/x"]
    ),
    st.sampled_from(["+15551230001", "sip:a@b", "rtp", "L16", "12#", "completed", "http://a\u0130.example", "//"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=0xFFFD, exclude_categories=["Cs"]), max_size=12),
)


def element(tag: str, attributes: dict[str, str], inner: list[str]) -> str:
    shown = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{tag}{shown}>{''.join(inner)}</{tag}>"


TREES = st.recursive(
    VALUES.map(escape),
    lambda inner: st.builds(
        element,
        st.sampled_from([*PLAYED, *NOT_PLAYED, *NOUNS, "break", "sub", "Foo", "Response"]),
        st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES, max_size=4),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


def survives(document: bytes, base_url: str = "http://bot.example/texml") -> None:
    try:
        parsed = parse(document, base_url)
    except TexmlError as error:
        begins = "" if error.line is None else f"Line {error.line}: "
        if len(str(error)) == len(begins) or not str(error).startswith(begins):
            raise AssertionError(f"{error!r} does not name its line") from error
    else:
        assert isinstance(parsed, Document)
        assert all(warning.startswith("Line ") for warning in parsed.warnings)


@MODERATE
@given(st.binary(max_size=300))
def test_bytes(document):
    survives(document)


@MODERATE
@given(st.binary(max_size=60), st.text(max_size=20))
def test_bytes_in_a_declared_encoding(inner, encoding):
    survives(b'<?xml version="1.0" encoding="' + encoding.encode() + b'"?><Response>' + inner + b"</Response>")


@MODERATE
@given(
    st.sampled_from(
        [
            "ascii",
            "utf_7",
            "utf_16_be",
            "utf_32",
            "cp037",
            "idna",
            "punycode",
            "rot13",
            "hex",
            "zip",
            "shift_jis",
            "hz",
            "unicode_escape",
            "undefined",
        ]
    ),
    st.binary(max_size=40),
)
def test_encodings_that_python_knows(encoding, inner):
    survives(f'<?xml version="1.0" encoding="{encoding}"?><Response>'.encode() + inner + b"</Response>")


@MODERATE
@given(st.data())
def test_documents_with_some_bytes_changed(data):
    document = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(document) - 1))
        length = data.draw(st.integers(0, 12))
        document[at : at + length] = data.draw(
            st.one_of(st.binary(max_size=6), st.just(bytes(document[at : at + 9])))
        )
    survives(bytes(document))


@MODERATE
@given(st.lists(TREES, max_size=5), st.sampled_from(["", "http://bot.example/a", "http://[", "x"]))
def test_trees(verbs, base_url):
    survives(f"<Response>{''.join(verbs)}</Response>".encode(), base_url)


def test_the_whole_document_is_right():
    parsed = parse(WHOLE, "http://bot.example/texml")
    assert len(parsed.verbs) == 10
    assert parsed.warnings == ()
