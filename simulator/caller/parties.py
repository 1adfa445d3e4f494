"""Parties from their descriptions."""

from __future__ import annotations

import msgspec

from simulator.caller.file_party import AudioFile, FileParty
from simulator.caller.machine_party import Machine, MachineParty
from simulator.caller.menu_party import Menu, MenuParty
from simulator.caller.party import Party
from simulator.caller.prelude_party import Prelude, PreludeParty
from simulator.caller.script import Script
from simulator.caller.script_party import ScriptParty
from simulator.caller.silent_party import Silent, SilentParty
from simulator.speech.services import SpeechServices
from simulator.telnyx.media.options import Codec

PartySpec = Script | Machine | Menu | Prelude | Silent | AudioFile


def party_for(
    spec: PartySpec, speech: SpeechServices, codec: Codec | None = None, otherwise: Codec = "PCMU"
) -> Party:
    """A party for one call; `codec` None leaves it to the script, and `otherwise` is for one that names none."""
    negotiated = codec or otherwise
    match spec:
        case Script():
            return ScriptParty(_on(spec, codec), speech, otherwise)
        case Prelude(sounds, script, reply_ms):
            return PreludeParty(Prelude(sounds, _on(script, codec), reply_ms), speech, otherwise)
        case Machine():
            return MachineParty(spec, speech, negotiated)
        case Menu():
            return MenuParty(spec, speech, negotiated)
        case Silent():
            return SilentParty(spec, negotiated)
        case AudioFile():
            return FileParty(spec, negotiated)


def _on(script: Script, codec: Codec | None) -> Script:
    return script if codec is None else msgspec.structs.replace(script, codec=codec)
