#!/usr/bin/env python3
"""Runs the project's checks in an environment of their own. Standard library only.

    python3 scripts/test.py            full tier: what CI runs
    python3 scripts/test.py --fast     style, types, unit tests (under 3 minutes)
    python3 scripts/test.py --slow     the long ones alone, by hand
    python3 scripts/test.py --desktops LXQt, sway, GNOME, Plasma, by hand
    python3 scripts/test.py -- ARGS    pytest with ARGS in that environment

The environment and the engine builds live in GALOSH_TEST_CACHE (default
~/.cache/galosh-test) and are reused. The last line printed is `N passed`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
import venv
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("GALOSH_TEST_CACHE") or Path.home() / ".cache" / "galosh-test")
ROOTS = ("core", "installer", "daemon", "tray", "presets")
PLATFORMS = ("linux", "darwin", "win32")
TAIL_LINES = 60
FULL_ONLY = "engine or story or long"
DESKTOPS = "tests/desktops"


def main(argv: list[str]) -> int:
    """Run the asked tier; the exit status says whether everything passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    tier = parser.add_mutually_exclusive_group()
    tier.add_argument("--fast", action="store_true", help="style, types and unit tests")
    tier.add_argument("--slow", action="store_true", help="the long tests, by hand")
    tier.add_argument("--desktops", action="store_true", help="other desktops than CI's, by hand")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest alone")
    options = parser.parse_args(argv)
    python = make_environment()
    if options.pytest:
        return subprocess.run(
            [str(python), "-m", "pytest", *options.pytest], cwd=REPO, check=False
        ).returncode
    if options.slow:
        return run_pytest(python, "slow", f"--ignore={DESKTOPS}")
    if options.desktops:
        return run_pytest(python, "slow", DESKTOPS)
    for name, command in static_checks(python):
        if not run_step(name, command):
            return 1
    fast = run_pytest(python, f"not slow and not ({FULL_ONLY})", last=options.fast)
    if fast or options.fast:
        return fast
    # Here, not in the first test that needs it: minutes on a machine with a cold cache.
    prepare = "from tests import real; real.starter_model(); real.real_engine_home()"
    if not run_step("engine and model", [str(python), "-c", prepare]):
        return 1
    return run_pytest(python, f"not slow and ({FULL_ONLY})", earlier=_passed[0])


def make_environment() -> Path:
    """The Python of the test environment of this checkout, made when something changed."""
    recipe = f"{REPO}|{sys.version}|{(REPO / 'pyproject.toml').read_text(encoding='utf-8')}"
    folder = CACHE / f"venv-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "ready"
    if ready.exists():
        return python
    began = time.monotonic()
    venv.EnvBuilder(with_pip=True, clear=True).create(folder)
    command = [str(python), "-m", "pip", "install", "--quiet", "--editable", f"{REPO}[test]"]
    if not run_step("environment", command):
        raise SystemExit(1)
    ready.write_text(f"{time.monotonic() - began:.0f} s\n", encoding="utf-8")
    return python


def static_checks(python: Path) -> list[tuple[str, list[str]]]:
    """Style and types, for the three platforms."""
    checks = [
        ("ruff", [str(python), "-m", "ruff", "check", "--quiet", "."]),
        ("format", [str(python), "-m", "ruff", "format", "--check", "--quiet", "."]),
    ]
    for platform in PLATFORMS:
        cache = CACHE / f"mypy-{platform}"
        command = [str(python), "-m", "mypy", "--no-error-summary", "--cache-dir", str(cache)]
        # Tests and benches run on Linux only; the shipped code is checked for all three.
        files = [] if platform == "linux" else [*ROOTS, "scripts/install.py", "scripts/test.py"]
        checks.append((f"types on {platform}", [*command, "--platform", platform, *files]))
    return checks


def run_step(name: str, command: list[str]) -> bool:
    """Run one check; its output is shown only when it fails."""
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=REPO, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name}: {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-TAIL_LINES:]), flush=True)
    return done.returncode == 0


_passed = [0]


def run_pytest(
    python: Path, marks: str, *arguments: str, earlier: int = 0, last: bool = True
) -> int:
    """Run the tests with these marks; prints the failing part and `N passed`.

    A skipped test counts as a failure on CI: nothing there may hide behind a skip.
    """
    began = time.monotonic()
    command = [str(python), "-m", "pytest", "-m", marks, "--tb=short", "--durations=8"]
    command += arguments
    done = subprocess.run(
        command, cwd=REPO, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = done.stdout.splitlines()
    summary = next(
        (line for line in reversed(lines) if re.search(r"\d+ (passed|failed)", line)), ""
    )
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", summary)}
    skipped = counts.get("skipped", 0) if os.environ.get("CI") else 0
    print(f"tests ({marks}): {time.monotonic() - began:.0f} s", flush=True)
    if done.returncode or skipped:
        start = next(
            (i for i, line in enumerate(lines) if "FAILURES" in line or "ERRORS" in line), 0
        )
        print("\n".join(lines[start:][-4 * TAIL_LINES :]), flush=True)
        return done.returncode or 1
    _passed[0] = earlier + counts.get("passed", 0)
    slowest = [line for line in lines if re.match(r"\d+\.\d+s ", line)]
    print("\n".join(slowest[:8]), flush=True)
    if last or earlier:
        print(f"{_passed[0]} passed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
