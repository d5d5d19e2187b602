"""One Chromium for all tests of the page, one daemon a module, one clean context a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from galosh.api import Client
from galosh.base.paths import Paths
from tests.fakes.serving import Running, serving
from tests.page.kit import (
    Script,
    ScriptedModel,
    ScriptedParts,
    ask,
    chromium,
    open_page,
    playing,
)

_REPORT: list[str] = []


@dataclass
class House:
    """A daemon whose model says what the test wants."""

    running: Running
    script: Script

    @property
    def client(self) -> Client:
        return self.running.client

    @property
    def model(self) -> ScriptedModel:
        assert isinstance(self.running.supervisor, ScriptedModel)
        return self.running.supervisor

    def says(self, *answers: str, pause_seconds: float = 0.0, context_tokens: int = 4096) -> None:
        """What the model answers from now on."""
        self.model.requests.clear()
        self.script.answers = answers
        self.script.pause_seconds = pause_seconds
        self.script.context_tokens = context_tokens


# Not longer than a module: while a driver lives, the main thread counts as running an event
# loop, and no other test could start one.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with playing() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as started:
        yield started


@pytest.fixture(scope="module")
def one_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    paths = Paths.under(tmp_path_factory.mktemp("galosh"))
    script = Script()
    with serving(paths, ScriptedParts(script)) as running:
        yield House(running, script)


@pytest.fixture
def house(one_house: House) -> House:
    """The module's daemon, with the usual answer."""
    one_house.says("one two three.")
    return one_house


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own: 1024 × 600, English. No error of a script passes unseen."""
    made = browser.new_context(viewport={"width": 1024, "height": 600}, locale="en-US")
    errors: list[str] = []
    made.on("weberror", lambda error: errors.append(str(error.error)))
    made.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
    try:
        yield made
    finally:
        made.close()
    assert errors == []


@pytest.fixture
def page(context: BrowserContext, house: House) -> Page:
    """The notebook, opened, on a sheet of its own."""
    ask(house.client, "POST", "/galosh/v1/notebooks", {})
    return open_page(context, house.client)


@pytest.fixture
def report() -> list[str]:
    """Lines that are printed after the tests, also without `-s`."""
    return _REPORT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured."""
    for line in _REPORT:
        terminalreporter.write_line(line)
