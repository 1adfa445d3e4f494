"""The payload of `call.cost`. Pure.

Source: the schema and the example of `call.cost` in Telnyx's OpenAPI document, whose rates these are.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from simulator.telnyx.facts import CallFacts
from simulator.telnyx.happenings import Charged
from simulator.telnyx.identifiers import timestamp
from simulator.telnyx.webhooks.control_parts import ids

_RATES: Final = {"sip-trunking": "0.0050", "call-recording": "0.00190", "call-control": "0.00180"}
"""US dollars a minute."""
_OTHER_RATE: Final = "0.0020"


def payload(facts: CallFacts, charged: Charged, at: datetime) -> dict[str, Any]:
    """Every part is billed by the minute begun; money is a string."""
    minutes = -(-max(charged.seconds, 0) // 60)
    costs = {part: Decimal(_RATES.get(part, _OTHER_RATE)) * minutes for part in charged.parts}
    return ids(facts) | {
        "billed_duration_secs": minutes * 60,
        "billing_group_id": None,
        "cost_parts": [
            {
                "billed_duration_secs": minutes * 60,
                "call_part": part,
                "cost": f"{cost:.4f}",
                "currency": "USD",
                "rate": _RATES.get(part, _OTHER_RATE),
            }
            for part, cost in costs.items()
        ],
        "occurred_at": timestamp(at),
        "status": "success",
        "total_cost": f"{sum(costs.values(), Decimal(0)):.4f}",
    }
