"""The subcommands of ``sidetone``; what each does is loaded when it is asked for."""

from __future__ import annotations

import importlib.metadata
import sys

import typer

from console.command_line import bot_options, options, tune_options
from console.commands import COMMAND_LINE
from console.options import Options

app = typer.Typer(
    name="sidetone",
    help="A terminal console for Telnyx voice agents. Without a command it opens the screen.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
_VERDICT = (
    "Exit status: 0 when the call was answered, the agent answered every line and the call ended normally; "
    "1 when not; 2 for wrong usage; 130 when interrupted."
)
_SENT = "Exit status: 0 when it was done, 1 when the agent refused or cannot be reached, 2 for wrong usage."
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
    attach: options.Attach = "",
    token_file: options.TokenFile = None,
    version: options.Version = False,
) -> None:
    if version:
        print(f"sidetone {importlib.metadata.version('sidetone')}")
        raise typer.Exit
    if context.invoked_subcommand is not None:
        if line != "sim" or band or simulated or attach:
            raise typer.BadParameter(f"put the options after {context.invoked_subcommand}.")
        return
    from console.cli import open_console

    token = options.token(token_file) if attach else ""
    raise typer.Exit(open_console(Options(line, options.names(simulated), attach, token, band)))


@app.command("call", help=COMMAND_LINE["call"], epilog=_VERDICT)
def call(
    to: options.To = "",
    say: options.Say = None,
    script: options.Script = None,
    inbound: options.Inbound = False,
    from_: options.From = "",
    line: options.Line = "sim",
    band: options.CallBand = "",
    simulated: options.Simulated = "",
    as_json: options.AsJson = False,
    keep: options.Keep = False,
    timeout: options.Timeout = 300.0,
    yes: options.Yes = False,
    wav: bot_options.Wav = None,
    preset: bot_options.Preset = "",
    fault: bot_options.Fault = None,
    seed: bot_options.Seed = None,
    codec: bot_options.Codec = "",
    record: bot_options.Record = None,
    stt_fault: options.SttFault = None,
    bot: bot_options.Bot = "",
    bot_url: bot_options.BotUrl = "",
) -> None:
    if sum(map(bool, (say, script, wav, preset))) > 1:
        raise typer.BadParameter("--say, --script, --wav and --preset exclude each other.")
    if line == "telnyx":
        _check_live(
            to, bool(say or script or wav or preset or fault or stt_fault or record or bot or inbound), yes
        )
    if bot_url and not bot:
        raise typer.BadParameter("--bot-url needs --bot, the command that starts the bot.")
    if bot:
        if inbound or simulated or band or stt_fault:
            raise typer.BadParameter(
                "--bot is called as it is: leave out --inbound, --sim, --band and --stt-fault."
            )
        from console.command_line.bot import run_bot_call

        status = run_bot_call(
            bot,
            bot_url=bot_url,
            to=to,
            from_=from_,
            say=say,
            script=script,
            wav=wav,
            preset=preset,
            fault=fault,
            seed=seed,
            codec=codec,
            record=record,
            as_json=as_json,
            timeout=timeout,
            keep=keep,
        )
        raise typer.Exit(status)
    from console.caller import Caller, faults
    from console.command_line import call as calls
    from console.command_line import script as scripts
    from console.command_line import stt_faults
    from console.command_line.output import JsonOutput, TextOutput

    try:
        wanted = scripts.from_lines(say) if say else scripts.from_file(script) if script is not None else None
        caller = Caller(wanted, preset, wav, codec, faults(fault, seed), record)
        ordered = stt_faults.orders(stt_fault or ())
    except (scripts.ScriptError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    order = calls.CallOrder(
        to=to,
        from_=from_,
        caller=caller,
        inbound=inbound,
        line=line,
        band=band,
        simulated=options.names(simulated),
        keep=keep,
        timeout_s=timeout,
        stt_faults=ordered,
    )
    raise typer.Exit(calls.run(order, JsonOutput() if as_json else TextOutput()))


def _check_live(to: str, scripted: bool, yes: bool) -> None:
    if scripted:
        raise typer.BadParameter("on a live line a person answers: leave out what is about the simulated one.")
    if not to:
        raise typer.BadParameter("a live call needs a number.")
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("a live call costs money: confirm it with --yes.")
    typer.confirm(f"Dial {to} on the live line? It costs money.", abort=True)


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
    from console.command_line.stt import SttOrder, run

    parts = fields or []
    if "=" in call:
        call, parts = "", [call, *parts]
    try:
        wanted = tuning.parse_parts(parts)
    except tuning.TuningError as error:
        raise typer.BadParameter(str(error)) from error
    token = options.token(token_file) if attach else ""
    raise typer.Exit(run(SttOrder(call, wanted, end, save, attach, token, as_json)))


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
def agent(context: typer.Context, line: options.Line = "sim", simulated: options.Simulated = "") -> None:
    from console.command_line import processes

    raise typer.Exit(processes.run_agent(line, options.names(simulated), context.args))


@app.command("simulator", help=COMMAND_LINE["simulator"], context_settings={**_PASS_ON, "help_option_names": []})
def simulator(context: typer.Context) -> None:
    from console.command_line import processes

    raise typer.Exit(processes.run_simulator(context.args))


@app.command("stop", help=COMMAND_LINE["stop"])
def stop() -> None:
    from console.command_line import processes

    raise typer.Exit(processes.stop())
