"""Taking a card or account number by keys: pay. Pure.

The simulator takes no payments; the table is there so that a request is refused as Telnyx refuses it.
Source: the pay schema of Telnyx's OpenAPI document, as typed in the telnyx package 4.189.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Never

from simulator.telnyx.errors import Code
from simulator.telnyx.requests.common import JSON_OBJECT, CommandSpec, command_table
from simulator.telnyx.requests.fields import (
    Choice,
    Either,
    Flag,
    Many,
    Number,
    Object,
    Text,
    Whole,
    below,
    missing,
)
from simulator.telnyx.requests.rules import exclusive

_CARDS: Final = (
    "visa",
    "mastercard",
    "amex",
    "maestro",
    "discover",
    "optima",
    "jcb",
    "diners-club",
    "enroute",
)
_PROMPT: Final = Either(
    "a string or an array",
    Text(),
    Many(
        Object(
            {
                "text": Text(),
                "attempt": Text(),
                "card_type": Choice(*_CARDS),
                "error_type": Choice(
                    "timeout",
                    "invalid-card-number",
                    "invalid-card-type",
                    "invalid-date",
                    "invalid-security-code",
                    "invalid-postal-code",
                    "invalid-bank-routing-number",
                    "invalid-bank-account-number",
                    "input-matching-failed",
                ),
            },
            required=("text",),
        )
    ),
)
_STEPS: Final = (
    "bank-account-number",
    "bank-routing-number",
    "expiration-date",
    "payment-card-number",
    "postal-code",
    "security-code",
)
_POSTAL_CODE: Final = Either(
    "a string or a boolean",
    Flag(),
    Text(code=Code.INVALID_VALUE, pattern=re.compile(r"(?s).*\S.*"), wanted="a postal code, true or false"),
)


def _charge_has_amount(values: Mapping[str, Any], pointer: str) -> None:
    if values.get("transaction_type") == "charge" and not values.get("amount"):
        raise missing(below(pointer, "amount"))


PAY_COMMANDS: Final[dict[str, CommandSpec[Never]]] = {
    "pay": CommandSpec(
        command_table(
            {
                "amount": Number(0),
                "connector_name": Text(),
                "currency": Choice("USD", "usd"),
                "description": Text(),
                "inter_digit_timeout_millis": Whole(1, 120_000, code=Code.INTER_DIGIT_TIMEOUT),
                "language": Text(),
                "max_attempts": Whole(1),
                "metadata": JSON_OBJECT,
                "min_postal_code_length": Whole(1),
                "parameters": JSON_OBJECT,
                "payment_method": Choice("credit-card", "ach-debit"),
                "payment_token": Text(),
                "postal_code": _POSTAL_CODE,
                "prompts": Object(dict.fromkeys(_STEPS, _PROMPT)),
                "service_level": Text(),
                "timeout_millis": Whole(1, 120_000, code=Code.TIMEOUT_MILLIS),
                "transaction_type": Choice("charge", "tokenize"),
                "valid_card_types": Many(Choice(*_CARDS)),
                "voice": Text(),
            },
            rules=(_charge_has_amount, exclusive("payment_token", "valid_card_types")),
        )
    )
}
