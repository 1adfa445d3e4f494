from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_rooms_keep_their_doors_shut() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    result = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=100)

    assert result.returncode == 0, result.stdout + result.stderr


def test_no_file_holds_more_than_one_idea_can_need() -> None:
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for room in ("agent", "console", "simulator")
        for path in (ROOT / room).rglob("*.py")
    }

    assert {path: size for path, size in sizes.items() if size > 500} == {}


def test_the_lock_covers_every_dependency_with_hashes_and_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text()

    assert "--hash=sha256:" in lock
    assert "://" not in lock.replace("https://docs", "")
    for pinned in ("textual==8.2.8", "pipecat-ai==1.14.0", "telnyx==4.189.0"):
        assert pinned in lock
