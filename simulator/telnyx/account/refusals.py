"""Refusals that the account's resources share."""

from __future__ import annotations

from simulator.telnyx.errors import Code, TelnyxError


def taken(detail: str, pointer: str) -> TelnyxError:
    """Something that must be unique is used already."""
    return TelnyxError(Code.DUPLICATE, detail, pointer)


def no_such(what: str, pointer: str) -> TelnyxError:
    """A body names another resource that does not exist."""
    return TelnyxError(Code.UNKNOWN_ASSOCIATION, f"There is no {what} with the given id.", pointer)


def in_use(detail: str) -> TelnyxError:
    """A resource that another one needs cannot be deleted."""
    return TelnyxError(Code.RESOURCE_IN_USE, detail)


def full(what: str, limit: int) -> TelnyxError:
    detail = f"The simulated account holds {limit} {what} at most: delete some first."
    return TelnyxError(Code.UNPROCESSABLE, detail)


def not_found() -> TelnyxError:
    return TelnyxError(Code.NOT_FOUND, "The requested resource or URL could not be found.")


def invalid(detail: str, pointer: str) -> TelnyxError:
    return TelnyxError(Code.INVALID_VALUE, detail, pointer)
