"""`galosh pull` and `galosh downloads` as processes, with and without a daemon."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.pull.kit import SOURCE, Place, lines

if sys.platform == "win32":
    pytest.skip("sends SIGINT", allow_module_level=True)


def interrupt_after(process: subprocess.Popen[str], kept_bytes: int) -> list[dict[str, object]]:
    """Send Ctrl-C once its events say that so much is kept; all its events."""
    seen: list[dict[str, object]] = []
    sent = False
    assert process.stdout is not None
    for line in process.stdout:
        seen.append(json.loads(line))
        kept = seen[-1].get("kept_bytes")
        if not sent and isinstance(kept, int) and kept >= kept_bytes:
            sent = True
            process.send_signal(signal.SIGINT)
    assert sent
    return seen


@pytest.mark.parametrize("daemon", [False, True], ids=["here", "in the daemon"])
def test_pull_shows_progress_and_ends(place: Place, daemon: bool) -> None:
    if daemon:
        place.start()
    done = place.run("pull", SOURCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Done")
    assert "100 %" in done.stderr or "finishing" in done.stderr
    assert place.target.read_bytes() == place.data
    again = place.run("pull", SOURCE, "--json")
    assert again.returncode == 0
    *_, last = lines(again.stdout)
    assert last["event"] == "result"
    assert last["download"]["path"] == str(place.target)
    assert place.moved_bytes() == len(place.data) + 1 or place.moved_bytes() == len(place.data)


@pytest.mark.story
@pytest.mark.parametrize("daemon", [False, True], ids=["here", "in the daemon"])
def test_ctrl_c_keeps_everything_and_says_how_to_go_on(slow_place: Place, daemon: bool) -> None:
    place = slow_place
    if daemon:
        place.start()
    process = place.galosh("pull", SOURCE, "--json")
    events = interrupt_after(process, 4_000_000)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert events[-1]["interrupted"] is True
    assert f"galosh pull {SOURCE}" in err
    assert "Traceback" not in err
    listed = place.run("downloads")
    assert "paused" in listed.stdout
    assert "34.5 MB" in listed.stdout
    done = place.run("pull", SOURCE)
    assert done.returncode == 0, done.stderr
    assert place.target.read_bytes() == place.data
    assert place.moved_bytes() < len(place.data) * 1.02 + 4_000_000


@pytest.mark.story
def test_detach_leaves_it_running_and_downloads_controls_it(slow_place: Place) -> None:
    place = slow_place
    place.start()
    detached = place.run("pull", SOURCE, "--detach", "--json")
    assert detached.returncode == 0
    (line,) = lines(detached.stdout)
    number = line["download"]["id"]
    paused = place.run("downloads", "pause", number)
    assert paused.returncode == 0, paused.stderr
    assert json.loads(place.run("downloads", "--json").stdout)["downloads"][0]["state"] == "paused"
    assert place.run("downloads", "resume", number).returncode == 0
    assert place.run("downloads", "cancel", SOURCE).returncode == 0
    assert json.loads(place.run("downloads", "--json").stdout)["downloads"] == []
    assert not any(place.paths.downloads.iterdir())
    assert not place.target.exists()
    unknown = place.run("downloads", "pause", number, "--json")
    assert unknown.returncode == 1
    assert json.loads(unknown.stdout)["error"]["code"] == "download-unknown"


@pytest.mark.story
def test_what_was_stopped_here_waits_for_a_word_in_the_daemon(slow_place: Place) -> None:
    place = slow_place
    interrupt_after(process := place.galosh("pull", SOURCE, "--json"), 4_000_000)
    process.communicate(timeout=30)
    place.start()
    (view,) = place.client.downloads()
    assert view["state"] == "paused"
    assert view["source"] == SOURCE
    done = place.run("pull", SOURCE)
    assert done.returncode == 0, done.stderr
    assert place.target.read_bytes() == place.data
    assert place.moved_bytes() < len(place.data) * 1.02 + 4_000_000


@pytest.mark.story
def test_two_processes_move_each_byte_once(slow_place: Place) -> None:
    place = slow_place
    both = [place.galosh("pull", SOURCE) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert place.target.read_bytes() == place.data
    assert place.moved_bytes() < len(place.data) * 1.02 + 1_000_000


def test_a_file_of_ones_own_choice(place: Place, tmp_path: Path) -> None:
    place.start()  # even so, the file is fetched by the command itself
    target = tmp_path / "somewhere" / "mine.gguf"
    digest = hashlib.sha256(place.data).hexdigest()
    done = place.run("pull", SOURCE, "--output", str(target), "--sha256", digest)
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == place.data
    assert not place.target.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["hf:me/little-GGUF:Q5_K_M"], "download-quant-unknown", "Q8_0"),
        (["hf:me/closed-GGUF"], "download-gated", "HF_TOKEN"),
        (["no-such-model"], "download-source-unknown", "catalogue"),
        ([SOURCE, "--sha256", "12"], "download-sha256-unclear", "64"),
    ],
)
@pytest.mark.parametrize("daemon", [False, True], ids=["here", "in the daemon"])
def test_what_cannot_be_had_is_explained(
    place: Place, arguments: list[str], code: str, words: str, daemon: bool
) -> None:
    if daemon:
        place.start()
    place.hub.add_repo("me/closed-GGUF", {"closed-Q4_K_M.gguf": place.data}, gated=True)
    done = place.run("pull", *arguments, "--json")
    assert done.returncode in (1, 2)
    *_, last = lines(done.stdout)
    assert last["error"]["code"] == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_of_the_shell_reaches_the_daemon(place: Place) -> None:
    place.hub.add_repo(
        "me/closed-GGUF", {"closed-Q4_K_M.gguf": place.data}, gated=True, token="hf_mine"
    )
    place.start()
    assert place.run("pull", "hf:me/closed-GGUF").returncode == 1
    done = place.run("pull", "hf:me/closed-GGUF", HF_TOKEN="hf_mine")
    assert done.returncode == 0, done.stderr


def test_waiting_is_shown_with_its_cause(place: Place) -> None:
    """The hub goes away before the first byte; its return is noticed without a word."""
    place.hub.go_offline()
    process = place.galosh("pull", SOURCE)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "next try at" in line:
            break
    timer = threading.Timer(0.1, lambda: setattr(place.hub, "offline", False))
    timer.start()
    _, rest = process.communicate(timeout=60)
    timer.join()
    assert "waiting for the network" in said
    assert process.returncode == 0, rest


@pytest.mark.parametrize("rate", ["fast", "0", "-1", "k"])
def test_wrong_usage(place: Place, rate: str) -> None:
    done = place.run("pull", SOURCE, f"--max-rate={rate}")
    assert done.returncode == 2
    assert place.hub.requests() == []
