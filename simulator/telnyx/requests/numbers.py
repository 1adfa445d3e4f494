"""Whom a call goes to and comes from: phone numbers in +E.164 and SIP addresses. Pure.

Source: operation DialCall of Telnyx's OpenAPI document (`to`: `;secure=` and the comma with digits).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests.fields import below, missing, name_of, wrong_type

Encryption = Literal["srtp", "dtls"]

MAX_DIGITS: Final = 64
DTMF_DIGITS: Final = re.compile(r"[0-9A-DwW*#]+")
DTMF_WANTED: Final = "made of 0-9, A-D, w, W, * and #"

SIP_ADDRESS: Final = re.compile(
    r"sips?:(?:[^@\s;,<>]{1,128}@)?[A-Za-z0-9.\-\[\]:]{1,253}(?:;[^\s;,<>]{1,128}){0,16}"
)
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SECURE: Final[dict[str, Encryption]] = {"true": "srtp", "srtp": "srtp", "dtls": "dtls"}
_MAX_DESTINATIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Destination:
    """`address` is +E.164, or a SIP address without `;secure`. `digits` are keyed in after the answer."""

    address: str
    secure: Encryption | None = None
    digits: str = ""

    @property
    def is_sip(self) -> bool:
        return self.address.startswith("sip")


def is_e164(number: str) -> bool:
    return bool(_E164.fullmatch(number))


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number in +E.164; `or_sip` lets a SIP address pass too."""

    or_sip: bool = False

    def read(self, value: Any, pointer: str) -> str:
        if not isinstance(value, str):
            raise wrong_type(pointer, "a string")
        if not is_e164(value) and not (self.or_sip and SIP_ADDRESS.fullmatch(value)):
            raise _not_e164(pointer, self.or_sip)
        return value


@dataclass(frozen=True, slots=True)
class Destinations:
    """One destination, or with `several` a list of them; the result is a list of `Destination`.

    A single one may end in a comma and keys, such as `+18004247767,200`.
    """

    several: bool = True

    def read(self, value: Any, pointer: str) -> list[Destination]:
        if isinstance(value, str):
            address, comma, digits = value.partition(",")
            if comma and (len(digits) > MAX_DIGITS or not DTMF_DIGITS.fullmatch(digits)):
                detail = f"The digits of '{name_of(pointer)}' must be {DTMF_WANTED}, {MAX_DIGITS} at most."
                raise TelnyxError(Code.DIGITS, detail, pointer)
            return [_destination(address, pointer, digits)]
        if not self.several:
            raise wrong_type(pointer, "a string")
        if not isinstance(value, list):
            raise wrong_type(pointer, "a string or an array")
        addresses = cast("list[Any]", value)
        if not addresses:
            raise missing(pointer)
        if len(addresses) > _MAX_DESTINATIONS:
            detail = f"The '{name_of(pointer)}' parameter must hold 1 to {_MAX_DESTINATIONS} items."
            raise TelnyxError(Code.OUT_OF_RANGE, detail, pointer)
        return [_destination(address, below(pointer, index)) for index, address in enumerate(addresses)]


def encrypted(
    destinations: list[Destination], media_encryption: str | None, pointer: str = "/media_encryption"
) -> tuple[Destination, ...]:
    """The destinations with the encryption that counts: `media_encryption` goes before `;secure`.

    Raises TelnyxError at `pointer` when a phone number is to be encrypted.
    """
    if media_encryption in (None, "disabled"):
        return tuple(destinations)
    if not all(destination.is_sip for destination in destinations):
        detail = f"{media_encryption} media encryption is not supported for PSTN calls; dial a SIP address."
        raise TelnyxError(Code.ENCRYPTION_ON_PHONE_NUMBER, detail, pointer)
    secure = _SECURE[str(media_encryption).lower()]
    return tuple(Destination(each.address, secure, each.digits) for each in destinations)


def _destination(address: Any, pointer: str, digits: str = "") -> Destination:
    if not isinstance(address, str):
        raise wrong_type(pointer, "a string")
    if is_e164(address):
        return Destination(address, None, digits)
    if not SIP_ADDRESS.fullmatch(address):
        raise _not_e164(pointer, or_sip=True)
    plain, *parameters = address.split(";")
    secure: Encryption | None = None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.lower() != "secure":
            plain += f";{parameter}"
        elif value.lower() in _SECURE:
            secure = _SECURE[value.lower()]
        else:
            detail = f"The secure parameter of '{name_of(pointer)}' must be true, srtp or dtls."
            raise TelnyxError(Code.INVALID_VALUE, detail, pointer)
    return Destination(plain, secure, digits)


def _not_e164(pointer: str, or_sip: bool) -> TelnyxError:
    also = " or be a SIP address" if or_sip else ""
    detail = f"The '{name_of(pointer)}' parameter must be in +E164 format{also}."
    return TelnyxError(Code.NOT_E164, detail, pointer)
