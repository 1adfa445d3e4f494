"""Bodies of errors."""

from __future__ import annotations

import pytest

from simulator.telnyx.errors import Code, TelnyxError, TexmlNotFound


def test_the_body_of_a_fault_in_a_request_body():
    error = TelnyxError(Code.NOT_E164, "The 'to' parameter must be in +E164 format.", "/to")
    assert error.code.status == 422
    assert error.body() == {
        "errors": [
            {
                "code": "10016",
                "title": "Phone number must be in +E164 format",
                "detail": "The 'to' parameter must be in +E164 format.",
                "source": {"pointer": "/to"},
                "meta": {"url": "https://developers.telnyx.com/docs/overview/errors/10016"},
            }
        ]
    }


def test_the_body_of_a_fault_in_a_query():
    error = TelnyxError(Code.OUT_OF_RANGE, "The page size must be between 1 and 250.", parameter="page[size]")
    assert error.body()["errors"][0]["source"] == {"parameter": "page[size]"}
    assert "source" not in TelnyxError(Code.CALL_ENDED, "The call is over.").body()["errors"][0]


def test_texml_says_less():
    assert TexmlNotFound().code.status == 404
    assert TexmlNotFound().body() == {"errors": [{"detail": "Resource not found"}]}


@pytest.mark.parametrize("code", Code)
def test_every_code_is_a_string_with_a_title_and_a_status_of_failure(code: Code):
    status, number, title = code.value
    assert 400 <= status <= 599
    assert number.isdigit()
    assert len(number) == 5
    assert title


def test_no_two_names_are_one_error():
    assert len({code.value for code in Code}) == len(Code.__members__)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.INSUFFICIENT_FUNDS, 402),
        (Code.TOO_MANY_REQUESTS, 429),
        (Code.ENCRYPTION_ON_PHONE_NUMBER, 422),
        (Code.USER_CHANNEL_LIMIT, 403),
        (Code.AUDIO_NOT_DOWNLOADED, 400),
    ],
)
def test_statuses(code: Code, status: int):
    assert code.status == status
