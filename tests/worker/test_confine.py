"""What a worker may still touch: its model, its prefixes, its engine, and nothing of the user's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from galosh.worker.confine import parts
from tests.worker.client import WorkerProcess

if sys.platform != "linux":
    pytest.skip("Landlock is Linux's", allow_module_level=True)

from galosh.worker import landlock

# A process that confines itself as a worker does, then tries what native code under the control
# of a model file would try: in the thread that entered and in one it started afterwards.
ESCAPE = """
import json, os, socket, sys, threading
sys.path[:0] = json.loads(sys.argv[2])
from galosh.worker.confine import Confinement
from galosh.worker.host import find_host
plan = json.loads(sys.argv[1])
pid = os.getppid()
walls = Confinement(find_host())
walls.possible = plan["possible"]
load = {"type": "load", "path": plan["model"], "prefix_folder": plan["prefixes"], "confine": True,
        "prefix_key": "ab" * 32, "prefix_identity": "x", "prefix_disk_bytes": 1000}
walls.enter_for(load)
def trial(act):
    try:
        act(); return "done"
    except Exception as error:
        return type(error).__name__
def connect(place):
    with socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET) as one:
        one.connect(place)
def write(path, size=10):
    with open(path, "wb") as file: file.write(b"x" * size)
def start():
    import subprocess; subprocess.run(["/bin/true"], check=True)
acts = {
    "read model": lambda: open(plan["model"], "rb").read(),
    "read prefix": lambda: os.listdir(plan["prefixes"]),
    "write prefix": lambda: (write(plan["prefixes"] + "/a"), os.rename(plan["prefixes"] + "/a",
                             plan["prefixes"] + "/b"), os.unlink(plan["prefixes"] + "/b")),
    "import": lambda: __import__("wave"),
    "read self": lambda: open("/proc/self/statm").read(),
    "read beside": lambda: open(plan["model"] + ".other", "rb").read(),
    "list beside": lambda: os.listdir(os.path.dirname(plan["model"])),
    "read secret": lambda: open(plan["secret"]).read(),
    "read users": lambda: open("/etc/passwd").read(),
    "read parent": lambda: open("/proc/%d/environ" % pid).read(),
    "change model": lambda: open(plan["model"], "ab").close(),
    "cut model": lambda: os.truncate(plan["model"], 0),
    "delete model": lambda: os.unlink(plan["model"]),
    "write elsewhere": lambda: write(plan["secret"] + ".new"),
    "write too much": lambda: write(plan["prefixes"] + "/big", 5000),
    "link in": lambda: os.symlink("/etc/passwd", plan["prefixes"] + "/link"),
    "start program": start,
    "connect": lambda: connect(("127.0.0.1", plan["port"])),
    "connect abstract": lambda: connect("\\0" + plan["abstract"]),
    "signal parent": lambda: os.kill(pid, 0),
}
here = {name: trial(act) for name, act in acts.items()}
there = {}
later = threading.Thread(target=lambda: there.update({n: trial(a) for n, a in acts.items()}))
later.start(); later.join()
print(json.dumps([here, there]))
"""
ALLOWED = {"read model", "read prefix", "write prefix", "import", "read self"}
SINCE = {"cut model": 3, "connect": 4, "connect abstract": 6, "signal parent": 6}


def escape(folder: Path, *, possible: bool = True) -> list[dict[str, str]]:
    model, secret, prefixes = folder / "m.gguf", folder / "secret", folder / "prefixes"
    for file in (model, secret, folder / "m.gguf.other"):
        file.write_text("words of the user")
    prefixes.mkdir()
    name = f"galosh-test-{os.getpid()}-{folder.name}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0" + name)
        abstract.listen()
        plan = {
            "model": str(model), "secret": str(secret), "prefixes": str(prefixes),
            "port": tcp.getsockname()[1], "abstract": name, "possible": possible,
        }  # fmt: skip
        roots = [path for path in sys.path if path]
        done = subprocess.run(
            [sys.executable, "-c", ESCAPE, json.dumps(plan), json.dumps(roots)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert secret.read_text() == "words of the user"
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_a_model_that_took_over_its_worker_reaches_nothing_else(tmp_path: Path) -> None:
    interface = landlock.version()
    for found in escape(tmp_path):
        free = {name for name, outcome in found.items() if outcome == "done"}
        kept_out = {name for name in set(found) - ALLOWED if SINCE.get(name, 1) <= interface}
        assert free >= ALLOWED
        assert found["write too much"] == "OSError"  # a limit, Landlock or not
        if interface:
            assert free & kept_out == set()
    if interface:
        assert (tmp_path / "m.gguf").read_text() == "words of the user"


def test_an_engine_with_a_graphics_card_is_left_as_it_is(tmp_path: Path) -> None:
    here, _ = escape(tmp_path, possible=False)
    assert {name for name, outcome in here.items() if outcome != "done"} <= {
        "read beside", "import", "delete model", "change model",
    }  # fmt: skip


def test_all_parts_of_a_model_in_several_files_are_within_reach() -> None:
    assert list(parts("/m/a.gguf")) == ["/m/a.gguf"]
    assert list(parts("/m/a-00001-of-00002.gguf"))[1:] == [
        "/m/a-00001-of-00002.gguf",
        "/m/a-00002-of-00002.gguf",
    ]
    assert len(list(parts("/m/a-00001-of-99999.gguf"))) == 1


@pytest.mark.engine
def test_a_confined_worker_answers_rests_and_saves(
    fresh: WorkerProcess, model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "prefixes"
    folder.mkdir()
    loaded = fresh.load(
        model, threads=2, confine=True, prefix_folder=str(folder), prefix_key="ab" * 32,
        prefix_identity="x", prefix_memory_bytes=1 << 26, prefix_disk_bytes=1 << 26,
    )  # fmt: skip
    assert loaded["type"] == "loaded"
    confined = loaded["confined"]
    assert isinstance(confined, list)
    assert {"open-files", "file-size"} <= set(confined)
    assert (f"landlock-{landlock.version()}" in confined) is (landlock.version() > 0)
    status = Path(f"/proc/{fresh.process.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    for number, stage in enumerate(("buffers", "model")):
        fresh.send(
            type="generate", id=f"g{number}", max_tokens=4,
            messages=[{"role": "user", "content": "Count from one to ten. " * 20}],
        )  # fmt: skip
        done = fresh.until("done", "error")[-1]
        assert done["type"] == "done", done
        assert done["completion_tokens"] == 4
        fresh.send(type="rest", id=f"r{number}", stage=stage)
        assert fresh.until("rested", "error")[-1]["type"] == "rested"
    assert list(folder.iterdir())
    assert fresh.process.poll() is None


@pytest.mark.engine
def test_a_confined_worker_opens_no_other_model(
    fresh: WorkerProcess, model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(model.read_bytes())
    assert fresh.load(model, threads=1, confine=True)["type"] == "loaded"
    again = fresh.load(other, threads=1)
    assert again["type"] == ("load_failed" if landlock.version() else "loaded")
