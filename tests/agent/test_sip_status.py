from __future__ import annotations

import pytest

from agent.rooms import sip_status


@pytest.mark.parametrize(
    ("status", "reason", "cause", "source"),
    [
        (486, "Busy Here", "user_busy", "callee"),
        (600, "Busy Everywhere", "user_busy", "callee"),
        (603, "Decline", "call_rejected", "callee"),
        (404, "Not Found", "not_found", "carrier"),
        (408, "Request Timeout", "timeout", "callee"),
        (480, "Temporarily Unavailable", "no_answer", "callee"),
        (487, "Request Terminated", "originator_cancel", "agent"),
        (488, "Not Acceptable Here", "media_failed", "carrier"),
        (503, "Service Unavailable", "carrier_error", "carrier"),
        (499, "", "call_rejected", "carrier"),
        (699, "", "call_rejected", "callee"),
    ],
)
def test_a_status_tells_the_cause_and_who_it_came_from(status: int, reason: str, cause: str, source: str) -> None:
    ended = sip_status.explain(status, reason).ended()
    assert (ended.cause, ended.source, ended.duration_ms) == (cause, source, 0)
    assert ended.sip == f"{status} {reason}".strip()
    assert str(status) in ended.detail


@pytest.mark.parametrize("status", range(300, 700))
def test_every_status_is_told_in_whole_sentences(status: int) -> None:
    failure = sip_status.explain(status, "Whatever")
    assert failure.what.endswith(").")
    assert failure.fix == "" or failure.fix.endswith(".")
    assert "_" not in failure.detail


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("Caller Origination Number is Invalid D35", "D35", "caller id"),
        ("Dialed number +36… is not included in whitelisted countries USA,CAN D13", "D13", "country"),
        ("User channel limit exceeded D1", "D1", "as many calls"),
        ("Forbidden D51", "D51", "not verified"),
        ("Forbidden D38", "D38", "outbound voice profile"),
        ("Forbidden D14", "D14", "disabled"),
        ("Forbidden D27", "D27", "authenticated"),
        ("Forbidden D99", "D99", "Telnyx's list"),
    ],
)
def test_telnyx_s_own_code_in_the_reason_is_explained(reason: str, code: str, words: str) -> None:
    failure = sip_status.explain(403, reason)
    assert sip_status.telnyx_code(reason) == code
    assert f"({code})" in failure.what
    assert words in failure.what
    assert failure.fix
    assert failure.source == "carrier"


def test_words_that_only_look_like_a_code_are_none() -> None:
    assert sip_status.telnyx_code("Forbidden by ID35 and D351") == ""
    assert sip_status.telnyx_code("") == ""


def test_the_status_is_found_in_livekit_s_error_text() -> None:
    text = "twirp error unknown: INVITE failed: sip status: 403: Caller id D35"
    assert sip_status.status_in(text) == (403, "Caller id D35")
    assert sip_status.status_in("no such trunk") == (0, "")


def test_nobody_answering_needs_no_sip_status() -> None:
    ended = sip_status.no_answer(30).ended()
    assert (ended.cause, ended.sip) == ("no_answer", "")
    assert "30 s" in ended.detail
