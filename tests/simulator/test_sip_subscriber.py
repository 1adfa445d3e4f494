"""Who the simulated trunk lets in: a password that outlives a restart and that any SIP agent can be given."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.sip.subscriber import load_subscriber


def test_the_password_is_kept_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "password"
    made = load_subscriber(path)
    assert load_subscriber(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.password not in repr(made)


def test_the_password_has_one_meaning_in_every_syntax(tmp_path: Path) -> None:
    # sipp takes 0x… for bytes; others read quotes, backslashes and dashes their own way.
    made = {load_subscriber(tmp_path / str(number)).password for number in range(100)}
    assert len(made) == 100
    assert all(len(password) == 32 and set(password) <= set("0123456789abcdef") for password in made)


@pytest.mark.parametrize("held", ["", "short", "x" * 129, "pässword-of-ours"])
def test_a_file_that_holds_no_password_is_named(tmp_path: Path, held: str) -> None:
    path = tmp_path / "password"
    path.write_text(held)
    with pytest.raises(ValueError, match=f"{path} does not hold a password .* delete it"):
        load_subscriber(path)
