"""Another user of this PC: a process of `nobody` that tries every way in. Needs root to be one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.server.doorway import ROUTES
from tests.fakes.serving import Running, any_port, serving

if sys.platform == "win32":
    pytest.skip("users are POSIX", allow_module_level=True)
if os.getuid() != 0:
    pytest.skip("only root can become another user", allow_module_level=True)

NOBODY = 65534
Found: TypeAlias = "dict[str, str] | list[str] | int | str"
# Runs as the other user, with the system's own Python: ours lies in a home it cannot enter.
INTRUDER = """
import json, os, socket, sys
plan = json.loads(sys.argv[1])
out = {"uid": os.getuid(), "heard": {}, "read": [], "listed": [], "tcp": {}}
def say(connection, method, path, host, extra=""):
    body = b'{"messages":[{"role":"user","content":"x"}]}' if method in ("POST", "PUT") else b""
    if extra: body = json.dumps({"code": plan["code"]}).encode()
    connection.settimeout(10)
    connection.sendall((
        "%s %s HTTP/1.1\\r\\nHost: %s\\r\\nContent-Type: application/json\\r\\n"
        "Content-Length: %d\\r\\nConnection: close\\r\\n%s\\r\\n"
        % (method, path, host, len(body), extra)
    ).encode() + body)
    parts = []
    while True:
        part = connection.recv(65536)
        if not part: return b"".join(parts).decode("utf-8", "replace")
        parts.append(part)
for method, path in plan["routes"]:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(plan["socket"])
        out["heard"][path] = say(connection, method, path, "localhost")
    except OSError as error:
        out["heard"][path] = type(error).__name__
    connection = socket.create_connection(("127.0.0.1", plan["port"]))
    try:
        answer = say(connection, method, path, "127.0.0.1:%d" % plan["port"])
        out["tcp"][method + " " + path] = answer.split(" ")[1]
    except OSError as error:
        out["tcp"][method + " " + path] = type(error).__name__
own = "127.0.0.1:%d" % plan["port"]
connection = socket.create_connection(("127.0.0.1", plan["port"]))
answer = say(connection, "POST", "/galosh/v1/session", own, "Origin: http://%s\\r\\n" % own)
out["trade"] = answer.split(" ")[1]
for name in plan["files"]:
    try:
        open(name, "rb").read(); out["read"].append(name)
    except OSError: pass
for name in plan["folders"]:
    try:
        os.listdir(name); out["listed"].append(name)
    except OSError: pass
print(json.dumps(out))
"""


@pytest.fixture
def public() -> Iterator[Paths]:
    """A home that lies where everybody may go: its own rights alone protect it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Paths.under(Path(folder) / "home")


def intrude(running: Running) -> dict[str, Found]:
    paths = running.paths
    routes = [(method, path) for path, methods in ROUTES.items() for method in methods]
    plan = {
        "socket": str(paths.socket),
        "port": running.port,
        # Every user of the PC reads it in the browser's command line.
        "code": str(running.client.make_link()["url"]).partition("#code=")[2],
        "routes": [*routes, ("GET", "/"), ("DELETE", "/galosh/v1/models/starter")],
        "files": [
            str(paths.token_file),
            str(paths.sessions_file),
            str(paths.daemon_facts),
            str(paths.logs / "daemon.log"),
        ],
        "folders": [str(paths.socket.parent)],
    }
    python = shutil.which("python3", path=os.defpath)
    assert python is not None
    done = subprocess.run(
        [python, "-I", "-c", INTRUDER, json.dumps(plan)],
        user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={}, capture_output=True,
        timeout=60, check=True,
    )  # fmt: skip
    found: dict[str, Found] = json.loads(done.stdout)
    assert found["uid"] == NOBODY
    return found


def test_another_user_gets_no_answer(public: Paths) -> None:
    any_port(public)
    with serving(public) as running:
        list(running.client.ask([{"role": "user", "content": "hello"}]))
        asked = len(running.supervisor.requests)
        found = intrude(running)
        heard, refused = found["heard"], found["tcp"]
        assert isinstance(heard, dict)
        assert isinstance(refused, dict)
        assert set(heard.values()) == {"PermissionError"}  # the folder is shut
        assert refused.pop("GET /") == "200"  # a page that says how to open it
        assert refused.pop("POST /galosh/v1/session") == "403"
        assert set(refused.values()) == {"401"}
        assert len(refused) > 25
        assert found["trade"] == "403"
        assert not running.paths.sessions_file.exists()
        assert found["read"] == []
        assert found["listed"] == []
        assert len(running.supervisor.requests) == asked


def test_another_user_gets_no_answer_even_through_an_open_folder(public: Paths) -> None:
    """Were the folder and the socket open to all, the kernel's word on the peer would do."""
    any_port(public)
    with serving(public) as running:
        for folder in (public.home, public.runtime):
            assert folder is not None
            folder.chmod(0o755)
        public.socket.chmod(0o666)
        heard = intrude(running)["heard"]
        assert isinstance(heard, dict)
        assert set(heard.values()) <= {"", "ConnectionResetError", "BrokenPipeError"}
        assert not running.supervisor.requests
        assert running.client.status()["daemon"]  # and we still get in


def test_a_folder_of_another_user_is_not_used(public: Paths) -> None:
    any_port(public)
    public.runtime.mkdir(parents=True)
    os.chown(public.runtime, NOBODY, NOBODY)
    with pytest.raises(GaloshError) as caught, serving(public):
        pass
    assert caught.value.code == "base-not-writable"
    assert str(NOBODY) in str(caught.value.facts["reason"])


def test_a_folder_that_is_a_link_is_not_used(public: Paths, tmp_path: Path) -> None:
    any_port(public)
    public.runtime.symlink_to(tmp_path)
    with pytest.raises(GaloshError) as caught, serving(public):
        pass
    assert caught.value.code == "server-socket-failed"


def test_a_folder_left_open_is_shut_before_anybody_can_connect(public: Paths) -> None:
    any_port(public)
    public.runtime.mkdir(parents=True, mode=0o777)
    public.runtime.chmod(0o777)
    with serving(public):
        assert public.runtime.stat().st_mode & 0o777 == 0o700


def test_this_process_listens_on_loopback_only(running: Running) -> None:
    places: list[tuple[object, ...]] = [
        tuple(item.laddr)
        for item in psutil.net_connections(kind="inet")
        if item.pid == os.getpid() and item.status == psutil.CONN_LISTEN
    ]
    assert [place for place in places if place[1] == running.port] == [("127.0.0.1", running.port)]
