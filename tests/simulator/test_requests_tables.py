"""Our tables against the types of the Telnyx SDK: names, types, enumerations, required keys."""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Required, Union, get_args, get_origin

import pytest
import telnyx.types.calls
from telnyx._utils import PropertyInfo
from telnyx.types.call_dial_params import CallDialParams
from telnyx.types.texml.accounts.call_calls_params import BodyApplicationDefault
from telnyx.types.texml.accounts.call_streams_json_params import CallStreamsJsonParams
from telnyx.types.texml.accounts.call_update_params import CallUpdateParams
from telnyx.types.texml.accounts.calls.recordings_json_recordings_json_params import (
    RecordingsJsonRecordingsJsonParams,
)
from telnyx.types.texml.call_create_params import CallCreateParams
from typing_extensions import is_typeddict

from simulator.telnyx.requests import texml_calls, texml_updates
from simulator.telnyx.requests.commands import COMMANDS
from simulator.telnyx.requests.common import LOOP
from simulator.telnyx.requests.dial import DIAL
from simulator.telnyx.requests.fields import (
    Address,
    Anything,
    Base64,
    Choice,
    Dictionary,
    Either,
    Flag,
    Many,
    Number,
    Object,
    OneOrMany,
    Tagged,
    Text,
    Whole,
    WholeChoice,
)
from simulator.telnyx.requests.numbers import Destinations, PhoneNumber
from simulator.telnyx.requests.texml_callbacks import Words
from simulator.telnyx.requests.webhook_rules import EVENT_TYPES

ACTIONS = {
    "add_ai_assistant_messages": "ai_assistant_add_messages",
    "join_ai_assistant": "ai_assistant_join",
    "pause_recording": "record_pause",
    "resume_recording": "record_resume",
    "start_ai_assistant": "ai_assistant_start",
    "start_conversation_relay": "conversation_relay_start",
    "start_forking": "fork_start",
    "start_noise_suppression": "suppression_start",
    "start_playback": "playback_start",
    "start_recording": "record_start",
    "start_siprec": "siprec_start",
    "start_streaming": "streaming_start",
    "start_transcription": "transcription_start",
    "stop_ai_assistant": "ai_assistant_stop",
    "stop_conversation_relay": "conversation_relay_stop",
    "stop_forking": "fork_stop",
    "stop_gather": "gather_stop",
    "stop_noise_suppression": "suppression_stop",
    "stop_playback": "playback_stop",
    "stop_recording": "record_stop",
    "stop_siprec": "siprec_stop",
    "stop_streaming": "streaming_stop",
    "stop_transcription": "transcription_stop",
    "update_client_state": "client_state_update",
}
"""Names of the SDK's modules whose paths are called otherwise."""

PROSE_ENUMERATIONS = {"stop", "target_legs", "transcription_tracks", "park_after_unbridge", "Status"}
"""Strings for the SDK, whose few values its descriptions list."""

EXCEPTIONS = {
    # The description says any one of call_control_id, queue and video_room_id.
    "bridge: required",
    # The SDK's one value is the description's example of a list of codecs.
    "answer.preferred_codecs",
    # "A" to "D" are deprecated and accepted, says the description.
    "suppression_start.noise_suppression_engine",
    # Telnyx's pages write the engine of both Deepgram models as Deepgram.
    *(
        f"{command}.{config}transcription_engine_config: shapes"
        for command, config in (
            ("dial", "transcription_config."),
            ("answer", "transcription_config."),
            ("transcription_start", ""),
        )
    ),
    # Required by Telnyx's REST description; the SDK's union lost it.
    "texml: required",
    # Without it the stream would go nowhere.
    "texml_stream: required",
}


def typed_dict_of(module: types.ModuleType) -> Any:
    return getattr(module, module.__all__[0])


