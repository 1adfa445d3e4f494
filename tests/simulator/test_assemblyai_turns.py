"""The messages of both model families and what each parameter does to them, by sockets and written-down ears."""

from __future__ import annotations

import pytest

from tests.simulator.assemblyai_house import finals, hearing, turns

SAID = "I would like a table for two."
US = "speech_model=universal-streaming-english"
MULTILINGUAL = "speech_model=universal-streaming-multilingual"


async def test_a_word_of_the_older_models_once_final_never_changes():
    async with hearing(200, SAID, 700, "And a chair.", 1500) as (stand_in, _, samples):
        messages = await stand_in.hear(samples, f"{US}&format_turns=true&end_of_turn_confidence_threshold=1")
    assert "SpeechStarted" not in {message["type"] for message in messages}
    *said, raw, formatted, empty = turns(messages)
    final: list[object] = []
    for turn in [*said, raw]:
        words = [word for word in turn["words"] if word["word_is_final"]]
        assert words[: len(final)] == final
        assert turn["transcript"] == " ".join(word["text"] for word in words)
        assert len(turn["words"]) - len(words) <= 1
        final = words
    assert any(len(turn["words"]) > len(turn["transcript"].split()) for turn in said)
    assert (raw["turn_is_formatted"], formatted["turn_is_formatted"]) == (False, True)
    assert raw["transcript"] == "i would like a table for two and a chair"
    assert formatted["transcript"] == "I would like a table for two. And a chair."
    assert raw["turn_order"] == formatted["turn_order"]
    assert (empty["turn_order"], empty["transcript"], empty["words"]) == (1, "", [])


async def test_an_utterance_of_the_older_models_is_told_once_at_the_pause():
    async with hearing(200, SAID, 700, "And a chair.", 1500) as (stand_in, _, samples):
        messages = turns(await stand_in.hear(samples, f"{US}&end_of_turn_confidence_threshold=1"))
    assert [turn["utterance"] for turn in messages if turn["utterance"]] == [
        "i would like a table for two",
        "and a chair",
    ]
    (final,) = finals(messages)
    assert final["utterance"] == ""


async def test_an_utterance_that_ends_the_turn_comes_with_its_end():
    async with hearing(200, SAID, 700) as (stand_in, _, samples):
        messages = turns(await stand_in.hear(samples, US))
    assert [turn["end_of_turn"] for turn in messages if turn["utterance"]] == [True]


async def test_the_confidence_of_a_held_turn_can_be_watched_rising():
    async with hearing(200, "I would like to", 1500) as (stand_in, _, samples):
        newest = turns(await stand_in.hear(samples, "speech_model=universal-3-6-pro&max_turn_silence=1000"))
        older = turns(await stand_in.hear(samples, US))
    assert [turn["end_of_turn_confidence"] for turn in newest][-4:] == [0.0, 0.4, 0.75, 1.0]
    ramp = [turn["end_of_turn_confidence"] for turn in older if turn["words"]]
    assert ramp == sorted(ramp)
    assert len(set(ramp)) >= 3
    assert finals(older)[0]["simulator"]["ended_by"] == "max_silence"


async def test_a_turn_that_was_begun_ends_even_if_nothing_is_found_in_it_any_more():
    async with hearing(200, SAID, 300, 300) as (stand_in, heard, samples), stand_in.session() as client:
        await client.say(samples[: 8 * 2500])
        await client.until("Turn")
        heard.ears.words = ()
        await client.say(samples[8 * 2500 :])
        await client.send(type="Terminate")
        messages = await client.rest()
    (final,) = finals(messages)
    assert SAID.startswith(final["transcript"])


