"""The subcommands of ``sidetone``; what each does is loaded when it is asked for."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import typer
from typer.core import TyperGroup

from console.command_line import call_app, operator_app, options, phone, setup, tune_options
from console.commands import COMMAND_LINE
from console.options import Options


class _InOrder(TyperGroup):
    """The help lists the commands as their table does."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name in COMMAND_LINE if name in self.commands]


app = typer.Typer(
    name="sidetone",
    cls=_InOrder,
    help="A terminal console for Telnyx voice agents. Without a command it opens the screen.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
_SENT = "Exit status: 0 when it was done, 1 when the agent refused or cannot be reached, 2 for wrong usage."
_CHECKED = "Exit status: 0 when all that is needed is there, 1 when something is missing, 2 for wrong usage."
_TUNED = (
    "Exit status: 0 when every session came to its end and turns were heard; 1 when not; 2 for wrong usage; "
    "130 when interrupted."
)


@app.callback(invoke_without_command=True)
def console(
    context: typer.Context,
    line: options.Line = "sim",
    band: options.Band = "",
    simulated: options.Simulated = "",
    rooms: options.Rooms = False,
    framework: options.Framework = "",
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
    version: options.Version = False,
) -> None:
    if version:
        print(f"sidetone {importlib.metadata.version('sidetone')}")
        raise typer.Exit
    if context.invoked_subcommand is not None:
        if line != "sim" or band or simulated or rooms or framework or attach:
            raise typer.BadParameter(f"put the options after {context.invoked_subcommand}.")
        return
    from console.cli import open_console

    if rooms and line == "sim":
        line = "livekit"
    options.check_rooms(rooms or line == "livekit", framework)
    options.check_band(line, band)
    token = options.token(token_file) if attach else ""
    raise typer.Exit(open_console(Options(line, options.names(simulated), attach, token, band, rooms, framework)))


app.add_typer(call_app.app)
app.add_typer(phone.app)
app.add_typer(setup.app)


@app.command("calls", help=COMMAND_LINE["calls"])
def calls(limit: options.Limit = 20, as_json: options.AsJson = False) -> None:
    from console.command_line import history

    raise typer.Exit(history.list_calls(limit, as_json))


@app.command("show", help=COMMAND_LINE["show"])
def show(call: options.CallId, turns: options.Turns = False, as_json: options.AsJson = False) -> None:
    from console.command_line import history

    raise typer.Exit(history.show_call(call, as_json, turns))


@app.command("stt", help=COMMAND_LINE["stt"], epilog=_SENT)
def stt(
    call: options.LiveCall = "",
    fields: options.Fields = None,
    end: options.EndTurn = False,
    save: options.SaveTuning = False,
    as_json: options.AsJson = False,
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
) -> None:
    from agent import tuning
    from console.command_line.live_call import At
    from console.command_line.stt import SttOrder, run

    parts = fields or []
    if "=" in call:
        call, parts = "", [call, *parts]
    try:
        wanted = tuning.parse_parts(parts)
    except tuning.TuningError as error:
        raise typer.BadParameter(str(error)) from error
    token = options.token(token_file) if attach else ""
    raise typer.Exit(run(At(call, attach, token), SttOrder(wanted, end, save, as_json)))


app.add_typer(operator_app.app)


@app.command("tune", help=COMMAND_LINE["tune"], epilog=_TUNED)
def tune(
    recordings: tune_options.Recordings,
    grid: tune_options.Grid = None,
    agent: tune_options.Agent = None,
    channel: tune_options.Channel = "left",
    simulated: options.Simulated = "",
    as_json: options.AsJson = False,
    yes: options.Yes = False,
) -> None:
    from console.command_line import tune as tuning
    from console.command_line.tune_output import JsonOutput, TextOutput

    order = tuning.TuneOrder(recordings, grid or tuning.USUAL_GRID, agent, channel, options.names(simulated), yes)
    raise typer.Exit(tuning.run(order, JsonOutput() if as_json else TextOutput()))


@app.command("agent", help=COMMAND_LINE["agent"], context_settings=_PASS_ON)
def agent(
    context: typer.Context,
    line: options.Line = "sim",
    simulated: options.Simulated = "",
    rooms: options.Rooms = False,
    framework: options.Framework = "",
) -> None:
    from console.command_line import processes

    raise typer.Exit(processes.run_agent(line, options.names(simulated), rooms, framework, context.args))


@app.command("simulator", help=COMMAND_LINE["simulator"], context_settings={**_PASS_ON, "help_option_names": []})
def simulator(context: typer.Context) -> None:
    from console.command_line import processes

    raise typer.Exit(processes.run_simulator(context.args))


@app.command("stop", help=COMMAND_LINE["stop"])
def stop() -> None:
    from console.command_line import processes

    raise typer.Exit(processes.stop())


@app.command("doctor", help=COMMAND_LINE["doctor"], epilog=_CHECKED)
def doctor(as_json: options.AsJson = False, sound: options.RealSound = False) -> None:
    from console.command_line import doctor as checks

    raise typer.Exit(checks.run(as_json, sound))
