"""Telephone numbers, checked before anything is dialled."""

from __future__ import annotations

import phonenumbers


def check_number(text: str) -> str | None:
    """The number in E.164, or None when it cannot be one. It must begin with its country code."""
    try:
        number = phonenumbers.parse(text.strip())
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
