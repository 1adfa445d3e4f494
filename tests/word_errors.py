"""How many words of a sentence a recogniser got wrong."""

from __future__ import annotations

from collections.abc import Sequence


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words left out, put in or replaced."""
    costs = list(range(len(heard) + 1))
    for row, word in enumerate(said, 1):
        above, costs[0] = costs[0], row
        for column, other in enumerate(heard, 1):
            above, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, above + (word != other)),
            )
    return costs[-1]
