"""The Telnyx SDK, imported without the packages that calls have no use for."""

from __future__ import annotations

import json
import subprocess
import sys

_ASK = """
import json, sys
from agent.carriers import telnyx_sdk
telnyx_sdk.prepare()
import telnyx
client = telnyx.AsyncTelnyx(api_key="simulated", base_url="http://127.0.0.1:1/v2")
calls = client.calls.actions is not None and client.calls.dial is not None
modules = len([name for name in sys.modules if name.startswith("telnyx")])
from telnyx import types
from telnyx.types import CallDialResponse, StreamCodec, call_dial_params
from telnyx.types.call_dial_response import CallDialResponse as itself
import telnyx.types.calls
try:
    types.NoSuchThing
except AttributeError as error:
    missing = str(error)
print(json.dumps({
    "calls": calls,
    "modules": modules,
    "same": CallDialResponse is itself is types.CallDialResponse,
    "module": call_dial_params is sys.modules["telnyx.types.call_dial_params"],
    "data": CallDialResponse.construct(data={"call_control_id": "v3:1"}).data.call_control_id,
    "whole": types.Room.__module__,
    "missing": missing,
}))
"""


def test_what_calls_need_is_there_and_no_more_and_every_name_is_what_it_was() -> None:
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, timeout=100, check=True)
    told = json.loads(done.stdout)

    assert told.pop("modules") < 1000
    assert told == {
        "calls": True,
        "same": True,
        "module": True,
        "data": "v3:1",
        "whole": "telnyx.types.room",
        "missing": "module 'telnyx.types' has no attribute 'NoSuchThing'",
    }
