"""What is there beside what should be: the object with only the differing fields changed, and these in words.
Pure; passwords are never told."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from agent.provision.livekit.objects import Info, Outbound, Rule, agents, normal, transport_name
from agent.provision.livekit.steps import rooms
from agent.provision.livekit.wanted import Wanted

_LABELS = {"auth_username": "user", "auth_password": "password", "room_config": "room", "trunk_ids": "trunks"}
_OURS = ("name", "metadata")


def merge(there: Info, wanted: Wanted, own: bool) -> tuple[Info, list[str]]:
    """The object as it should be, and what differs, one line a field, none when nothing does.

    Name and metadata of an object that is not ``own`` are left to whom they belong.
    """
    merged = copy.deepcopy(there)
    changes: list[str] = []
    for field in wanted.fields:
        if field in _OURS and not own:
            continue
        before = getattr(there, field)
        after = _after(field, before, wanted)
        if field == "auth_password" and _hidden(there, wanted):
            # Nobody can tell whether it is the same; should the object be written, it must not be lost.
            merged.auth_password = after  # type: ignore[union-attr]
            continue
        if _same(field, before, after, wanted.info):
            continue
        _put(merged, field, after)
        changes.append(_told(field, before, after))
    return merged, [change for change in changes if change]


def keeps_password(merged: Info) -> bool:
    """Whether writing the object loses no password that the server does not show."""
    return isinstance(merged, Rule) or not merged.auth_username or bool(merged.auth_password)


def _hidden(there: Info, wanted: Wanted) -> bool:
    if isinstance(there, Rule) or isinstance(wanted.info, Rule):
        return False
    same_user = bool(there.auth_username) and there.auth_username == wanted.info.auth_username
    return same_user and not there.auth_password


def _after(field: str, before: Any, wanted: Wanted) -> Any:
    asked = getattr(wanted.info, field)
    if field == "headers":
        return {**before, **asked}
    if field == "room_config":
        if not wanted.grows:
            return asked
        after = copy.deepcopy(before)
        if agents(wanted.info) != [agent.agent_name for agent in before.agents]:  # type: ignore[arg-type]
            del after.agents[:]
            after.agents.extend(asked.agents)
        return after
    if field == "numbers":
        written = {normal(one): one for one in asked}
        kept = [written.get(normal(one), one) for one in before] if wanted.grows else []
        return kept + [one for one in asked if one not in kept]
    if field == "trunk_ids":
        kept = list(before) if wanted.grows else []
        return kept + [one for one in asked if one not in kept]
    return asked


def _same(field: str, before: Any, after: Any, info: Info) -> bool:
    # Calls that come in are matched however the number is written; calls that go out are sent as it is written.
    if field == "numbers" and not isinstance(info, Outbound):
        return {*map(normal, before)} == {*map(normal, after)}
    if field in ("numbers", "allowed_addresses", "allowed_numbers", "trunk_ids", "inbound_numbers"):
        return {*before} == {*after}
    return _plain(before) == _plain(after)


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return dict(value)
    return list(value) if _listed(value) else value


def _listed(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, Message))


def _put(info: Info, field: str, value: Any) -> None:
    info.ClearField(field)  # type: ignore[arg-type]
    if isinstance(value, dict) or hasattr(value, "items"):
        getattr(info, field).update(value)
    elif isinstance(value, Message):
        getattr(info, field).CopyFrom(value)
    elif _listed(value):
        getattr(info, field).extend(value)
    else:
        setattr(info, field, value)


def _told(field: str, before: Any, after: Any) -> str:
    label = _LABELS.get(field, field.replace("_", " "))
    if field == "metadata":
        return "metadata"
    if field == "auth_password":
        return f"{label} {'changed' if after else 'removed'}"
    if field == "room_config":
        names = [[one.agent_name for one in room.agents] for room in (before, after)]
        if names[0] != names[1]:
            return f"agent {_words(names[0])} → {_words(names[1])}"
    if field == "rule" and rooms(before) != rooms(after):
        return f"{rooms(before)} → {rooms(after)}"
    if field == "headers":
        return "headers sent: " + ", ".join(f"{name}: {value}" for name, value in after.items())
    if _listed(after) and not isinstance(after, dict) and not hasattr(after, "items"):
        added = [one for one in after if one not in [*before]]
        gone = [one for one in before if one not in [*after]]
        parts = [f"+ {_words(added)}"] if added else []
        return f"{label} {' '.join([*parts, f'- {_words(gone)}'] if gone else parts)}"
    return f"{label} {_value(field, before)} → {_value(field, after)}"


def _words(names: list[str]) -> str:
    return ", ".join(str(name) for name in names) or "none"


def _value(field: str, value: Any) -> str:
    if field == "transport":
        return transport_name(value)
    if isinstance(value, Message):
        return MessageToJson(value, indent=None)
    return str(value) if value not in ("", 0) else "none"
