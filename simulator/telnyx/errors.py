"""Telnyx error bodies: `{"errors": [{code, title, detail, source, meta}]}` with string codes. Pure.

Source: Telnyx, "API error codes", "20100 – Insufficient Funds", "SIP Response Codes", and the examples of the
OpenAPI document, whose titles are taken where they differ from those of the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Code(Enum):
    """Name = (HTTP status, code, title). Of the 20xxx, Telnyx documents the status of 20100 only."""

    INVALID_PHONE_NUMBER = (422, "10002", "Invalid phone number")
    INVALID_URL = (422, "10003", "Invalid URL")
    MISSING_PARAMETER = (422, "10004", "Missing required parameter")
    NOT_FOUND = (404, "10005", "Resource not found")
    INVALID_ID = (422, "10006", "Invalid ID")
    INTERNAL_ERROR = (500, "10007", "Unexpected error")
    REQUEST_TIMEOUT = (408, "10008", "Request timeout")
    AUTHENTICATION_FAILED = (401, "10009", "Authentication failed")
    NOT_AUTHORIZED = (403, "10010", "Authorization failed")
    TOO_MANY_REQUESTS = (429, "10011", "Too many requests")
    ENCRYPTION_ON_PHONE_NUMBER = (422, "10011", "Media encryption not supported for PSTN calls")
    DUPLICATE = (422, "10012", "Duplicate resource")
    MISSING_ASSOCIATION = (422, "10013", "Missing association")
    UNSUPPORTED_MEDIA_TYPE = (415, "10014", "Unsupported Media Type")
    BAD_REQUEST = (400, "10015", "Bad Request")
    INVALID_VALUE = (422, "10015", "Invalid value")
    INVALID_CONNECTION_ID = (422, "10015", "Invalid value for connection_id (Call Control App ID)")
    NOT_E164 = (422, "10016", "Phone number must be in +E164 format")
    UNKNOWN_ASSOCIATION = (422, "10017", "Associated resource does not exist")
    INVALID_SORT = (422, "10018", "Invalid sort direction")
    RESOURCE_IN_USE = (422, "10021", "Resource in use")
    INVALID_JSON = (400, "10023", "Invalid JSON")
    UNSUPPORTED_CONTENT_TYPE = (415, "10024", "Unsupported Content-Type")
    STRING_LENGTH = (422, "10025", "String length out of range")
    INVALID_TYPE = (422, "10026", "Invalid parameter type")
    UNPROCESSABLE = (422, "10027", "Unprocessable Entity")
    CHARACTER_ENCODING = (400, "10028", "Character encoding error")
    EXPECTED_JSON = (415, "10029", "Expected JSON Content-Type")
    METHOD_NOT_ALLOWED = (405, "10030", "Method not allowed")
    INVALID_FILTER = (422, "10031", "Invalid request filter")
    INVALID_ENUM = (422, "10032", "Invalid enumerated value")
    OUT_OF_RANGE = (422, "10033", "Value outside of range")
    EXPECTED_FORM = (415, "10034", "Expected URL-encoded form Content-Type")
    RESOURCE_LOCKED = (423, "10035", "Resource locked")
    BEING_PROCESSED = (409, "10036", "Resource is being processed")
    SERVICE_UNAVAILABLE = (503, "10037", "Service unavailable")
    FEATURE_NOT_PERMITTED = (403, "10038", "Feature not permitted")
    FEATURE_LIMITED = (403, "10039", "Feature limited")

    KEY_REVOKED = (401, "20002", "API Key revoked")
    TOKEN_EXPIRED = (401, "20006", "Expired access token")
    INVALID_KEY = (401, "20008", "Invalid API Key")
    ACCOUNT_INACTIVE = (403, "20012", "Account inactive")
    ACCOUNT_BLOCKED = (403, "20013", "Account blocked")
    ACCOUNT_UNVERIFIED = (403, "20014", "Account unverified")
    FEATURE_OFF = (403, "20015", "Feature not enabled")
    LEVEL_1_MISSING = (403, "20016", "Account not level 1 verified")
    LEVEL_2_MISSING = (403, "20017", "Account not level 2 verified")
    INSUFFICIENT_FUNDS = (402, "20100", "Insufficient Funds")

    RECORDING_FORMAT = (422, "90000", "Invalid value for format")
    RECORDING_CHANNELS = (422, "90001", "Invalid value for channels")
    TERMINATING_DIGIT = (422, "90007", "Invalid value for terminating_digit")
    VALID_DIGITS = (422, "90008", "Invalid value for valid_digits")
    LOOP = (422, "90009", "Invalid value for loop")
    PAYLOAD = (422, "90010", "Invalid value for payload")
    PAYLOAD_TYPE = (422, "90011", "Invalid value for payload_type")
    VOICE = (422, "90012", "Invalid value for voice")
    LANGUAGE = (422, "90013", "Invalid value for language")
    DIGITS = (422, "90014", "Invalid value for digits")
    INVALID_CALL_CONTROL_ID = (422, "90015", "Invalid Call Control ID")
    STOP = (422, "90016", "Invalid value for stop")
    CLIENT_STATE_NOT_BASE64 = (422, "90017", "Invalid value for client_state")
    CALL_ENDED = (422, "90018", "Call has already ended")
    CONFERENCE_ENDED = (422, "90019", "Conference has already ended")
    RECORDING_BEFORE_AUDIO = (422, "90020", "Call recording triggered before audio started")
    MINIMUM_DIGITS = (422, "90022", "Invalid value for minimum_digits")
    MAXIMUM_DIGITS = (422, "90023", "Invalid value for maximum_digits")
    MAXIMUM_TRIES = (422, "90024", "Invalid value for maximum_tries")
    TIMEOUT_MILLIS = (422, "90025", "Invalid value for timeout_millis")
    INTER_DIGIT_TIMEOUT = (422, "90026", "Invalid value for inter_digit_timeout_millis")
    DTMF_DURATION = (422, "90027", "Invalid value for duration_millis")
    TIMEOUT_SECS = (422, "90028", "Invalid value for timeout_secs")
    TIME_LIMIT_SECS = (422, "90029", "Invalid value for time_limit_secs")
    SERVICE_LEVEL = (422, "90030", "Invalid value for service_level")
    NOT_FORKED = (422, "90031", "Call is not currently forked")
    TOO_MANY_PARTICIPANTS = (422, "90032", "Maximum number of participants reached")
    UNABLE_TO_EXECUTE = (422, "90033", "Unable to execute command")
    CALL_NOT_ANSWERED = (422, "90034", "Call not answered yet")
    NOT_IN_QUEUE = (422, "90035", "Call not in queue")
    QUEUE_FULL = (422, "90036", "Queue full")
    QUEUE_SIZE_FIXED = (422, "90037", "Queue max_size cannot be modified")
    ALREADY_IN_QUEUE = (422, "90038", "Call already in queue")
    AUDIO_NOT_DOWNLOADED = (400, "90040", "Downloading audio file failed")
    USER_CHANNEL_LIMIT = (403, "90041", "User channel limit exceeded")
    PROFILE_CHANNEL_LIMIT = (403, "90042", "Outbound voice profile channels limit exceeded")
    CONNECTION_CHANNEL_LIMIT = (403, "90043", "Connection outbound channels limit exceeded")
    STREAMING_USED = (422, "90045", "Media Streaming is used")
    STREAMING_FAILED = (422, "90046", "Media Streaming Failed.")
    PARTICIPANT_ON_HOLD = (400, "90047", "Participant on hold")
    STREAMING_NOT_USED = (422, "90048", "Media Streaming is not used.")
    RECORD_TIMEOUT = (422, "90049", "Invalid value for record_timeout_secs")
    RECORDING_WHILE_TRANSCRIBING = (
        422,
        "90053",
        "Call recording triggered with 'timeout_secs' while transcribing",
    )
    TRANSCRIPTION_IN_PROGRESS = (422, "90054", "Call transcription is already in progress")
    TRANSCRIPTION_NOT_STOPPABLE = (422, "90055", "Call transcription can not be stopped")
    INITIAL_TIMEOUT = (422, "90056", "Invalid value for initial_timeout_millis")
    WEBHOOK_EVENT = (422, "90057", "Invalid call control event type for webhook_urls")
    RECORDING_TRACK = (422, "90059", "Invalid value for recording_track")
    ASSISTANT_IN_PROGRESS = (422, "90061", "AI Assistant is already in progress")
    INVALID_COMMAND = (422, "90102", "Command is invalid")

    @property
    def status(self) -> int:
        return self.value[0]


@dataclass
class TelnyxError(Exception):
    """A request that Telnyx refuses. `pointer` is a JSON pointer into the request body, such as `/to`; `parameter`
    is the name of a query parameter, such as `page[size]`.

    `headers` go with the answer, such as those of a rate limit.
    """

    code: Code
    detail: str
    pointer: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    parameter: str | None = None

    def body(self) -> dict[str, Any]:
        _, code, title = self.code.value
        error: dict[str, Any] = {"code": code, "title": title, "detail": self.detail}
        if self.pointer is not None:
            error["source"] = {"pointer": self.pointer}
        elif self.parameter is not None:
            error["source"] = {"parameter": self.parameter}
        error["meta"] = {"url": f"https://developers.telnyx.com/docs/overview/errors/{code}"}
        return {"errors": [error]}


class TexmlNotFound(TelnyxError):
    """The 404 of the paths below `/v2/texml`, whose body has a detail and nothing else."""

    def __init__(self) -> None:
        super().__init__(Code.NOT_FOUND, "Resource not found")

    def body(self) -> dict[str, Any]:
        return {"errors": [{"detail": self.detail}]}
