"""Telephone numbers that the simulator offers and the country of a number. Pure.

The offered numbers are from the ranges that authorities keep for fiction where there are such, so no one is
called by accident: 555-01XX in North America (NANPA), Ofcom's and ACMA's drama ranges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from simulator.telnyx.account.records.numbers import NumberType

_SUFFIXES: Final = 100
_TOLL_FREE: Final = ("800", "833", "844", "855", "866", "877", "888")
_AREAS: Final = {
    "US": {"212": ("NY", "NEW YORK"), "312": ("IL", "CHICAGO"), "415": ("CA", "SAN FRANCISCO")}
    | {"512": ("TX", "AUSTIN"), "617": ("MA", "BOSTON"), "970": ("CO", "DENVER")},
    "CA": {"416": ("ON", "TORONTO"), "514": ("QC", "MONTREAL"), "604": ("BC", "VANCOUVER")},
}
_ABROAD: Final[dict[str, tuple[tuple[str, str, NumberType], ...]]] = {
    "GB": (("+44", "2079460", "local"), ("+44", "77009000", "mobile")),
    "AU": (("+61", "255500", "local"), ("+61", "49157000", "mobile")),
}
_PREFIXES: Final = {
    "+1": "US",
    "+31": "NL",
    "+33": "FR",
    "+34": "ES",
    "+353": "IE",
    "+39": "IT",
    "+41": "CH",
    "+43": "AT",
    "+44": "GB",
    "+48": "PL",
    "+49": "DE",
    "+61": "AU",
}
_CANADIAN_CODES: Final = """
204 226 236 249 250 263 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 468 474 506 514 519 548
579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 942
"""
_CANADIAN: Final = frozenset(_CANADIAN_CODES.split())


@dataclass(frozen=True, slots=True)
class Offer:
    """A number that can be bought. `area` and `city` are empty where they are not known."""

    phone_number: str
    country: str
    kind: NumberType
    destination_code: str
    area: str = ""
    city: str = ""


def offers(country: str, kind: NumberType | None, destination_code: str | None) -> Iterator[Offer]:
    """Numbers for sale in a country, none where the simulator knows none; a North American area code need not
    be one of those it lists itself.
    """
    if country in _AREAS:
        yield from _north_american(country, kind, destination_code)
    for prefix, stem, its_kind in _ABROAD.get(country, ()):
        if kind in (None, its_kind) and (destination_code is None or stem.startswith(destination_code)):
            for suffix in range(_SUFFIXES):
                yield Offer(f"{prefix}{stem}{suffix:02}", country, its_kind, stem[:2])


def _north_american(country: str, kind: NumberType | None, destination_code: str | None) -> Iterator[Offer]:
    if kind in (None, "local"):
        areas = _AREAS[country]
        codes = list(areas)
        if destination_code is not None:
            codes = [destination_code] if _is_area_code(destination_code, country) else []
        for code in codes:
            area, city = areas.get(code, ("", ""))
            for suffix in range(_SUFFIXES):
                yield Offer(f"+1{code}55501{suffix:02}", country, "local", code, area, city)
    if kind == "toll_free":
        for code in _TOLL_FREE:
            if destination_code in (None, code):
                for suffix in range(_SUFFIXES):
                    yield Offer(f"+1{code}55501{suffix:02}", country, "toll_free", code)


def country_of(e164: str) -> str:
    """The country of a number as far as its first digits tell; US when they do not."""
    if e164.startswith("+1"):
        return "CA" if e164[2:5] in _CANADIAN else "US"
    for length in (4, 3):
        if e164[:length] in _PREFIXES:
            return _PREFIXES[e164[:length]]
    return "US"


def type_of(e164: str) -> NumberType:
    if e164.startswith("+1") and e164[2:5] in _TOLL_FREE:
        return "toll_free"
    return "mobile" if e164.startswith(("+447", "+614")) else "local"


def _is_area_code(code: str, country: str) -> bool:
    plausible = len(code) == 3 and code.isascii() and code.isdecimal() and code[0] in "23456789"
    return plausible and code not in _TOLL_FREE and (code in _CANADIAN) == (country == "CA")
