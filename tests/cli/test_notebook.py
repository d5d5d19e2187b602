"""`galosh notebook`: a link that works, and a browser that is given it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from galosh.base.paths import Paths
from galosh.cli.entry import main
from tests.fakes.page import Browser
from tests.fakes.serving import serving

if sys.platform == "win32":
    pytest.skip("the browser of this test is a shell script", allow_module_level=True)


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)


def test_the_link_is_printed_and_works(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(paths) as running:
        assert main(["notebook", "--print"]) == 0
        said = capsys.readouterr()
        code = said.out.strip().partition("/#code=")[2]
        assert Browser(running).trade(code).status == 200
    assert said.out.startswith(f"http://127.0.0.1:{running.port}/#code=")
    assert "once" in said.err
    assert "browser" not in said.err


def test_a_browser_gets_the_link_and_its_chatter_stays_out(
    paths: Paths, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho chatter; echo "$1" > "{tmp_path}/opened"\n')
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{script} %s")
    with serving(paths):
        assert main(["--json", "notebook"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["opened"] is True
    assert (tmp_path / "opened").read_text().strip() == document["url"]


def test_the_link_names_the_tab(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(paths) as running:
        assert main(["notebook", "--print", "--tab", "models"]) == 0
        link = urlsplit(capsys.readouterr().out.strip())
        told = dict(parse_qsl(link.fragment))
        assert Browser(running).trade(told["code"]).status == 200
    assert told["tab"] == "models"
    with pytest.raises(SystemExit):
        main(["notebook", "--print", "--tab", "nowhere"])
    assert "nowhere" in capsys.readouterr().err


def test_without_a_screen_it_says_so(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(paths):
        assert main(["notebook"]) == 0
    said = capsys.readouterr()
    assert "#code=" in said.out
    assert "No browser" in said.err
