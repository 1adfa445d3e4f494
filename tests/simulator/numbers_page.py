"""What docs/numbers.md says of the magic numbers."""

from __future__ import annotations

from pathlib import Path

NUMBERS = (Path(__file__).parents[2] / "docs" / "numbers.md").read_text(encoding="utf-8")


def rows() -> dict[str, list[str]]:
    """The rows of the tables, by number; without backticks."""
    split = (line.strip("| ").replace("`", "").split(" | ") for line in NUMBERS.splitlines())
    return {cells[0]: cells for cells in split if cells[0].startswith("+")}
