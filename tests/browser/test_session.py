"""The page's session in a real browser: another port of the same address cannot use it.

Such a page is no foreigner to the browser: it sends the cookie along, and the server of that
port reads it. In this test the page even knows the other half.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from galosh.server.gate import Verdict
from tests.browser.kit import Knocks, Site, chromium
from tests.fakes.page import Browser
from tests.fakes.serving import Running

if sys.platform == "win32":
    pytest.skip("Chromium as Debian has it", allow_module_level=True)

PATHS = ("/galosh/v1/status", "/galosh/v1/access", "/galosh/v1/notebooks", "/v1/models", "/")
TRADE = """async (code) => {
  const answer = await fetch("/galosh/v1/session", {method: "POST", body: JSON.stringify({code}),
    headers: {"content-type": "application/json"}});
  const {key} = await answer.json();
  const read = await fetch("/galosh/v1/access", {headers: {"X-Galosh-Key": key}});
  return [key, read.status, (await fetch("/galosh/v1/access")).status];
}"""


def open_page(context: BrowserContext, running: Running) -> str:
    """galosh's own page with a session; returns its key."""
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{running.port}/")
    code = str(running.client.make_link()["url"]).partition("#code=")[2]
    key, with_key, without = page.evaluate(TRADE, code)
    assert (with_key, without) == (200, 401)
    return str(key)


def test_another_port_of_this_address_cannot_use_the_session(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = str(running.client.add_notebook("", "mine")["id"])
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        context = chrome.new_context()
        key = open_page(context, running)
        knocks = Knocks(monkeypatch)
        site = Site("127.0.0.1", 0, {})
        site.plan.update(
            bases=[f"http://127.0.0.1:{running.port}"], paths=list(PATHS), token="",
            key=key, report=f"http://127.0.0.1:{site.port}/report",
        )  # fmt: skip
        context.new_page().goto(f"http://127.0.0.1:{site.port}/", wait_until="commit")
        report = site.wait()
        site.close()
        chrome.close()
    assert report["read"] == []
    assert set(knocks.verdicts) == {Verdict.FORBIDDEN}
    assert knocks.verdicts.total() > 100
    # What that port's server learned is half a session, which opens nothing.
    leaked = site.cookies[0].partition("galosh_session=")[2].partition(";")[0]
    assert len(leaked) >= 43
    thief = Browser(running)
    thief.cookie = leaked
    for origin in (None, ""):
        assert thief.call("GET", "/galosh/v1/access", origin=origin).status == 401
    # The session itself still stands, and nothing was changed in its name.
    thief.key = key
    assert thief.call("GET", "/galosh/v1/status").status == 200
    assert [one["id"] for one in running.client.notebooks()] == [kept]
    assert running.client.settings()["api.require_token"] is True


def test_the_page_runs_nothing_but_its_own_files(running: Running, tmp_path: Path) -> None:
    """The policy holds in the browser: no inline script, no other address, no frame."""
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chrome.new_page()
        page.goto(f"http://127.0.0.1:{running.port}/")
        page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "window.inline = true";
              document.body.append(script);
              const button = document.createElement("p");
              button.setAttribute("onclick", "window.inline = true");
              document.body.append(button);
              button.click();
            }"""
        )
        assert page.evaluate("window.inline") is None
        blocked = page.evaluate(
            "() => fetch('http://127.0.0.1:1/').then(() => 'sent', error => error.name)"
        )
        assert blocked == "TypeError"
        framing = tmp_path / "frame.html"
        framing.write_text(f'<iframe src="http://127.0.0.1:{running.port}/"></iframe>')
        page.goto(framing.as_uri())
        page.wait_for_timeout(500)
        assert all("galosh" not in frame.content() for frame in page.frames[1:])
        chrome.close()
