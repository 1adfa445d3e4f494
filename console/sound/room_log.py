"""LiveKit's client writes the token that was refused into its log: no token gets there."""

from __future__ import annotations

import logging
import re

_TOKEN = re.compile(r"eyJ[\w-]{4,}(\.[\w-]+){1,2}")


class _WithoutTokens(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if "eyJ" in said:
            record.msg, record.args = _TOKEN.sub("[token]", said), ()
        return True


def keep_tokens_out() -> None:
    """From now on, whatever the client logs."""
    logging.getLogger("livekit").addFilter(_WITHOUT_TOKENS)


_WITHOUT_TOKENS = _WithoutTokens()
