"""TeXML fetched over HTTP as Telnyx fetches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from nacl.signing import SigningKey
from telnyx.lib.webhook_verification import verify_webhook_signature

from simulator.telnyx.routing import Method
from simulator.telnyx.texml.errors import TexmlError
from simulator.telnyx.texml.fetch import fetch
from simulator.telnyx.texml.source import Fetch
from simulator.telnyx.texml.verbs import HangUp, Redirect
from simulator.telnyx.webhooks.client import Answer
from simulator.telnyx.webhooks.delivery import Webhooks
from simulator.telnyx.webhooks.signing import Signer
from tests.simulator.texml_site import Site, open_site

FORM = {"CallSid": "v3:a", "From": "+15550100011", "Digits": "1#"}
SIGNER = Signer(SigningKey.generate())


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    webhooks = Webhooks(SIGNER)
    yield webhooks
    await webhooks.close(1.0)


def no_warning(sentence: str) -> None:
    pytest.fail(sentence)


async def test_post_sends_a_signed_form(site, webhooks):
    url = site.verbs("/a", "<Hangup/>")
    document = await fetch(Fetch(f"{url}?x=1"), FORM, webhooks, no_warning)
    assert document.verbs == (HangUp(),)
    [asked] = site.asked
    assert (asked.method, asked.query, asked.form) == ("POST", "x=1", FORM)
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["user-agent"] == "telnyx-webhooks"
    verify_webhook_signature(asked.body, asked.headers, SIGNER.public_key)


async def test_get_sends_a_signed_query(site, webhooks):
    url = site.verbs("/a", "<Hangup/>")
    await fetch(Fetch(f"{url}?x=1", "GET"), FORM, webhooks, no_warning)
    [asked] = site.asked
    assert (asked.method, asked.body, asked.form) == ("GET", b"", {"x": "1", **FORM})
    verify_webhook_signature(b"", asked.headers, SIGNER.public_key)


async def test_relative_addresses_are_completed_after_redirects(site, webhooks):
    site.verbs("/deep/b", "<Redirect>c</Redirect>")
    url = site.put("/a", "", 307, "/deep/b")
    document = await fetch(Fetch(url), FORM, webhooks, no_warning)
    assert document.verbs == (Redirect(f"{site.url}/deep/c", "POST"),)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (404, "<Response/>", "TeXML needs HTTP 200, but {shown} answered 404."),
        (204, "", "TeXML needs HTTP 200, but {shown} answered 204."),
        (201, "<Response/>", "TeXML needs HTTP 200, but {shown} answered 201."),
        (500, "", "TeXML needs HTTP 200, but {shown} answered 500."),
        (200, "", "The TeXML document is empty; answer with a <Response>."),
        (200, '{"a": 1}', "Line 1: The TeXML document is not well-formed XML: not well-formed"),
        (200, "<html/>", "Line 1: The TeXML document's root must be <Response>, not <html>."),
        (200, "<Response>\n<Pause length='x'/></Response>", "Line 2: <Pause length> must be"),
        (200, f"<Response>{' ' * 70_000}</Response>", "The TeXML document is longer than 65,536 bytes."),
    ],
)
async def test_what_is_no_texml_sends_to_the_fallback(site, webhooks, status, body, why):
    url = site.put("/a", body, status)
    fallback = site.verbs("/b", "<Hangup/>")
    sentence = why.format(shown=f"{site.url}/a")
    with pytest.raises(TexmlError) as raised:
        await fetch(Fetch(url), FORM, webhooks, no_warning)
    assert str(raised.value).startswith(sentence)

    warnings: list[str] = []
    document = await fetch(Fetch(url, "POST", fallback, "GET"), FORM, webhooks, warnings.append)
    assert document.verbs == (HangUp(),)
    assert warnings[0].startswith(sentence)
    assert warnings[0].endswith(" The fallback address was asked instead.")
    assert (site.asked[-1].method, site.asked[-1].path, site.asked[-1].form) == ("GET", "/b", FORM)


class Silent:
    """Answers at once at `/b`, and never anywhere else."""

    async def request(self, url: str, method: Method, body: bytes, content_type: str) -> Answer:
        if not url.endswith("/b"):
            await asyncio.Event().wait()
        return Answer(200, b"<Response><Hangup/></Response>", url)


async def test_an_answer_that_does_not_come_sends_to_the_fallback():
    warnings: list[str] = []
    place = Fetch("http://h/a", "POST", "http://h/b")
    assert (await fetch(place, FORM, Silent(), warnings.append, 0.01)).verbs == (HangUp(),)
    assert warnings == [
        "http://h/a did not answer with TeXML within 0.01 s. The fallback address was asked instead."
    ]


async def test_a_connection_that_fails_sends_to_the_fallback(site, webhooks):
    warnings: list[str] = []
    fallback = site.verbs("/b", "<Hangup/>")
    await fetch(Fetch("http://127.0.0.1:1/secret/path?key=1", "GET", fallback), FORM, webhooks, warnings.append)
    assert site.asked[0].method == "GET"
    assert warnings[0].startswith("TeXML could not be fetched from http://127.0.0.1:1/secret/…: ")
    assert "key=1" not in warnings[0]


async def test_both_addresses_fail(site, webhooks):
    warnings: list[str] = []
    with pytest.raises(TexmlError, match=r"/b answered 404\.$"):
        await fetch(Fetch(f"{site.url}/a", "POST", f"{site.url}/b"), FORM, webhooks, warnings.append)
    assert len(warnings) == 1
    assert site.paths() == ["/a", "/b"]


@pytest.mark.parametrize(
    "url", ["http://[", "http://a\x00b/", "http://\u0130\u0307.\x7f/", "nowhere", "http://a b/"]
)
async def test_addresses_that_cannot_be_asked(webhooks, url):
    with pytest.raises(TexmlError, match="could not be fetched"):
        await fetch(Fetch(url), FORM, webhooks, no_warning)