async def test_begin_tells_what_was_asked_for_in_vain():
    query = (
        'formatted_finals=true&keyterms_prompt=["Sidetone"]&language_code=es&speaker_labels=true'
        "&format_turns=true&vad_threshold=0.7"
    )
    async with hearing() as (stand_in, heard, _):
        heard.reasons = {"keyterms": "Deaf to terms.", "language": "Deaf to Spanish."}
        async with stand_in.session(query) as client:
            begin = await client.receive()
    assert begin["simulator"]["engine"] == "ears"
    assert begin["simulator"]["unknown"] == ["formatted_finals"]
    assert list(begin["simulator"]["ignored"]) == [
        "speaker_labels",
        "format_turns",
        "keyterms_prompt",
        "language_code",
    ]
    assert begin["simulator"]["ignored"]["language_code"] == "Deaf to Spanish."
    assert heard.ears.told == {"keyterms": ["Sidetone"], "language": "es", "vad_threshold": 0.7}


async def test_an_update_reaches_the_recogniser():
    async with hearing() as (stand_in, heard, _), stand_in.session() as client:
        await client.receive()
        assert heard.ears.told["vad_threshold"] == 0.2
        await client.send(
            type="UpdateConfiguration",
            keyterms_prompt=["Kraków"],
            language_codes=["en"],
            vad_threshold=1,
        )
        await client.send(type="Terminate")
        await client.rest()
        assert heard.ears.told == {"keyterms": ["Kraków"], "language": "en", "vad_threshold": 1}


@pytest.mark.parametrize("model", ["universal-3-6-pro", "universal-streaming-english"])
async def test_an_update_moves_the_end_of_the_next_turn(model):
    query = f"speech_model={model}&min_turn_silence=100&max_turn_silence=1200"
    async with hearing(200, SAID, 1600, SAID, 1600) as (stand_in, _, samples), stand_in.session(query) as client:
        await client.say(samples[: 8 * 3900])
        first = (await client.until_final())[-1]
        await client.send(type="UpdateConfiguration", min_turn_silence=800)
        await client.say(samples[8 * 3900 :])
        second = (await client.until_final())[-1]
    waits = [turn["simulator"]["audio_ms"] - turn["words"][-1]["end"] for turn in (first, second)]
    assert waits[1] - waits[0] == 700


async def test_an_update_of_what_cannot_change_changes_nothing_and_is_logged(caplog):
    async with hearing(200, SAID, 800) as (stand_in, _, samples), stand_in.session() as client:
        with caplog.at_level("INFO"):
            await client.send(type="UpdateConfiguration", format_turns=True, sample_rate=16000, colour="red")
            await client.say(samples)
            assert (await client.until_final())[-1]["transcript"] == SAID
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "'sample_rate': It can be set when a session is opened, not later." in said
    assert "'colour': v3 has no such parameter." in said


async def test_a_too_long_context_ends_a_session_that_is_under_way():
    async with hearing() as (stand_in, _, _), stand_in.session() as client:
        await client.receive()
        await client.send(type="UpdateConfiguration", agent_context="x" * 2500)
        (error,) = await client.rest()
    assert error["error"].endswith("agent_context exceeds maximum length of 1750 characters (got 2500)")
    assert client.socket.close_code == 3006


async def test_the_first_words_come_as_soon_as_the_interruption_delay_says():
    first = {}
    async with hearing(200, SAID, 800) as (stand_in, _, samples):
        for delay in (0, 1000):
            messages = turns(await stand_in.hear(samples, f"interruption_delay={delay}"))
            first[delay] = messages[0]["simulator"]["audio_ms"]
    assert first[1000] - first[0] == 1000


async def test_partials_are_fewer_without_continuous_partials():
    count = {}
    async with hearing(200, SAID * 2, 800) as (stand_in, _, samples):
        for wanted in ("true", "false"):
            count[wanted] = len(turns(await stand_in.hear(samples, f"continuous_partials={wanted}")))
    assert count["true"] > count["false"] + 1


