"""The real page in a real Chromium, over the real daemon; only the model may be a scripted one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from galosh.api import Client
from galosh.base.errors import GaloshError
from galosh.supervisor.request import Done, Event, GenerationRequest, Started, TextPiece
from tests.fakes.supervisor import FakeModels, FakeParts, FakeSupervisor

PATIENCE_MS = 15_000  # on a machine that does much else
_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
)


@dataclass
class Script:
    """What the model says: one answer after the other, the last one for ever.

    pause_seconds: between two pieces. context_tokens: one token is one word.
    """

    answers: Sequence[str] = ("one two three.",)
    pause_seconds: float = 0.0
    context_tokens: int = 4096


class ScriptedModel(FakeSupervisor):
    """A supervisor whose model says what it is told to; tokens are words."""

    def __init__(self, models: FakeModels, script: Script) -> None:
        super().__init__(models)
        self.script = script
        self.current = "starter"

    def status(self) -> dict[str, object]:
        return {
            "state": "busy" if self.running else "ready", "model": self.current,
            "title": "Scripted", "stage": "awake", "context_tokens": self.script.context_tokens,
            "paused": self.paused, "worker_memory_bytes": 104_857_600, "tokens_per_second": 21.5,
            "queue_length": 0,
        }  # fmt: skip

    async def tokenize(self, text: str, model_id: str | None = None) -> Sequence[int]:
        return list(range(len(text.split())))

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Event]:
        self.requests.append(request)
        said = request.prompt or " ".join(str(turn["content"]) for turn in request.messages or ())
        asked, most = len(said.split()), self.script.context_tokens
        if asked > most - 1:
            raise GaloshError("worker-prompt-too-long", prompt_tokens=asked, context_tokens=most)
        answer = self.script.answers[min(len(self.requests), len(self.script.answers)) - 1]
        self.running += 1
        try:
            yield Started("starter", asked, 0)
            wrote, reason = 0, "stop"
            for piece in _pieces(answer):
                if wrote >= min(request.max_tokens or most, most - asked):
                    reason = "length"
                    break
                wrote += 1
                yield TextPiece(piece, _chances(piece, request.options.get("logprobs")))
                await asyncio.sleep(self.script.pause_seconds)
            yield Done("starter", reason, asked, wrote, 0, 0.1, 0.1 * max(1, wrote))
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


def _pieces(answer: str) -> Iterator[str]:
    """Words, each with the space before it, as models write them."""
    start = 0
    for at in range(1, len(answer)):
        if answer[at] in " \n" and answer[at - 1] not in " \n":
            yield answer[start:at]
            start = at
    if answer:
        yield answer[start:]


def _chances(text: str, top: object) -> list[object] | None:
    if not isinstance(top, int):
        return None
    others = [
        {"token": 7, "text": text, "logprob": -0.2},
        {"token": 8, "text": " other", "logprob": -2.0},
    ]
    return [{"token": 7, "text": text, "logprob": -0.2, "top": others[:top]}]


class ScriptedParts(FakeParts):
    """See galosh.server.ports.Parts."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script

    def supervisor(self) -> FakeSupervisor:
        self.made = ScriptedModel(self.store, self._script)
        return self.made


def _command() -> str:
    """Debian's Chromium, never a downloaded one."""
    command = next((found for name in _COMMANDS if (found := shutil.which(name))), None)
    assert command is not None, "this test needs Chromium (Debian: apt-get install chromium)"
    return command


@contextlib.contextmanager
def chromium(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """A browser without a window."""
    browser = playwright.chromium.launch(
        executable_path=_command(), args=[*_ARGUMENTS, *arguments], timeout=PATIENCE_MS * 4
    )
    try:
        yield browser
    finally:
        browser.close()


@contextlib.contextmanager
def whole_browser(playwright: Playwright, folder: Path) -> Iterator[tuple[BrowserContext, int]]:
    """A browser in a process group of its own, with its group's id: to be killed."""
    folder.mkdir()
    port_file = folder / "DevToolsActivePort"
    process = subprocess.Popen(
        [_command(), *_ARGUMENTS, "--headless=new", "--remote-debugging-port=0", "--no-first-run",
         "--disable-background-networking", f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(PATIENCE_MS // 50):
            if port_file.exists() and len(port_file.read_text().split()) == 2:
                break
            time.sleep(0.05)
        address = f"http://127.0.0.1:{port_file.read_text().split()[0]}"
        yield playwright.chromium.connect_over_cdp(address).contexts[0], process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def playing() -> Iterator[Playwright]:
    """Playwright's driver."""
    with sync_playwright() as playwright:
        yield playwright


def open_page(context: BrowserContext, client: Client, view: str = "notebook") -> Page:
    """The page, opened by a one-time link, as soon as it can be typed on."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(str(client.make_link()["url"]))
    page.wait_for_function(
        "() => document.querySelectorAll('#sheet-list [aria-current=true]').length === 1"
    )
    if view != "notebook":
        page.click(f"#tab-{view}")
    else:
        page.wait_for_selector("#sheet:focus:not([readonly])")
    return page


def text_of(page: Page) -> str:
    """What stands on the sheet."""
    text: str = page.input_value("#sheet")
    return text


def wait_for(page: Page, condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for something outside the page, which goes on meanwhile."""
    for _ in range(int(seconds * 20)):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError(what)


def listed(client: Client) -> list[dict[str, Any]]:
    """Rows of the sheets, newest first."""
    rows: list[dict[str, Any]] = ask(client, "GET", "/galosh/v1/notebooks")["notebooks"]
    return rows


def on_disk(client: Client, sheet_id: str | None = None) -> dict[str, Any]:
    """A sheet as the daemon has it; the one changed last where none is named."""
    name = sheet_id or listed(client)[0]["id"]
    found: dict[str, Any] = ask(client, "GET", f"/galosh/v1/notebooks/{name}")["notebook"]
    return found


def ask(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """A route that the CLI has no use for."""
    return client._call(method, path, body)
