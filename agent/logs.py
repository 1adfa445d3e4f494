"""The agent's log: a bounded file, standard error, and warnings as events. No line holds a secret."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from agent.redact import Redactor

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_MAX_BYTES = 5_000_000


class _Redacting(logging.Formatter):
    def __init__(self, redact: Redactor) -> None:
        super().__init__(_FORMAT)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact.text(super().format(record))


class _ToLoop(logging.Handler):
    """Hands warnings to the loop, whichever thread they come from."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[str, str, str], None]) -> None:
        super().__init__(logging.WARNING)
        self._loop, self._tell = loop, tell

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._loop.call_soon_threadsafe(self._tell, record.levelname, record.name, record.getMessage())
        except RuntimeError:
            return  # The loop is closed: nobody reads events any more.


def to_file(path: Path, redact: Redactor) -> None:
    """Log to ``path`` (two files of 5 MB at most) and, when it is a terminal, to standard error."""
    file = RotatingFileHandler(path, maxBytes=_MAX_BYTES, backupCount=1, encoding="utf-8")
    handlers: list[logging.Handler] = [file]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(_Redacting(redact))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    # These name addresses at INFO, and some of ours hold one-time tokens.
    for name in ("httpx", "httpx2", "uvicorn", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)


def to_events(tell: Callable[[str, str, str], None]) -> None:
    """Also report warnings and errors as events, on the running loop."""
    logging.getLogger().addHandler(_ToLoop(asyncio.get_running_loop(), tell))


def take_over_loguru() -> None:
    """Send Pipecat's own log (loguru) to ours; its sink on standard error is removed."""
    from loguru import logger

    def forward(message: object) -> None:
        record = message.record  # type: ignore[attr-defined]
        logging.getLogger(record["name"] or "pipecat").log(record["level"].no, record["message"])

    logger.remove()
    logger.add(forward, level="INFO", format="{message}")
