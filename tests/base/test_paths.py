"""Paths: everything under GALOSH_HOME, Cyrillic and spaces included, sockets short enough."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from galosh.base import durable
from galosh.base.paths import Paths


def test_everything_is_under_galosh_home(tmp_path: Path) -> None:
    home = tmp_path / "Галоша дом"
    paths = Paths.find({"GALOSH_HOME": str(home)})
    folders = [value for value in vars(paths).values() if isinstance(value, Path)]
    folders += [paths.settings_file, paths.models, paths.engines, paths.database, paths.token_file]
    assert all(folder.is_relative_to(home) for folder in folders)


def test_without_galosh_home_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/nobody-here")
    paths = Paths.find({})
    assert paths.home is None
    assert all(
        str(folder).startswith(("/home/nobody-here", "/run/user"))
        for folder in (paths.config, paths.data, paths.cache, paths.state, paths.runtime)
    )


@pytest.mark.parametrize("length", [10, 60, 200])
def test_the_socket_path_can_be_bound(tmp_path: Path, length: int) -> None:
    paths = Paths.under(tmp_path / ("ж" * (length // 2)))
    assert paths.socket == Paths.under(paths.home or tmp_path).socket
    assert len(os.fsencode(paths.socket)) <= 100
    durable.private_folder(paths.socket.parent)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(paths.socket))
    paths.socket.unlink()
