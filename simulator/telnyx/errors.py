"""Telnyx error bodies: `{"errors": [{code, title, detail, source, meta}]}` with string codes. Pure.

Source: Telnyx, "API error codes", and the examples of the OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Code(Enum):
    """Name = (HTTP status, code, title)."""

    MISSING_PARAMETER = (422, "10004", "Missing required parameter")
    NOT_FOUND = (404, "10005", "Resource not found")
    INVALID_URL = (422, "10003", "Invalid URL")
    AUTHENTICATION_FAILED = (401, "10009", "Authentication failed")
    BAD_REQUEST = (400, "10015", "Bad Request")
    INVALID_VALUE = (422, "10015", "Invalid value")
    NOT_E164 = (422, "10016", "Phone number must be in +E164 format")
    INVALID_JSON = (400, "10023", "Invalid JSON")
    INVALID_TYPE = (422, "10026", "Invalid parameter type")
    METHOD_NOT_ALLOWED = (405, "10030", "Method not allowed")
    INVALID_ENUM = (422, "10032", "Invalid enumerated value")
    OUT_OF_RANGE = (422, "10033", "Value outside of range")
    INVALID_CALL_CONTROL_ID = (422, "90015", "Invalid Call Control ID")
    CLIENT_STATE_NOT_BASE64 = (422, "90017", "Invalid value for client_state")
    CALL_ENDED = (422, "90018", "Call has already ended")
    INTERNAL_ERROR = (500, "10007", "Unexpected error")
    USER_CHANNEL_LIMIT = (403, "90041", "User channel limit exceeded")

    @property
    def status(self) -> int:
        return self.value[0]


@dataclass
class TelnyxError(Exception):
    """A request that Telnyx refuses. `pointer` is a JSON pointer into the request body, such as `/to`.

    `headers` go with the answer, such as those of a rate limit.
    """

    code: Code
    detail: str
    pointer: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def body(self) -> dict[str, Any]:
        _, code, title = self.code.value
        error: dict[str, Any] = {"code": code, "title": title, "detail": self.detail}
        if self.pointer is not None:
            error["source"] = {"pointer": self.pointer}
        error["meta"] = {"url": f"https://developers.telnyx.com/docs/overview/errors/{code}"}
        return {"errors": [error]}