def actions() -> Iterator[tuple[str, Any]]:
    for module in pkgutil.iter_modules(telnyx.types.calls.__path__):
        if module.name.startswith("action_") and module.name.endswith("_params"):
            name = module.name.removeprefix("action_").removesuffix("_params")
            params = importlib.import_module(f"telnyx.types.calls.{module.name}")
            yield ACTIONS.get(name, name), typed_dict_of(params)


def plain(hint: Any) -> tuple[Any, bool, str | None]:
    """The type without its wrappers, whether it is required, and its name on the wire."""
    required, alias = False, None
    while True:
        origin = get_origin(hint)
        if origin is Required:
            required, hint = True, get_args(hint)[0]
        elif origin is typing.Annotated:
            alias = next((m.alias for m in hint.__metadata__ if isinstance(m, PropertyInfo) and m.alias), alias)
            hint = get_args(hint)[0]
        elif origin in (Union, types.UnionType) and type(None) in get_args(hint):
            rest = tuple(arg for arg in get_args(hint) if arg is not type(None))
            hint = rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007
        else:
            return hint, required, alias


def members(typed_dict: Any) -> tuple[dict[str, Any], set[str]]:
    """Types by wire name, and which are required."""
    kinds: dict[str, Any] = {}
    required: set[str] = set()
    for name, hint in typing.get_type_hints(typed_dict, include_extras=True).items():
        kind, needed, alias = plain(hint)
        kinds[alias or name] = kind
        if needed or name in typed_dict.__required_keys__:
            required.add(alias or name)
    return kinds, required


