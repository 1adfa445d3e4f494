"""How AssemblyAI says no: close codes and the wording of the Error message before them.

Texts as observed on the live service in September 2026, those of 3007 for the rate, 3008 and 3009 from its page
"Common session errors and closures". Every close after an Error has the same reason; what happened is in the Error
alone.
"""

from __future__ import annotations

from typing import Final

NORMAL_CLOSE: Final = 1000
UNAUTHORISED: Final = 1008
TOO_BIG: Final = 1009
CANCELLED: Final = 3005
INVALID_INPUT: Final = 3006
INPUT_DURATION: Final = 3007
EXPIRED: Final = 3008
TOO_MANY_SESSIONS: Final = 3009

ENDED_REASON: Final = "Session Ended"
ERROR_REASON: Final = "See Error message for details"

MISSING_KEY: Final = "Unauthorized Connection: Missing Authorization header"
INVALID_KEY: Final = "Unauthorized Connection: Invalid API key"
EXPIRED_TOKEN: Final = "Unauthorized Connection: Signature has expired"
RETIRED: Final = (
    "The V2 streaming API has been retired. Use this endpoint instead: wss://streaming.assemblyai.com/v3/ws."
)

DOCUMENTED: Final[dict[int, str]] = {
    UNAUTHORISED: INVALID_KEY,
    CANCELLED: "Session Cancelled: An error occurred",
    INVALID_INPUT: "User Input Validation Error: Invalid 'speech_model': Input should be 'universal-3-6-pro'",
    INPUT_DURATION: "Input Duration Error: Input Duration Violation: 20.0 ms. Expected between 50 and 1000 ms",
    EXPIRED: "Session Expired: Maximum session duration exceeded",
    TOO_MANY_SESSIONS: "Unauthorized Connection: Too many concurrent sessions",
}
"""What the service says by close code, where a fault sets no other text. Other codes close without an Error."""


class SessionRefused(Exception):
    """The session ends with an Error message and a close of the same code."""

    def __init__(self, code: int, text: str | None = None) -> None:
        """`text`: empty or None means a close without an Error."""
        super().__init__(text or code)
        self.code = code
        self.text = text or ""


def invalid(name: str, reason: str) -> SessionRefused:
    """What the service says of a parameter's value."""
    return SessionRefused(INVALID_INPUT, f"User Input Validation Error: Invalid '{name}': {reason}")


def listed(choices: tuple[str, ...]) -> str:
    """`'a', 'b' or 'c'`, as the service lists what a value should be."""
    names = [f"'{choice}'" for choice in choices]
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
