"""docs/faults.md names forty faults, and every test it names exists."""

from __future__ import annotations

import re
from pathlib import Path

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "faults.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


def test_all_forty_are_there_each_with_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| F")]
    assert [row[2:5] for row in rows] == [f"F{number:02}" for number in range(1, 41)]
    assert all("::" in row.split("|")[3] for row in rows)


def test_every_test_named_exists() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in NAMED
        if f"def {name}(" not in (REPO / "tests" / file).read_text(encoding="utf-8")
    ]
    assert missing == []
