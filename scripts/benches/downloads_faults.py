"""`bench.py downloads --faults`: every downloader through every fault, as one table.

Owns the running of the cases and the table's text. Rules: each client meets the same fault in
a fresh folder against a fresh hub, may run twice (as a user would try again), and is stopped
after a limit; a lie is a success with wrong bytes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.benches import processes
from scripts.benches.clients import (
    REPO,
    Client,
    Place,
    Run,
    all_clients,
    finish,
    galosh_end,
    interrupt,
    start,
    verdict,
)
from scripts.benches.fault_cases import (
    FILE_NAME,
    MIB,
    PROBE,
    REPO_NAME,
    SIZE_BYTES,
    THIRTY,
    Case,
    Scene,
)
from tests.fakes.faults import Fault
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import gguf, sha256

LIMIT_SECONDS = 25.0
_RUNS = 2
_HALF_SPEED = Fault(drip_bytes_per_second=3 * MIB)

INTRO = """# Downloads: what happens when things go wrong

Made by `python3 scripts/bench.py downloads --faults --write`: {size_mib} MiB from the project's
fault server, through the same misbehaviour, with resume, retries and a {stall} s stall timer
switched on in every tool, and a second run where the first failed. Versions: {versions}.

- **ok**: the right bytes. **err (…)**: an honest failure. **waits (…)**: named cause, goes on by
  itself. **stuck**: no end within {limit:.0f} s. **LIE**: success was reported, the file is wrong.
- *n/a*: the row looks into galosh's own files or needs a broken disk; it is a test of galosh.
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the table: the case's name and each client's outcome."""

    name: str
    outcomes: tuple[str, ...]


def run(only: str | None, write: bool) -> int:
    """Run the cases (those whose name contains `only`), print and perhaps write the table."""
    clients = all_clients()
    sections = []
    for title, cases in (("The probe", PROBE), ("The thirty cases", THIRTY)):
        rows = []
        for case in cases:
            if only and only not in case.name:
                continue
            rows.append(_row(case, clients))
            print(f"{rows[-1].name}: {', '.join(rows[-1].outcomes)}", flush=True)
        if rows:
            sections.append(f"## {title}\n\n{_table(rows, clients)}")
    text = _intro() + "\n" + "\n".join(sections)
    if write:
        (REPO / "docs" / "downloads.md").write_text(text, encoding="utf-8")
    print(text)
    bad = [line for line in text.splitlines() if line.startswith("| ") and _is_bad(line)]
    return 1 if bad else 0


def run_case(case: Case, client: Client) -> str:
    """One client through one case: its outcome."""
    with tempfile.TemporaryDirectory(prefix="galosh-bench-") as name, FaultHub() as hub:
        folder = Path(name)
        with contextlib.ExitStack() as stack:
            if case.small_disk and not stack.enter_context(_small_disk(folder)):
                return "n/a"
            data = gguf(SIZE_BYTES)
            facts: dict[str, object] = {"gated": True, "token": "hf_x"} if case.gated else {}
            hub.add_repo(REPO_NAME, {FILE_NAME: data}, **facts)
            hub.add_file("/portal", b"<html>Sign in</html>", content_type="text/html")
            scene = Scene(hub, data, [sha256(data)], folder)
            place = Place(hub.url, REPO_NAME, FILE_NAME, folder)
            outcome = _play(case, client, scene, place)
            hub.drop_connections()
            return outcome


def _play(case: Case, client: Client, scene: Scene, place: Place) -> str:
    if case.before is not None:
        case.before(scene)
    if case.stop is not None:
        _stop_half_way(case.stop, client, scene, place)
        scene.hub.faults.clear()
        if case.between is not None:
            case.between(scene)
    timers = [threading.Timer(after, step, [scene]) for after, step in case.later]
    if case.small_disk:
        timers.append(threading.Timer(5.0, _grow, [scene.folder]))
    for timer in timers:
        timer.start()
    try:
        return _tries(case, client, place, scene)
    finally:
        for timer in timers:
            timer.cancel()
            timer.join()


def _tries(case: Case, client: Client, place: Place, scene: Scene) -> str:
    until = time.monotonic() + LIMIT_SECONDS
    for number in range(_RUNS):
        second = start(client, place) if case.pair else None
        process = start(client, place)
        if case.freeze and number == 0:
            time.sleep(1.5)  # well into the body
            processes.freeze(process, 2.0)
        run = finish(process, max(1.0, until - time.monotonic()))
        if second is not None:
            other = finish(second, max(1.0, until - time.monotonic()))
            run = run if run.status != 0 else other
        if run.status in (0, None) or galosh_end(run).get("waits"):
            break
    return verdict(client, place, run, scene.right)


def _stop_half_way(how: processes.How, client: Client, scene: Scene, place: Place) -> None:
    """Let the client get about half of the file, then end it."""
    scene.hub.faults.add("/cdn/*", _HALF_SPEED)
    process = start(client, place)
    until = time.monotonic() + LIMIT_SECONDS
    while scene.hub.bytes_sent("/cdn/") < SIZE_BYTES // 2:
        if process.poll() is not None or time.monotonic() > until:
            break
        time.sleep(0.01)  # the server's counter is the only thing to look at
    interrupt(process, how)
    scene.hub.drop_connections()


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """A volume of 5 MiB at `folder`; False where this user may not mount one."""
    command = ["mount", "-t", "tmpfs", "-o", "size=5m", "galosh", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def _grow(folder: Path) -> None:
    command = ["mount", "-o", "remount,size=64m", str(folder)]
    subprocess.run(command, capture_output=True, check=False)


def _row(case: Case, clients: Sequence[Client]) -> Row:
    if case.tests is None:
        return Row(case.name, tuple(run_case(case, client) for client in clients))
    return Row(case.name, (_tested(case.tests), *("n/a" for _ in clients[1:])))


def _tested(tests: str) -> str:
    """The outcome of the galosh tests whose names begin so."""
    file, _, name = tests.partition("::")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file, "-k", name]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    return "ok (tests)" if done.returncode == 0 else "FAILED (tests)"


def _table(rows: Sequence[Row], clients: Sequence[Client]) -> str:
    lines = ["| Fault | " + " | ".join(client.name for client in clients) + " |"]
    lines.append("|---" * (len(clients) + 1) + "|")
    lines += [f"| {row.name} | " + " | ".join(row.outcomes) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _is_bad(line: str) -> bool:
    """Whether our own column of a row is neither right nor honest."""
    cells = [cell.strip() for cell in line.strip("| \n").split("|")]
    return len(cells) > 1 and cells[1].split(" ")[0] in ("LIE", "stuck", "FAILED")


def _intro() -> str:
    from importlib.metadata import version

    versions = [f"huggingface_hub {version('huggingface_hub')}"]
    for program in ("curl", "wget", "aria2c"):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        words = done.stdout.splitlines()[0].split()
        number = next((word for word in words if word[0].isdigit()), "?")
        versions.append(f"{program} {number}")
    from scripts.benches.clients import STALL_SECONDS

    return INTRO.format(
        size_mib=SIZE_BYTES // MIB, stall=STALL_SECONDS, versions=", ".join(versions),
        limit=LIMIT_SECONDS,
    )  # fmt: skip


__all__ = ["Run", "run", "run_case"]
