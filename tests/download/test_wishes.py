"""Pause, resume, cancel, remove; a file that lies at the target already."""

from __future__ import annotations

import threading

import pytest

from galosh.base.errors import GaloshError
from galosh.download import cancel, downloads, pause, remove, resume
from galosh.download.limits import MIB
from galosh.download.plan import Plan
from galosh.download.state import State
from tests.download.support import Rig, until

# Wishes of the user.


def test_pause_resume_and_the_states_that_files_show(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    outcome: list[str] = []

    def run() -> None:
        try:
            rig.fetch(plan, max_rate_bytes=2 * MIB)
        except GaloshError as error:
            outcome.append(error.code)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: bool(rig.seen) and rig.seen[-1].kept_bytes > 0)
    status = downloads(rig.paths)[0]
    assert (status.running, status.state) == (True, State.FETCHING)
    pause(rig.paths, plan.key[:8])
    thread.join()
    assert outcome == ["download-paused"]
    status = downloads(rig.paths)[0]
    assert (status.running, status.state) == (False, State.PAUSED)
    assert resume(rig.paths, plan.key) == plan
    assert downloads(rig.paths)[0].state is State.NEW
    rig.fetch(plan)
    assert rig.right()
    assert downloads(rig.paths) == ()


def test_cancel_of_a_running_download_leaves_nothing(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    outcome: list[str] = []

    def run() -> None:
        try:
            rig.fetch(plan, max_rate_bytes=2 * MIB)
        except GaloshError as error:
            outcome.append(error.code)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: bool(rig.seen) and rig.seen[-1].kept_bytes > 0)
    with pytest.raises(GaloshError) as caught:
        remove(rig.paths, plan.key)
    assert caught.value.code == "download-running"
    cancel(rig.paths, plan.key)
    thread.join()
    assert outcome == ["download-cancelled"]
    assert [path for path in rig.paths.data.rglob("*") if path.is_file()] == []


def test_remove_deletes_an_idle_download_and_unknown_ones_are_named(rig: Rig, half: Plan) -> None:
    with pytest.raises(GaloshError) as caught:
        remove(rig.paths, "nothing")
    assert caught.value.code == "download-unknown"
    remove(rig.paths, half.key)
    assert downloads(rig.paths) == ()
    assert [path for path in rig.paths.data.rglob("*") if path.is_file()] == []


# A file that lies there already.


def test_the_right_file_at_the_target_is_adopted_and_another_left_alone(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.target.parent.mkdir(parents=True)
    rig.target.write_bytes(rig.data)
    receipt = rig.fetch(plan)
    assert receipt.verified
    assert not rig.hub.requests()
    assert rig.right()


def test_somebody_elses_file_is_never_replaced(rig: Rig) -> None:
    rig.target.parent.mkdir(parents=True)
    rig.target.write_bytes(b"mine")
    with pytest.raises(GaloshError) as caught:
        rig.fetch(rig.plan(rig.serve()))
    assert caught.value.code == "download-target-exists"
    assert rig.target.read_bytes() == b"mine"
