"""The devices of PulseAudio, or of PipeWire in its place, which ALSA and so PortAudio show as one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from console.sound.devices import Found, is_headset
from console.sound.protocol import Kind


def look() -> list[Found] | None:
    """None where no sound server answers."""
    try:
        import pulsectl
    except (ImportError, OSError):
        return None
    try:
        with pulsectl.Pulse("sidetone", connect=False) as server:
            server.connect(autospawn=False)
            info: Any = server.server_info()
            speakers = [_found("speaker", one, info.default_sink_name) for one in server.sink_list()]
            microphones = [_found("microphone", one, info.default_source_name) for one in server.source_list()]
    except pulsectl.PulseError:
        return None
    return microphones + speakers


@contextlib.contextmanager
def chosen(name: str) -> Iterator[None]:
    """What is opened meanwhile through ALSA's plugins is the sink or source of that name."""
    # The plugins of PulseAudio and of PipeWire read these when a stream is opened, and know no other way.
    names = ("PULSE_SINK", "PULSE_SOURCE", "PIPEWIRE_NODE")
    before = {one: os.environ.get(one) for one in names}
    os.environ.update(dict.fromkeys(names, name))
    try:
        yield
    finally:
        for one, value in before.items():
            if value is None:
                del os.environ[one]
            else:
                os.environ[one] = value


def _found(kind: Kind, device: Any, default: str) -> Found:
    form = device.proplist.get("device.form_factor", "")
    return Found(
        kind=kind,
        id=device.name,
        name=device.description,
        api="PulseAudio",
        default=device.name == default,
        headset=is_headset(f"{device.description} {form}"),
        hidden=device.proplist.get("device.class") == "monitor",
    )
