"""The JSON of LiveKit's and Telnyx' guides, as ``lk sip … create`` takes it, as what is wanted. Pure.

Names are in snake or camel case; a trunk stands under ``trunk`` and a rule under ``dispatch_rule``, or, as they
did once, for themselves (livekit-cli ``cmd/lk/sip.go``; livekit/protocol ``CreateSIPDispatchRuleRequest``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from agent.provision.livekit.objects import Inbound, Info, Outbound, Rule
from agent.provision.livekit.wanted import Wanted, WantedError

_CALL = {"sip_call_to", "sipCallTo", "sip_trunk_id", "sipTrunkId"}
_OLD = {"outbound_address", "outbound_number", "inbound_addresses", "inbound_numbers_regex"}
_PLACEHOLDER = re.compile(r"^(<.*>|\[.*\]|\{\{.*\}\}|\$\w+|\$\{.*\}|your[-_ ].*)$", re.IGNORECASE)


def read_file(path: Path) -> Wanted:
    """What one file asks for.

    Raises:
        WantedError: it cannot be read, is no such JSON, or holds what has yet to be filled in.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise WantedError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise WantedError(f"{path} is no JSON: {error}.") from error
    if not isinstance(data, dict):
        raise WantedError(f"{path} holds no JSON object.")
    return read(data, path.name)


def read(data: Mapping[str, Any], source: str) -> Wanted:
    """See :func:`read_file`; ``source`` names it in messages."""
    wrapper, content = _unwrapped(data, source)
    info: Info = Rule() if wrapper == "rule" else Outbound() if "address" in content else Inbound()
    bound = wrapper == "rule" and _take_placeholder(content)
    for name, value in content.items():
        if isinstance(value, str) and _PLACEHOLDER.match(value.strip()):
            raise WantedError(f"{source}: {name} is still “{value}”: fill it in.")
    try:
        ParseDict(dict(content), info)
    except ParseError as error:
        raise WantedError(f"{source}: {_said(error)}.") from error
    known = info.DESCRIPTOR.fields_by_name
    camel = info.DESCRIPTOR.fields_by_camelcase_name
    fields = tuple(name if name in known else camel[name].name for name in content)
    remarks = ("The file leaves trunk_ids to be filled in: the inbound trunk is taken.",) if bound else ()
    return Wanted(info, fields, bound=bound, source=source, remarks=remarks)


def _unwrapped(data: Mapping[str, Any], source: str) -> tuple[str, dict[str, Any]]:
    for name, kind in (("dispatch_rule", "rule"), ("dispatchRule", "rule"), ("trunk", "trunk")):
        inner = data.get(name)
        # An outbound call has a trunk within it too.
        if isinstance(inner, dict) and not _CALL & {*data}:
            beside = [other for other in data if other != name]
            if beside:
                raise WantedError(f"{source}: {beside[0]} stands beside {name}: it belongs into it.")
            return kind, dict(inner)
    if "rule" in data:
        return "rule", dict(data)
    if _CALL & {*data}:
        raise WantedError(f"{source} asks for a call, which setup does not make: leave it out.")
    if _OLD & {*data}:
        raise WantedError(
            f"{source} is a trunk of the old kind: write an inbound one with numbers, and an outbound one with "
            "address and numbers."
        )
    if "numbers" in data or "address" in data:
        return "trunk", dict(data)
    raise WantedError(f"{source} is neither an inbound trunk, an outbound trunk nor a dispatch rule.")


def _take_placeholder(content: dict[str, Any]) -> bool:
    """Remove trunk ids that are to be filled in; whether there were any."""
    for name in ("trunk_ids", "trunkIds"):
        ids = content.get(name)
        if isinstance(ids, list) and any(_PLACEHOLDER.match(str(one).strip()) for one in ids):
            del content[name]
            content["trunk_ids"] = []
            return True
    return False


def _said(error: ParseError) -> str:
    """Without the words of protobuf about its own types."""
    text = str(error).rstrip(".")
    unknown = re.search(r'has no field named "(\w+)"', text)
    return f"there is no field {unknown[1]}" if unknown else text