def differences(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    theirs, _, _ = plain(theirs)
    origin, args = get_origin(theirs), get_args(theirs)
    if is_typeddict(theirs):
        yield from of_objects(ours, theirs, path)
    elif origin is Literal:
        yield from of_literals(ours, args, path)
    elif origin in (Union, types.UnionType):
        yield from of_unions(ours, args, path)
    elif origin is dict:
        if not isinstance(ours, Dictionary):
            yield path
        elif args[1] is not object or not isinstance(ours.kind, Anything):
            yield from differences(ours.kind, args[1], f"{path}.*")
    elif origin is not None and args:
        if not isinstance(ours, Many | OneOrMany):
            yield path
        else:
            yield from differences(ours.kind, args[0], f"{path}[]")
    elif not isinstance(ours, SIMPLE[theirs]) and not (
        isinstance(ours, Choice) and theirs is str and path.rpartition(".")[2] in PROSE_ENUMERATIONS
    ):
        yield path


SIMPLE: dict[Any, Any] = {
    str: Text | Address | Base64 | PhoneNumber | Destinations | Words,
    int: Whole,
    float: Number,
    bool: Flag,
    object: Anything,
}


def of_objects(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    if not isinstance(ours, Object):
        yield path
        return
    kinds, required = members(theirs)
    yield from (f"{path}.{name} is missing" for name in kinds.keys() - ours.kinds.keys())
    yield from (f"{path}.{name} is unknown to the SDK" for name in ours.kinds.keys() - kinds.keys())
    if set(ours.required) != required:
        yield f"{path}: required"
    for name in kinds.keys() & ours.kinds.keys():
        yield from differences(ours.kinds[name], kinds[name], f"{path}.{name}")


def of_literals(ours: Any, values: tuple[Any, ...], path: str) -> Iterator[str]:
    if set(values) == {True, False} and isinstance(ours, Flag):
        return
    if not isinstance(ours, Choice | WholeChoice) or set(ours.choices) != set(values):
        yield path


def of_unions(ours: Any, options: tuple[Any, ...], path: str) -> Iterator[str]:
    if ours is LOOP or isinstance(ours, Destinations):
        return
    if isinstance(ours, Tagged):
        shapes = {get_args(members(option)[0][ours.tag])[0]: option for option in options}
        if shapes.keys() != ours.shapes.keys():
            yield f"{path}: shapes"
        for name in shapes.keys() & ours.shapes.keys():
            yield from differences(ours.shapes[name], shapes[name], f"{path}.{name}")
        return
    kinds = ours.kinds if isinstance(ours, Either) else (ours,)
    for option in options:
        found = [list(differences(kind, option, path)) for kind in kinds]
        if all(found):
            yield from min(found, key=len)


def unexplained(ours: Object, theirs: Any, path: str, but: tuple[str, ...] = ()) -> list[str]:
    found = set(differences(ours, theirs, path)) - EXCEPTIONS
    return sorted(each for each in found if each not in {f"{path}.{name} is missing" for name in but})


def test_every_action_of_the_sdk_is_a_command():
    assert {name for name, _ in actions()} == COMMANDS.keys()
    assert [name for name, spec in COMMANDS.items() if spec.method == "PUT"] == ["client_state_update"]


@pytest.mark.parametrize(
    ("name", "theirs"), list(actions()), ids=lambda value: value if type(value) is str else ""
)
def test_a_command_takes_what_the_sdk_sends(name: str, theirs: Any):
    assert unexplained(COMMANDS[name].table, theirs, name) == []


def test_dial_takes_what_the_sdk_sends():
    assert unexplained(DIAL, CallDialParams, "dial") == []


@pytest.mark.parametrize(
    ("name", "table", "theirs"),
    [
        ("texml", texml_calls.CALL, BodyApplicationDefault),
        ("texml_connection", texml_calls.CONNECTION_CALL, CallCreateParams),
        ("texml_update", texml_updates.UPDATE, CallUpdateParams),
        ("texml_stream", texml_updates.STREAM, CallStreamsJsonParams),
        ("texml_recording", texml_updates.RECORDING, RecordingsJsonRecordingsJsonParams),
    ],
)
def test_texml_paths_take_what_the_sdk_sends(name: str, table: Object, theirs: Any):
    found = unexplained(table, theirs, name, but=("account_sid", "call_sid"))
    # These are parts of the path, which the SDK counts among the parameters.
    assert [each for each in found if each != f"{name}: required" or "account_sid" not in members(theirs)[1]] == []


def test_every_exception_is_needed():
    found: set[str] = set()
    for name, theirs in actions():
        found |= set(differences(COMMANDS[name].table, theirs, name))
    found |= set(differences(DIAL, CallDialParams, "dial"))
    found |= set(differences(texml_calls.CALL, BodyApplicationDefault, "texml"))
    found |= set(differences(texml_updates.STREAM, CallStreamsJsonParams, "texml_stream"))
    assert EXCEPTIONS - found == set()


def test_the_comparison_sees_what_is_wrong():
    """Without this, a comparison that finds nothing would prove nothing."""
    kinds: Mapping[str, Any] = DIAL.kinds
    spoilt = Object(
        {**kinds, "timeout_secs": Text(), "privacy": Choice("id"), "colour": Text()}, required=("to", "from")
    )
    del spoilt.kinds["link_to"]
    assert unexplained(spoilt, CallDialParams, "dial") == [
        "dial.colour is unknown to the SDK",
        "dial.link_to is missing",
        "dial.privacy",
        "dial.timeout_secs",
        "dial: required",
    ]


def test_the_event_types_are_those_of_the_sdk():
    found: set[str] = set()
    for package in (telnyx.types, telnyx.types.calls):
        for module in pkgutil.iter_modules(package.__path__):
            if "webhook" not in module.name and not module.name.startswith(("call_", "streaming_", "siprec_")):
                continue
            for value in vars(importlib.import_module(f"{package.__name__}.{module.name}")).values():
                field = getattr(value, "model_fields", {}).get("event_type")
                found |= set(_strings(field.annotation)) if field is not None else set()
    ours = {event for event in found if event.startswith(("call.", "streaming.", "siprec."))}
    assert ours == EVENT_TYPES


def _strings(hint: Any) -> Iterator[str]:
    if isinstance(hint, str):
        yield hint
    for arg in get_args(hint):
        yield from _strings(arg)
