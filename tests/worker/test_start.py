"""What a worker's start costs: modules that only a later question needs stay out of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

# Each takes as long to import as a dozen of the worker's own modules.
SLOW = ("jinja2", "importlib.metadata", "statistics", "datetime")
CODE = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import galosh.worker.__main__
print(json.dumps(sorted(set(sys.argv[2:]) & set(sys.modules))))
from galosh.worker.render import prepare
prepare()
print(json.dumps("jinja2" in sys.modules))
"""


def test_the_worker_starts_without_what_it_may_never_need() -> None:
    # -S: what the tests' own environment imports at its start says nothing.
    command = [sys.executable, "-S", "-c", CODE, json.dumps(sys.path), *SLOW]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [[], True]


def test_the_first_start_compiles_what_a_confined_worker_cannot_keep(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; sys.dont_write_bytecode = False;"
        f"sys.pycache_prefix = {str(tmp_path)!r};"
        "from galosh.worker.render import prepare_first; prepare_first();"
        "print('jinja2' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        for _ in range(2)
    ]
    assert [line.strip() for line in said] == ["True", "False"]
