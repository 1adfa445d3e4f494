"""Where a call's TeXML comes from. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.telnyx.routing import Method


@dataclass(frozen=True, slots=True)
class Fetch:
    """An address to ask. `method` is the application's, which some verbs use again.

    `fallback_url` is asked, with `fallback_method` or else with `method`, when any address of the call does not
    give TeXML.
    """

    url: str
    method: Method = "POST"
    fallback_url: str | None = None
    fallback_method: Method | None = None


@dataclass(frozen=True, slots=True)
class Inline:
    """A document at hand, such as the `Texml` of a REST call. `base_url` completes its relative addresses."""

    document: bytes
    base_url: str = ""
    method: Method = "POST"


Source = Fetch | Inline
