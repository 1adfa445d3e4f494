"""``sidetone call``."""

from __future__ import annotations

import sys

import typer

from console import environment
from console.command_line import bot_options, call_options, options, sound_options
from console.commands import COMMAND_LINE

app = typer.Typer()

_VERDICT = (
    "Exit status: 0 when the call was answered, the agent answered every line and the call ended normally; "
    "1 when not; 2 for wrong usage; 130 when interrupted. With --mic Ctrl-C hangs up."
)


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
    framework: options.Framework = "",
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
    mic: call_options.Mic = False,
    loop: call_options.Loop = False,
    noise: call_options.Noise = None,
    snr: call_options.Snr = None,
    microphone: sound_options.Microphone = "",
    speaker: sound_options.Speaker = "",
    headset: sound_options.Headset = None,
    echo: sound_options.EchoMode = "",
) -> None:
    if sum(map(bool, (say, script, wav, preset, mic))) > 1:
        raise typer.BadParameter("--say, --script, --wav, --preset and --mic exclude each other.")
    if not mic and (microphone or speaker or headset is not None or echo):
        raise typer.BadParameter("--microphone, --speaker, --headset and --echo are for --mic.")
    if loop and not wav:
        raise typer.BadParameter("--loop needs --wav.")
    if snr is not None and not noise:
        raise typer.BadParameter("--snr needs --noise.")
    options.check_rooms(line == "livekit", framework)
    options.check_band(line, band)
    if line in environment.LIVE_LINES:
        simulated_caller = (say, script, wav, preset, mic, noise, fault, stt_fault, record, bot, inbound)
        _check_live(to, any(simulated_caller), yes)
    if bot_url and not bot:
        raise typer.BadParameter("--bot-url needs --bot, the command that starts the bot.")
    if bot:
        if inbound or simulated or band or stt_fault or framework:
            raise typer.BadParameter(
                "--bot is called as it is: leave out --inbound, --sim, --band, --framework and --stt-fault."
            )
        if mic:
            raise typer.BadParameter(
                "--bot is called by a script or a recording: to talk to it yourself, start it and use "
                "`sidetone phone --texml-url URL` or `--stream-url URL`."
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
            loop=loop,
            noise=noise,
            snr=snr,
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
        caller = Caller(
            script=wanted,
            preset=preset,
            wav=wav,
            loop=loop,
            microphone=mic,
            noise=noise,
            snr_db=15.0 if snr is None else snr,
            codec=codec,
            faults=faults(fault, seed),
            record=record,
        )
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
        framework=framework,
        keep=keep,
        timeout_s=timeout,
        stt_faults=ordered,
        sound=sound_options.chosen(microphone, speaker, headset, echo) if mic else None,
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
