"""The conclusion in words: which setting to take, what is set now, and where to put it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agent import tuning
from console import words
from console.command_line.tune_base import SHIPPED, Base
from console.command_line.tune_grid import Setting, assigned
from console.command_line.tune_result import Measured, Row, advised

_FEW = 20


def figures(found: Measured | Row) -> str:
    """``0 of 14 at 0.66 s``"""
    waits = list(found.waits_ms)
    if not waits:
        return f"{words.plural(found.turns, 'turn')}"
    return f"{found.cut_offs} of {found.turns} at {words.seconds(words.percentile(waits, 0.5))} s"


def sentences(base: Base, rows: Sequence[Row]) -> list[str]:
    """What to do, in one to four sentences."""
    best = advised(rows)
    if best is None:
        return [_nothing(rows)]
    told = [
        f"{best.setting.text} cuts off {best.cut_offs} of {best.turns} and waits {words.seconds(best.p50_ms)} s"
    ]
    if best.setting.now:
        told = [f"What is set now is the best of these: {told[0]}."]
    else:
        now = next((row for row in rows if row.setting.now and row.usable), None)
        told = [f"{told[0]}; now: {figures(now)}." if now else f"{told[0]}.", *_how(best.setting, base)]
    if best.turns < _FEW:
        told.append(f"That is {words.plural(best.turns, 'turn')}: more recordings make it surer.")
    if best.parts[0].service == "SIM":
        told.append("This was the stand-in: with ASSEMBLYAI_API_KEY set, AssemblyAI itself listens.")
    return told


def _how(setting: Setting, base: Base) -> list[str]:
    kin = tuning.family(str(setting.query["speech_model"]))
    changed = {name: value for name, value in setting.values.items() if base.values.get(name) != value}
    live = {name: value for name, value in changed.items() if kin in tuning.PARAMETERS[name].live}
    told: list[str] = []
    if live:
        told.append(f"To try it in a live call: :stt {assigned(live)}")
    tables: dict[str, list[str]] = {}
    for name in changed:
        *table, key = tuning.place(name)
        tables.setdefault(".".join(table), []).append(key)
    places = [f"{' and '.join(keys)} in [{table}]" for table, keys in tables.items()]
    file = f"a copy of {base.path.name} that SIDETONE_AGENT names" if base.path == SHIPPED else base.path
    told.append(f"To keep it: {', '.join(places)} of {file}")
    return told


def _nothing(rows: Sequence[Row]) -> str:
    if any(row.turns for row in rows):
        return "No turn came to its end before its session did."
    return (
        "No turn was heard: is the caller on the other channel (--channel right), or is there no speech in these "
        "recordings?"
    )
