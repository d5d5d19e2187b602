"""A real browser on a hostile page: it reads nothing of galosh and changes nothing in it.

The token is not asked for in these tests (`api.require_token = false`) and the page knows it
anyway: what holds here are the gate's checks of Host, Origin and the browser's own headers.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.server.gate import Verdict
from tests.browser.kit import EVIL, Knocks, Site, browser
from tests.fakes.serving import Running, any_port, serving

if sys.platform == "win32":
    pytest.skip("127.0.0.2 and process groups", allow_module_level=True)

PATHS = ("/v1/models", "/api/tags", "/galosh/v1/status", "/galosh/v1/settings", "/", "/nowhere")


@pytest.fixture
def open_house(paths: Paths) -> Iterator[Running]:
    """A galosh that asks local programs for no token."""
    any_port(paths, "require_token = false\n")
    with serving(paths) as running:
        yield running


def state(running: Running) -> tuple[object, ...]:
    """All that a request could have changed."""
    supervisor = running.supervisor
    return (
        len(supervisor.requests),
        supervisor.current,
        supervisor.paused,
        sorted(supervisor.models.known),
        running.paths.settings_file.read_text(),
        running.token,
        running.client.status()["daemon"]["stopping"],  # type: ignore[index]
    )


def plan(running: Running, *bases: str) -> dict[str, object]:
    return {"bases": list(bases), "paths": list(PATHS), "token": running.token}


def test_a_page_of_another_site_reads_and_changes_nothing(
    open_house: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, knocks = state(open_house), Knocks(monkeypatch)
    port = open_house.port
    bases = [f"http://{name}:{port}" for name in ("127.0.0.1", "localhost", EVIL)]
    site = Site("127.0.0.1", 0, {})
    site.plan.update(plan(open_house, *bases), report=f"http://{EVIL}:{site.port}/report")
    with browser(f"http://{EVIL}:{site.port}/", tmp_path, rules=f"MAP {EVIL} 127.0.0.1"):
        report = site.wait()
    site.close()
    assert report["origin"] == f"http://{EVIL}:{site.port}"
    assert report["read"] == []
    assert report["tried"] > 200
    assert set(knocks.verdicts) == {Verdict.FORBIDDEN}
    assert knocks.verdicts.total() > 150
    assert {"GET", "POST", "OPTIONS"} <= set(knocks.methods)
    assert {f"127.0.0.1:{port}", f"localhost:{port}", f"{EVIL}:{port}"} <= knocks.hosts
    assert state(open_house) == before


def test_a_rebound_name_reads_and_changes_nothing(
    open_house: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's own name comes to mean this PC: the browser sees one and the same origin."""
    before, knocks = state(open_house), Knocks(monkeypatch)
    port = open_house.port
    base = f"http://{EVIL}:{port}"
    helper = Site("127.0.0.1", 0, {})  # takes the report, since the site itself is gone
    site = Site("127.0.0.2", port, {})
    site.plan.update(plan(open_house, base), report=f"http://127.0.0.1:{helper.port}/report")
    site.relay_to = port
    with browser(f"{base}/", tmp_path, rules=f"MAP {EVIL} 127.0.0.2"):
        report = helper.wait()
    site.close()
    helper.close()
    assert report["origin"] == base
    # One origin, so the page sees how it is refused, always in the same words, and nothing else.
    assert report["read"]
    assert [line for line in report["read"] if "The request was refused." not in line] == []
    assert set(knocks.verdicts) == {Verdict.FORBIDDEN}
    assert knocks.hosts == {f"{EVIL}:{port}"}
    assert state(open_house) == before


def test_a_page_let_in_by_a_setting_asks_a_model_and_no_more(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same page, once its origin is allowed: shows too that these tests can see an answer."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        number = int(reserved.getsockname()[1])
    any_port(paths, f'allowed_origins = ["http://{EVIL}:{number}"]\n')
    with serving(paths) as running:
        names, settings = sorted(running.supervisor.models.known), paths.settings_file.read_text()
        site = Site("127.0.0.1", number, {})
        base = f"http://127.0.0.1:{running.port}"
        site.plan.update(plan(running, base), report=f"http://{EVIL}:{site.port}/report")
        with browser(f"http://{EVIL}:{site.port}/", tmp_path, rules=f"MAP {EVIL} 127.0.0.1"):
            report = site.wait()
        site.close()
        good = [line for line in report["read"] if ": 200 " in line]
        assert any("/v1/models" in line for line in good)
        assert any("POST" in line and "/v1/chat/completions" in line for line in good)
        assert not any("/galosh/" in line or "/api/delete" in line for line in report["read"])
        assert running.supervisor.requests  # it may ask; it had the token
        assert sorted(running.supervisor.models.known) == names
        assert paths.settings_file.read_text() == settings
        assert not running.client.status()["daemon"]["stopping"]  # type: ignore[index]
