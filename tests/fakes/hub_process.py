"""The fault server in a process of its own, so that benchmarks measure only the client.

Owns the command line and the `/control/` routes:

    python -m tests.fakes.hub [--connection-rate B] [--total-rate B] [--port N]

prints `{"url": …, "cdn_url": …}` on one line, serves until its standard input ends, and takes
JSON by POST: `/control/file` {"path", "disk_path" or "size_bytes" and "seed", …}, `/control/repo`
{"name", "files": {file: {…}}, …}, `/control/faults` {"pattern", "faults": [Fault JSON]},
`/control/heal`, `/control/forget`; `/control/log` answers the request log.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.faults import Fault
from tests.fakes.hub import Exchange, FaultHub
from tests.fakes.model_files import gguf


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="tests.fakes.hub")
    parser.add_argument("--connection-rate", type=float, help="bytes per second")
    parser.add_argument("--total-rate", type=float, help="bytes per second")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    hub = FaultHub(
        connection_bytes_per_second=options.connection_rate,
        total_bytes_per_second=options.total_rate,
        port=options.port,
    )
    hub.extra.append(_control)
    with hub:
        print(json.dumps({"url": hub.url, "cdn_url": hub.cdn_url}), flush=True)
        sys.stdin.read()
    return 0


class HubProcess:
    """Starts the server in a process and talks to its control routes; a context manager."""

    def __init__(
        self, *, connection_rate: float | None = None, total_rate: float | None = None
    ) -> None:
        command = [sys.executable, "-m", "tests.fakes.hub"]
        for name, rate in (("--connection-rate", connection_rate), ("--total-rate", total_rate)):
            if rate is not None:
                command += [name, str(rate)]
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        address = json.loads(self._process.stdout.readline())
        self.url: str = address["url"]
        self.cdn_url: str = address["cdn_url"]

    def __enter__(self) -> HubProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate("", timeout=20)

    def control(self, route: str, document: Mapping[str, Any] | None = None) -> Any:
        """POST to `/control/route`; the JSON it answers."""
        data = json.dumps(document or {}).encode()
        request = urllib.request.Request(f"{self.url}/control/{route}", data=data)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=60) as reply:
            return json.load(reply)

    def add_fault(self, pattern: str, *faults: Fault) -> None:
        """Put faults in force."""
        listed = [fault.to_json() for fault in faults]
        self.control("faults", {"pattern": pattern, "faults": listed})


def _control(exchange: Exchange) -> bool:
    if not exchange.request.path.startswith("/control/"):
        return False
    route = exchange.request.path[len("/control/") :]
    document = json.loads(exchange.body or b"{}")
    answer = _act(exchange.hub, route, document)
    status = 404 if answer is None else 200
    body = json.dumps(answer).encode()
    exchange.send(status, {"Content-Type": "application/json"}, body)
    return True


def _act(hub: FaultHub, route: str, document: dict[str, Any]) -> object | None:
    if route == "file":
        path = document.pop("path")
        return {"url": hub.add_file(path, _content(document), **document)}
    if route == "repo":
        name = document.pop("name")
        files = {path: _content(facts) for path, facts in document.pop("files").items()}
        return {"commit": hub.add_repo(name, files, **document).commit}
    if route == "faults":
        faults = [Fault.from_json(fault) for fault in document["faults"]]
        hub.faults.add(document["pattern"], *faults)
        return {}
    if route == "heal":
        hub.faults.clear()
        return {}
    if route == "forget":
        hub.forget()
        return {}
    if route == "log":
        return [
            dataclasses.asdict(request)
            for request in hub.requests()
            if not request.path.startswith("/control/")
        ]
    return None


def _content(facts: dict[str, Any]) -> bytes | Path:
    if "disk_path" in facts:
        return Path(facts.pop("disk_path"))
    return gguf(facts.pop("size_bytes"), facts.pop("seed", 1))