@pytest.mark.parametrize("query", ["include_partial_turns=false", "redact_pii=true"])
@pytest.mark.parametrize("model", ["universal-3-6-pro", "universal-streaming-english"])
async def test_partials_can_be_held_back(query, model):
    async with hearing(200, SAID, 1000) as (stand_in, _, samples):
        messages = await stand_in.hear(samples, f"{query}&speech_model={model}")
    assert all(turn["end_of_turn"] for turn in turns(messages))
    assert len(finals(messages)) == 1
    assert [message["type"] for message in messages].count("SpeechStarted") == (model == "universal-3-6-pro")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("language_detection=true", True),
        ("", False),
        (f"{MULTILINGUAL}&language_detection=true", True),
        (f"{US}&language_detection=true", False),
        ("speech_model=whisper-rt", True),
    ],
)
async def test_finals_name_the_language_when_asked(query, named):
    async with hearing(200, SAID, 1000) as (stand_in, _, samples):
        messages = await stand_in.hear(samples, query)
    (final,) = finals(messages)
    assert ("language_code" in final, "language_confidence" in final) == (named, named)
    assert not any("language_code" in turn for turn in turns(messages) if not turn["utterance"])
    assert ("language_detection" in messages[0]["simulator"]["ignored"]) == ("language_detection" in query)


async def test_profanity_is_masked_in_finals_only():
    async with hearing(200, "This is shit.", 1000) as (stand_in, _, samples):
        plain = await stand_in.hear(samples)
        masked = await stand_in.hear(samples, "filter_profanity=true")
    assert finals(plain)[0]["transcript"] == "This is shit."
    assert finals(masked)[0]["transcript"] == finals(masked)[0]["utterance"] == "This is ***."
    assert finals(masked)[0]["words"][-1]["text"] == "***."
    assert turns(masked)[0]["transcript"] in "This is shit."
    assert masked[0]["configuration"]["filter_profanity"] is True


async def test_diarization_is_played_by_its_timing():
    async with hearing(200, "I would like to", 1500) as (stand_in, _, samples):
        messages = await stand_in.hear(samples, "speaker_labels=true")
    (final,) = finals(messages)
    assert final["simulator"]["audio_ms"] - final["words"][-1]["end"] == pytest.approx(768 + 256, abs=20)
    assert "speaker_label" not in final


async def test_a_long_turn_is_cut_after_ten_seconds_with_speaker_labels():
    async with hearing("word " * 40, 1500) as (stand_in, _, samples):
        messages = await stand_in.hear(samples, "speaker_labels=true")
    first, second = finals(messages)
    assert (first["simulator"]["audio_ms"], first["simulator"]["ended_by"]) == (10_000, "forced")
    assert len(first["words"]) + len(second["words"]) == 40


async def test_force_endpoint_and_hangup_are_told_apart():
    async with hearing(200, SAID, 200) as (stand_in, _, samples), stand_in.session() as client:
        await client.say(samples[: 8 * 1500])
        await client.send(type="ForceEndpoint")
        first = (await client.until_final())[-1]
        await client.say(samples[8 * 1500 :])
        await client.send(type="Terminate")
        (second,) = finals(await client.rest())
    assert [turn["simulator"]["ended_by"] for turn in (first, second)] == ["forced", "hangup"]
    assert [turn["end_of_turn_confidence"] for turn in (first, second)] == [1.0, 1.0]


async def test_silence_is_acknowledged_once_a_second_when_asked():
    async with hearing(2500, SAID, 2600) as (stand_in, _, samples):
        asked = await stand_in.hear(samples, "acknowledge_silence=true&mode=min_latency")
        unasked = await stand_in.hear(samples)
        older = await stand_in.hear(samples, f"acknowledge_silence=true&{US}")
    stretches = [(one["start_ms"], one["end_ms"]) for one in asked if one["type"] == "Silence"]
    assert stretches[:2] == [(0, 1000), (1000, 2000)]
    assert all(end - start == 1000 for start, end in stretches)
    assert stretches[2][0] > 2500 + 7 * 300
    assert not [one for one in [*unasked, *older] if one["type"] == "Silence"]


async def test_a_recogniser_that_falls_behind_is_told_of_once_each_time():
    async with hearing(1000) as (stand_in, heard, samples):
        heard.behind_at = ((200, 400), (600, 800))
        messages = await stand_in.hear(samples)
    warnings = [message for message in messages if message["type"] == "Warning"]
    assert warnings == [{"type": "Warning", "warning_code": 1, "warning": "Too many calls at once."}] * 2
