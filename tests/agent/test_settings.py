from __future__ import annotations

import pytest

from agent import settings
from agent.limits import Limits, Refused
from agent.redact import Redactor

KEYS = {
    "TELNYX_API_KEY": "KEY0123456789",
    "TELNYX_PUBLIC_KEY": "pk",
    "TELNYX_CONNECTION_ID": "1",
    "TELNYX_PHONE_NUMBER": "+15550100000",
    "ASSEMBLYAI_API_KEY": "aai-secret-1",
    "OPENAI_API_KEY": "oai-secret-1",
    "DEEPGRAM_API_KEY": "dg-secret-1",
}


def test_addresses_on_this_machine_are_sim_and_all_others_live() -> None:
    found = settings.read({**KEYS, "OPENAI_BASE_URL": "http://127.0.0.1:8791/v1/"})

    assert found.services("deepgram") == {"line": "LIVE", "stt": "LIVE", "llm": "SIM", "tts": "LIVE"}
    assert found.openai.url == "http://127.0.0.1:8791/v1"


def test_what_is_missing_is_named_with_its_fix() -> None:
    problems = settings.read({}).problems("deepgram")

    assert "ASSEMBLYAI_API_KEY is not set: put it into .env." in problems
    assert any("SIDETONE_PUBLIC_URL" in problem for problem in problems)
    assert settings.read({**KEYS, "SIDETONE_PUBLIC_URL": "https://x.example"}).problems("deepgram") == []


def test_a_voice_of_rimes_needs_rimes_key_and_not_deepgrams() -> None:
    keys = {name: value for name, value in KEYS.items() if not name.startswith("DEEPGRAM")}
    found = settings.read({**keys, "SIDETONE_PUBLIC_URL": "https://x.example"})
    assert found.problems("rime") == ["RIME_API_KEY is not set: put it into .env."]
    assert found.rime.url == "wss://users-ws.rime.ai"
    simulated = settings.read({**keys, "RIME_BASE_URL": "ws://127.0.0.1:8791", "RIME_API_KEY": "simulated"})
    assert (simulated.services("rime")["tts"], simulated.services("deepgram")["tts"]) == ("SIM", "LIVE")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIDETONE_AGENT_PORT", "http"),
        ("SIDETONE_AGENT_PORT", "70000"),
        ("SIDETONE_TIME_LIMIT_SECONDS", "5"),
        ("TELNYX_BASE_URL", "api.telnyx.com"),
        ("ASSEMBLYAI_BASE_URL", "https://streaming.assemblyai.com"),
        ("SIDETONE_CODEC", "OPUS"),
        ("SIDETONE_BAND", "wide"),
        ("SIDETONE_L16_BYTE_ORDER", "middle"),
        ("SIDETONE_MAX_CALLS", "nan"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(settings.SettingsError, match=f"{name}={value}"):
        settings.read({name: value})


def test_no_key_is_shown_when_settings_are_printed() -> None:
    text = repr(settings.read({**KEYS, "SIDETONE_TOKEN": "token-secret-1"}))

    assert not [
        secret
        for secret in (*KEYS.values(), "token-secret-1")
        if len(secret) > 8 and "secret" in secret and secret in text
    ]
    assert "KEY0123456789" not in text


def test_secrets_and_key_shapes_are_blotted_out() -> None:
    redact = Redactor(["aai-secret-1", "short"])

    assert redact(b'{"a":"aai-secret-1","b":"short words"}') == '{"a":"•••","b":"short words"}'.encode()
    assert "sk-" not in redact.text("Incorrect API key provided: sk-proj-abc***xyz.")
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
    assert redact.text(f"invalid token: {token}, the server says") == "invalid token: •••, the server says"
    plain = b"nothing to hide"
    assert redact(plain) is plain


def limits(**values: str) -> Limits:
    return Limits(settings.read({**KEYS, **values}))


@pytest.mark.parametrize(
    ("text", "number"), [("+1 555 010 0123", "+15550100123"), ("+44 20 7946 0958", "+442079460958")]
)
def test_numbers_are_read_as_people_write_them(text: str, number: str) -> None:
    assert limits(SIDETONE_ALLOWED_PREFIXES="*").number(text) == number


@pytest.mark.parametrize("text", ["", "0123", "5550100123", "+1", "+1555010012345678", "call me", "+" * 500])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a telephone number"):
        limits(SIDETONE_ALLOWED_PREFIXES="*").number(text)


def test_a_destination_that_is_not_allowed_is_refused_with_its_setting() -> None:
    with pytest.raises(Refused, match="SIDETONE_ALLOWED_PREFIXES"):
        limits(SIDETONE_ALLOWED_PREFIXES="+1 +44").number("+36 1 555 0123")


def test_calls_at_once_and_per_hour_are_limited() -> None:
    few = limits(SIDETONE_MAX_CALLS="2", SIDETONE_MAX_CALLS_PER_HOUR="3")
    few.check_room(1)
    with pytest.raises(Refused, match="SIDETONE_MAX_CALLS=2") as refused:
        few.check_room(2)
    assert refused.value.status == 429
    for _ in range(3):
        few.count()
    with pytest.raises(Refused, match="SIDETONE_MAX_CALLS_PER_HOUR=3"):
        few.check_room(0)


@pytest.mark.parametrize(("rooms", "recorded"), [("off", True), ("on", False)])
def test_calls_in_rooms_are_not_recorded_without_being_asked(rooms: str, recorded: bool) -> None:
    """A room's trunk may reach people's telephones, though Telnyx's own line is simulated."""
    found = settings.read(
        {
            "TELNYX_BASE_URL": "http://127.0.0.1:9/v2",
            "SIDETONE_FRAMEWORK": "livekit",
            "SIDETONE_ROOMS": rooms,
        }
    )
    assert found.record is recorded
