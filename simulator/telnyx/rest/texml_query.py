"""Query parameters that TeXML's lists share. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from starlette.requests import Request

from simulator.telnyx.paging import query_error
from simulator.telnyx.rest.texml_resources import page_of

_MOST_PER_PAGE: Final = 1000


def asked_page(
    request: Request, items: Sequence[Any], path: str | None = None
) -> tuple[Sequence[Any], dict[str, Any]]:
    """The items of the page that `Page` and `PageSize` ask for, and what is said of it. Raises TelnyxError.

    `path` of the page's address; None is that of the request.
    """
    page, size = _number(request, "Page", 0, 0), _number(request, "PageSize", 50, 1)
    return page_of(items, page, min(size, _MOST_PER_PAGE), path or request.url.path)


def moment(text: str, name: str) -> datetime:
    """A date, a time of ISO 8601, or one of RFC 2822; UTC when it does not say. Raises TelnyxError."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
        except (ValueError, OverflowError, IndexError):
            continue
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    raise query_error(f"{name} must be a date such as 2026-11-21 or a time in ISO 8601.", name)


def _number(request: Request, name: str, default: int, least: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 7) or int(text) < least:
        raise query_error(f"{name} must be a whole number from {least}.", name)
    return int(text)
