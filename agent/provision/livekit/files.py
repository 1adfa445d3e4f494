"""The JSON of LiveKit's and Telnyx' guides, as ``lk sip … create`` takes it, as what is wanted.

Names are in snake or camel case; a trunk stands under ``trunk`` and a rule under ``dispatch_rule``, or, as they
did once, for themselves (livekit-cli ``cmd/lk/sip.go``; livekit/protocol ``CreateSIPDispatchRuleRequest``).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from agent.provision.livekit.objects import Inbound, Info, Outbound, Rule
from agent.provision.livekit.wanted import Wanted, WantedError

_CALL = {"sip_call_to", "sipCallTo"}
_OLD = {"outbound_address", "outbound_number", "inbound_addresses", "inbound_numbers_regex"}
_INBOUND, _OUTBOUND = (
    {*kind.DESCRIPTOR.fields_by_name, *kind.DESCRIPTOR.fields_by_camelcase_name} for kind in (Inbound, Outbound)
)
_COMMON = {"name", "metadata", "createdAt", "created_at", "updatedAt", "updated_at"}
_LOGIN = {"auth_username", "authUsername", "auth_password", "authPassword"}
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
    outbound = (_OUTBOUND - _INBOUND) & {*content}
    info: Info = Rule() if wrapper == "rule" else Outbound() if outbound else Inbound()
    bound = wrapper == "rule" and _take_placeholder(content)
    for name, value in content.items():
        # An outbound trunk's user name and password may come from the settings.
        if isinstance(value, str) and unfilled(value) and not (outbound and name in _LOGIN):
            raise WantedError(f"{source}: {name} has yet to be filled in.")
    try:
        ParseDict(dict(content), info)
    except ParseError as error:
        raise WantedError(f"{source}: {_said(error)}.") from error
    known = info.DESCRIPTOR.fields_by_name
    camel = info.DESCRIPTOR.fields_by_camelcase_name
    fields = tuple(name if name in known else camel[name].name for name in content)
    return Wanted(info, fields, bound=bound, source=source)


def unfilled(text: str) -> bool:
    """Whether it is what the guides print where something is to be filled in, such as ``<your-trunk-id>``."""
    return _PLACEHOLDER.match(text.strip()) is not None


def _unwrapped(data: Mapping[str, Any], source: str) -> tuple[str, dict[str, Any]]:
    for name, kind in (("dispatch_rule", "rule"), ("dispatchRule", "rule"), ("trunk", "trunk")):
        inner = data.get(name)
        # A call may have a trunk within it too.
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
    if ((_INBOUND | _OUTBOUND) - _COMMON) & {*data}:
        return "trunk", dict(data)
    raise WantedError(f"{source} is neither an inbound trunk, an outbound trunk nor a dispatch rule.")


def _take_placeholder(content: dict[str, Any]) -> bool:
    """Remove trunk ids that are to be filled in; whether there were any."""
    for name in ("trunk_ids", "trunkIds"):
        ids = content.get(name)
        if isinstance(ids, list) and any(unfilled(str(one)) for one in ids):
            del content[name]
            content["trunk_ids"] = []
            return True
    return False


def _said(error: ParseError) -> str:
    """Without the words of protobuf about its own types."""
    text = re.sub(r"Failed to parse \w+ field: ", "", str(error)).rstrip(".")
    unknown = re.search(r'no field named "([^"]+)" at "\w+\.?([^"]*)"[^[]*(.*)', text)
    if unknown:
        name, place, known = unknown[1], unknown[2], re.findall(r"'(\w+)'", unknown[3])
        like = difflib.get_close_matches(name, known, 1, 0.5) or known
        return f"there is no field {name}{place and f' in {place}'}: there is {', '.join(like)}"
    wrong = re.search(r"Invalid enum value (.+) for enum type livekit\.(\w+) at \w+\.(.+)", text)
    kinds = Rule.DESCRIPTOR.file.enum_types_by_name
    if wrong and wrong[2] in kinds:
        return f"{wrong[3]} is {wrong[1]}: it may be {', '.join(kinds[wrong[2]].values_by_name)}"
    return text
