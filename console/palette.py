"""The commands in the palette of ctrl+p."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from console.commands import COMMANDS, Command
from console.screens.help import keys
from console.screens.main import MainScreen


class ConsoleCommands(Provider):
    """One entry for each command; one that needs more goes on at the ``:`` prompt."""

    async def discover(self) -> Hits:
        for command in COMMANDS:
            yield DiscoveryHit(_title(command), partial(self._run, command), help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in COMMANDS:
            score = max(matcher.match(_title(command)), matcher.match(command.help) * 0.8)
            if score > 0:
                title = matcher.highlight(_title(command))
                yield Hit(score, title, partial(self._run, command), help=command.help)

    def _run(self, command: Command) -> None:
        screen = next((screen for screen in self.app.screen_stack if isinstance(screen, MainScreen)), None)
        if screen is None:
            return
        if command.argument and not command.argument.startswith("["):
            screen.open_prompt(f"{command.name} ")
        else:
            screen.action_command(command.name)


def _title(command: Command) -> str:
    shown = keys(command)
    return f"{command.name}  ({shown})" if shown else command.name
