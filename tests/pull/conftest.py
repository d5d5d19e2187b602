"""A small model on a loopback hub, and no daemon left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.api import stop_daemon
from galosh.base.paths import Paths
from tests.fakes.hub import FaultHub
from tests.fakes.serving import any_port
from tests.pull.kit import Place, model_bytes


@pytest.fixture(autouse=True)
def plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no pip settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("PIP_", "HF_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def _place(paths: Paths, tmp_path: Path, size: str, rate: float | None) -> Iterator[Place]:
    any_port(paths)
    with FaultHub(total_bytes_per_second=rate) as hub:
        place = Place(paths, hub, model_bytes(tmp_path, size))
        try:
            yield place
        finally:
            stop_daemon(paths)


@pytest.fixture
def place(paths: Paths, tmp_path: Path) -> Iterator[Place]:
    """Half a megabyte, as fast as it goes."""
    yield from _place(paths, tmp_path, "small", None)


@pytest.fixture
def slow_place(paths: Paths, tmp_path: Path) -> Iterator[Place]:
    """34 MB at 8 MB/s: four seconds to do something to it."""
    yield from _place(paths, tmp_path, "big", 8e6)
