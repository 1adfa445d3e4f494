"""The tables of docs/assemblyai.md, from the data: `python -m tests.simulator.assemblyai_page` renews them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from simulator.assemblyai.models import DIARIZATION, MODELS, PRESETS, RECOMMENDED, SOURCES, Family
from simulator.assemblyai.parameters import FORMER_NAMES, TABLE, Parameter, Value

PAGE = Path(__file__).parents[2] / "docs" / "assemblyai.md"
FAMILIES: dict[Family, str] = {"u3": "U3", "streaming": "US"}


def tables() -> str:
    """Everything between the two marks of the page."""
    return "\n\n".join((_models(), _presets(), _parameters(), _sources()))


def renewed(page: str) -> str:
    """The page with its tables as the data are now."""
    before, _, rest = page.partition("<!-- tables -->\n")
    _, _, after = rest.partition("<!-- end of tables -->")
    return f"{before}<!-- tables -->\n{tables()}\n<!-- end of tables -->{after}"


def _models() -> str:
    lists = {
        family: ", ".join(f"`{one.name}`" for one in MODELS.values() if one.family == family)
        for family in FAMILIES
    }
    return f"U3 is {lists['u3']}. US is {lists['streaming']}."


def _presets() -> str:
    rows = ["| preset | threshold | min | max | delay |", "|---|--:|--:|--:|--:|"]
    rows += [_preset(f"`mode={name}` (U3)", preset) for name, preset in PRESETS.items()]
    rows += [_preset("`speaker_labels=true` (U3)", DIARIZATION)]
    rows += [_preset(f"{name}, recommended (US)", preset) for name, preset in RECOMMENDED.items()]
    return "\n".join(rows)


def _preset(name: str, preset: Mapping[str, float]) -> str:
    cells = ("end_of_turn_confidence_threshold", "min_turn_silence", "max_turn_silence", "interruption_delay")
    return f"| {name} | " + " | ".join(str(preset.get(cell, "")) for cell in cells) + " |"


def _parameters() -> str:
    rows = ["| parameter | values | default | for | live | source | here |", "|---|---|---|---|---|---|---|"]
    for one in TABLE.values():
        cells = (
            "<br>".join(f"`{name}`" for name in (one.name, *_former(one.name))),
            _values(one),
            _default(one),
            _names(one.families),
            _names(one.live),
            f"{one.source.name} {one.source.date}",
            one.not_played or "played",
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _former(name: str) -> list[str]:
    return [old for old, new in FORMER_NAMES.items() if new == name]


def _values(one: Parameter) -> str:
    if one.name == "speech_model":
        return "see above"
    if one.kind == "choice":
        return ", ".join(one.choices)
    items = f"{len(one.choices)} codes" if one.choices else "texts"
    kind = {"list": f"JSON list of {items}", "codes": f"list of {items}"}.get(one.kind, one.kind)
    if one.low is None and one.high is None:
        return kind
    unit = {"text": " characters", "list": " items", "codes": " items"}.get(one.kind, "")
    low = "" if one.low is None else f"{one.low:g}"
    bounds = (
        f"{low} … {one.high:g}" if low and one.high is not None else (f"≥ {low}" if low else f"≤ {one.high:g}")
    )
    return f"{kind} {bounds}{unit}{', clamped' if one.clamped else ''}"


def _default(one: Parameter) -> str:
    if any(one.name in preset for preset in PRESETS.values()):
        other = one.default_of("streaming")
        return "by mode" if other is None else f"by mode; US {_shown(other)}"
    values = {family: one.default_of(family) for family in one.families}
    if len(set(map(str, values.values()))) == 1:
        return _shown(one.default_of(one.families[0]))
    return "; ".join(f"{FAMILIES[family]} {_shown(value)}" for family, value in values.items())


def _shown(value: Value | None) -> str:
    return "–" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _names(families: tuple[Family, ...]) -> str:
    return "–" if not families else "all" if len(families) == len(FAMILIES) else FAMILIES[families[0]]


def _sources() -> str:
    return "Sources: " + "; ".join(f"*{one.name}*: {one.text} ({one.date})" for one in SOURCES) + "."


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
