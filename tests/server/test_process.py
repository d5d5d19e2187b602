"""The daemon as a process: only one, clean after kill -9, stated failures, little memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.api import Client, is_running, start_daemon, stop_daemon
from galosh.api.end import wait_for_end
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.server.claim import Claim
from tests.fakes.serving import any_port

if sys.platform == "win32":
    pytest.skip("signals and Unix sockets are POSIX", allow_module_level=True)

DAEMON = [sys.executable, "-I", str(Path(__file__).parents[1] / "fakes" / "daemon.py")]


@pytest.fixture
def place(paths: Paths) -> Iterator[Paths]:
    """Paths whose daemon is gone after the test."""
    any_port(paths)
    yield paths
    stop_daemon(paths)


def in_foreground(paths: Paths) -> subprocess.CompletedProcess[str]:
    return subprocess.run(DAEMON, capture_output=True, text=True, timeout=30)


def test_a_second_start_finds_the_first(place: Paths) -> None:
    first = start_daemon(place, command=DAEMON)
    assert start_daemon(place, command=DAEMON) == first
    second = in_foreground(place)
    assert second.returncode == 1
    assert f"process is {first.pid}" in second.stderr
    assert is_running(place) == first


def test_starts_at_once_give_one_daemon(place: Paths) -> None:
    script = (
        "import sys; from galosh.api import start_daemon; from galosh.base.paths import Paths;"
        "print(start_daemon(Paths.find(), command=sys.argv[1:]).pid)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", script, *DAEMON], stdout=subprocess.PIPE, env=environ
        )
        for _ in range(4)
    ]
    pids = {start.communicate(timeout=60)[0].strip() for start in starts}
    assert len(pids) == 1
    assert all(start.returncode == 0 for start in starts)


def test_a_lock_that_comes_free_in_time_is_taken(place: Paths) -> None:
    with Claim(place):
        with pytest.raises(GaloshError) as caught, Claim(place, patience_seconds=0.1):
            pass
        assert caught.value.code == "server-already-running"
    held = threading.Event()

    def hold_briefly() -> None:
        with Claim(place):
            held.set()
            time.sleep(0.1)

    thread = threading.Thread(target=hold_briefly)
    thread.start()
    assert held.wait(5)
    with Claim(place, patience_seconds=5):
        thread.join()


def test_what_a_killed_daemon_left_is_replaced(place: Paths) -> None:
    killed = start_daemon(place, command=DAEMON)
    os.kill(killed.pid, signal.SIGKILL)
    assert wait_for_end(killed.pid, killed.mark, 5)
    assert place.socket.exists()
    assert place.daemon_facts.exists()
    assert is_running(place) is None
    with pytest.raises(GaloshError) as caught:
        Client(place).status()
    assert caught.value.code == "api-daemon-away"
    assert stop_daemon(place) is None
    fresh = start_daemon(place, command=DAEMON)
    assert fresh.pid != killed.pid
    assert Client(place).status()["daemon"]


def test_a_pid_that_belongs_to_somebody_else_is_left_alone(place: Paths) -> None:
    daemon = start_daemon(place, command=DAEMON)
    os.kill(daemon.pid, signal.SIGKILL)
    assert wait_for_end(daemon.pid, daemon.mark, 5)
    facts = {**daemon.to_json(), "pid": os.getpid()}
    durable.write_json(place.daemon_facts, facts)
    assert stop_daemon(place) is None  # and we are still here


@pytest.mark.parametrize("left", ["folder", "file", "link", "garbage"])
def test_odd_things_in_the_way(place: Paths, left: str) -> None:
    durable.private_folder(place.socket.parent)
    if left == "folder":
        place.socket.mkdir()
    elif left == "file":
        place.socket.write_text("x")
    elif left == "link":
        place.socket.symlink_to("/nowhere")
    else:
        durable.write_text(place.daemon_facts, '{"pid": "x"')
        durable.write_text(place.daemon_lock, "999999999")
    if left == "folder":
        with pytest.raises(GaloshError) as caught:
            start_daemon(place, command=DAEMON)
        assert caught.value.code == "server-socket-failed"
    else:
        assert start_daemon(place, command=DAEMON).pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_and_nothing_stays(place: Paths, number: signal.Signals) -> None:
    daemon = start_daemon(place, command=DAEMON)
    os.kill(daemon.pid, number)
    assert wait_for_end(daemon.pid, daemon.mark, 5)
    assert not place.socket.exists()
    assert not place.daemon_facts.exists()


def test_stopping_twice_is_no_error(place: Paths) -> None:
    daemon = start_daemon(place, command=DAEMON)
    assert stop_daemon(place) == daemon
    assert stop_daemon(place) is None
    assert not place.socket.exists()


def test_a_daemon_that_does_not_hear_is_ended(
    place: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galosh.api.launch._TERMINATE_SECONDS", 0.1)
    monkeypatch.setattr("galosh.api.launch._POLITE_SECONDS", 0.1)
    monkeypatch.setattr("galosh.api.client._USUAL_SECONDS", 0.1)
    daemon = start_daemon(place, command=DAEMON)
    os.kill(daemon.pid, signal.SIGSTOP)
    assert stop_daemon(place) == daemon
    assert is_running(place) is None


def test_a_taken_port_is_named_with_its_holder(place: Paths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        durable.write_text(place.settings_file, f"[api]\nport = {port}\n")
        with pytest.raises(GaloshError) as caught:
            start_daemon(place, command=DAEMON)
        assert caught.value.code == "server-port-in-use"
        assert caught.value.facts["port"] == port
        assert f"pid {os.getpid()}" in caught.value.why
        assert "api.port" in caught.value.next_step
        foreground = in_foreground(place)
    assert foreground.returncode == 1
    assert f"Port {port} is taken" in foreground.stderr
    assert not place.socket.exists()
    assert start_daemon(place, command=DAEMON).port == port


def test_wrong_settings_are_the_stated_reason(place: Paths) -> None:
    durable.write_text(place.settings_file, "[api]\nport = 'x'\n")
    with pytest.raises(GaloshError) as caught:
        start_daemon(place, command=DAEMON)
    assert caught.value.code == "base-setting-wrong"
    assert caught.value.facts["line"] == 2


def test_without_tcp_only_the_socket_listens(place: Paths) -> None:
    durable.write_text(place.settings_file, "[api]\ntcp = false\n")
    daemon = start_daemon(place, command=DAEMON)
    assert daemon.port is None
    assert Client(place).status()["daemon"]


def test_a_home_with_spaces_cyrillic_and_a_long_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ("моя папка " * 12)
    monkeypatch.setenv("GALOSH_HOME", str(home))
    paths = Paths.find()
    any_port(paths)
    try:
        daemon = start_daemon(paths, command=DAEMON)
        assert daemon.socket == str(paths.socket)
        text = "".join(d.text for d in Client(paths).ask([{"role": "user", "content": "да"}]))
        assert text == "да "
    finally:
        stop_daemon(paths)


@pytest.mark.skipif(sys.platform != "linux", reason="PSS is Linux's own measure")
def test_an_idle_daemon_is_small_and_quiet(place: Paths) -> None:
    daemon = start_daemon(place, command=DAEMON)
    client = Client(place)
    list(client.ask([{"role": "user", "content": "hello"}]))
    sheet_id = str(client.add_notebook("", "x" * 100_000)["id"])
    for version in range(1, 20):
        client.edit_notebook(sheet_id, version, [(0, 0, "typed")])
    assert client.notebooks("typed")
    assert client.forecasts()  # by a process of its own
    client.add_chat()
    client.make_link()
    rollup = Path(f"/proc/{daemon.pid}/smaps_rollup").read_text()
    pss_bytes = int(next(x for x in rollup.splitlines() if x.startswith("Pss:")).split()[1]) * 1024
    assert pss_bytes < 45_000_000
    assert Path(f"/proc/{daemon.pid}/fd/0").resolve() == Path("/dev/null")
    assert Path(f"/proc/{daemon.pid}/fd/1").resolve() == Path("/dev/null")
    assert os.getsid(daemon.pid) == daemon.pid
