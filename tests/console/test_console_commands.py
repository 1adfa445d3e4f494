"""The table of commands and its faces: keys, footer, prompt, palette, help, command line."""

from __future__ import annotations

from typing import Any

import pytest
from textual.command import DiscoveryHit
from typer.core import TyperGroup
from typer.main import get_command

from console.command_line.app import app as command_line
from console.commands import BY_NAME, COMMAND_LINE, COMMANDS, Situation, UnknownCommand, key_name, parse
from console.palette import ConsoleCommands
from console.screens.actions import Actions
from console.screens.help import HelpScreen, keys
from console.symbols import UNICODE

_FORBIDDEN = ("ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+s", "ctrl+z")


def test_every_command_can_be_carried_out() -> None:
    for command in COMMANDS:
        assert callable(getattr(Actions, f"do_{command.name.replace('-', '_')}"))
    assert len(BY_NAME) == len(COMMANDS)


def test_no_key_has_two_meanings_and_none_is_one_that_terminals_confuse() -> None:
    used = [key for command in COMMANDS for key in command.keys]

    assert len(used) == len(set(used))
    assert not [key for key in used if key in _FORBIDDEN or key.startswith("alt+") or key.isdigit()]


async def test_every_key_of_the_table_is_bound(open_console: Any) -> None:
    async with open_console() as console:
        bound = {binding.binding.action for binding in console.app.screen.active_bindings.values()}
        for command in COMMANDS:
            if command.name == "select":
                assert {f"command('select', '{digit}')" for digit in "123456789"} <= bound
            elif command.name not in ("palette", "quit"):
                assert f"command('{command.name}')" in bound
        assert {"quit", "command_palette"} <= {action.removeprefix("app.") for action in bound}


async def test_the_palette_and_the_help_hold_every_command(open_console: Any) -> None:
    async with open_console(100, 60) as console:
        hits = [
            hit async for hit in ConsoleCommands(console.app.screen).discover() if isinstance(hit, DiscoveryHit)
        ]
        assert [str(hit.text or hit.display).split()[0] for hit in hits] == [command.name for command in COMMANDS]

        await console.app.push_screen(HelpScreen(UNICODE))
        await console.settle()
        for command in COMMANDS:
            assert f":{command.usage}" in console.text
            assert command.help in console.text
            assert keys(command).split()[0] in console.text


def test_the_subcommands_are_those_of_the_table() -> None:
    group = get_command(command_line)
    assert isinstance(group, TyperGroup)
    assert {name: command.help for name, command in group.commands.items()} == COMMAND_LINE


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("dial", "dial", ""),
        (":dial +1 555 010 0123", "dial", "+1 555 010 0123"),
        ("hang", "hangup", ""),
        (":hangup 2", "hangup", "2"),
        ("select 3", "select", "3"),
        (" quit ", "quit", ""),
    ],
)
def test_the_prompt_understands_names_and_their_beginnings(text: str, name: str, argument: str) -> None:
    command, given = parse(text)

    assert (command.name, given) == (name, argument)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("jump", "There is no command 'jump'"),
        ("", "There is no command ''"),
        ("p", "may be phone or play or previous or previous-turn or page-up"),
        ("select", "select needs CALL"),
        ("restart now", "restart takes nothing after it"),
    ],
)
def test_the_prompt_says_what_it_does_not_understand(text: str, says: str) -> None:
    with pytest.raises(UnknownCommand, match=says):
        parse(text)


def test_a_command_that_cannot_be_used_says_why() -> None:
    nothing = Situation(agent="the agent is still starting")
    ended = Situation(calls=1, selected=True)

    assert BY_NAME["dial"].reason(nothing) == "the agent is still starting"
    assert BY_NAME["hangup"].reason(nothing) == "no call is selected"
    assert BY_NAME["hangup"].reason(ended) == "the selected call has ended already"
    assert BY_NAME["errors"].reason(ended) == "the event list needs a terminal of 120 columns"
    assert BY_NAME["restart"].reason(Situation(remote=True)) == "the agent is remote: restart it where it runs"
    for always in ("help", "prompt", "palette", "quit", "log", "back"):
        assert not BY_NAME[always].reason(nothing)


def test_keys_have_names_for_people() -> None:
    assert [key_name(key) for key in ("d", "ctrl+p", "pageup", "left")] == ["d", "^p", "PgUp", "←"]
