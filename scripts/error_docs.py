"""Writes docs/errors.md from the catalogue of messages: `python3 scripts/error_docs.py`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
TARGET = REPO / "docs" / "errors.md"
INTRO = """# Every error of galosh

Made by `python3 scripts/error_docs.py` from the message catalogue; a test keeps it complete.
Words in braces are facts measured when it happens. Exit status 1 unless stated.
"""


def render() -> str:
    """The whole page."""
    folder = REPO / "core/galosh/base/messages"
    pieces = [INTRO]
    for path in sorted(folder.glob("*.py")):
        if path.stem == "__init__":
            continue
        errors = importlib.import_module(f"galosh.base.messages.{path.stem}").ERRORS
        if not errors:
            continue
        pieces.append(f"\n## {path.stem}\n")
        for code, error in sorted(errors.items()):
            status = "" if error.exit_code == 1 else f" (exit {error.exit_code})"
            kept = f" *Kept:* {error.kept[0]}" if error.kept else ""
            pieces.append(
                f"- **`{code}`**{status}: {error.what[0]} *Why:* {error.why[0]}{kept}"
                f" *Next:* {error.next_step[0]}"
            )
    return "\n".join(pieces) + "\n"


if __name__ == "__main__":
    sys.path[:0] = [str(REPO / "core")]
    TARGET.write_text(render(), encoding="utf-8")
