"""`galosh popup` and its route: a tray that runs hears of it, one that does not is started."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from galosh.base.paths import Paths
from galosh.cli import main, popup
from tests.cli.test_start_cost import HEAVY, OURS, modules_after
from tests.fakes.serving import serving, wait_until

HOLD = "import sys, filelock; f = filelock.FileLock(sys.argv[1]); f.acquire(); print(); input()"


def test_it_loads_nothing_heavy(paths: Paths) -> None:
    paths.runtime.mkdir(parents=True)
    with (
        serving(paths) as running,
        FileLock(paths.runtime / "tray.lock"),
        running.supervisor.events.subscribe(),  # as a tray does
    ):
        loaded = modules_after(["popup"])
    assert loaded & (HEAVY | OURS) == set()


def test_the_tray_hears_of_it(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    paths.runtime.mkdir(parents=True)
    heard: list[str] = []
    with serving(paths) as running, FileLock(paths.runtime / "tray.lock"):
        assert running.client.ask_for_popup() is False

        def watch() -> None:
            for event in running.client.events():
                heard.append(event.name)
                if event.name == "popup.asked":
                    return

        tray = threading.Thread(target=watch)
        tray.start()
        wait_until(lambda: "status" in heard)
        assert main(["popup", "--json"]) == 0
        tray.join(10)
    assert heard[-1] == "popup.asked"
    assert json.loads(capsys.readouterr().out) == {"asked": True, "tray_started": False}


def test_nothing_is_remembered_for_a_tray_that_comes_later(paths: Paths) -> None:
    with serving(paths) as running:
        mark = running.supervisor.events.publish("mark").number
        running.client.ask_for_popup()
        with running.supervisor.events.subscribe(mark - 1) as view:
            assert [event.name for event in view._waiting] == ["mark"]


def test_a_tray_that_never_follows_is_said(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(popup, "_PATIENCE_SECONDS", 0.1)
    paths.runtime.mkdir(parents=True)
    with serving(paths), FileLock(paths.runtime / "tray.lock"):
        assert main(["popup", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli-popup-unheard"


def test_without_a_tray_one_is_started(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By a Python that only writes down what it was told."""
    told = tmp_path / "told"
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$GALOSH_HOME|$*" > "{told}.new"; mv "{told}.new" "{told}"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    assert main(["popup"]) == 0
    wait_until(told.exists)
    assert told.read_text().strip() == f"{paths.home}|-I -m galosh.tray --show-popup"


def test_whether_somebody_holds_the_lock(paths: Paths) -> None:
    """As another process's filelock sees it, and without getting into its way."""
    lock = paths.runtime / "tray.lock"
    assert popup._is_held(lock) is False
    lock.parent.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as tray:  # fmt: skip
        assert tray.stdout is not None
        tray.stdout.readline()
        assert popup._is_held(lock) is True
        tray.communicate(b"\n")
    assert popup._is_held(lock) is False
    with FileLock(lock, timeout=0):
        pass
