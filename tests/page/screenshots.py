"""The pictures of the page in docs/screenshots, taken anew: `python -m tests.page.screenshots`.

The real daemon, the real model, 1024 × 600, both themes, both languages.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from scripts.benches.engine_daemon import Daemon
from tests.page.kit import chromium, open_page, playing

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
COLOURS = 48
LARGEST_BYTES = 60_000
WAIT_MS = 90_000
BEGINNING = "The Last Lighthouse Keeper\n\nOn the evening of the first autumn storm"


def take(page: Page, name: str) -> None:
    """A small picture: few colours, no shades of grey nobody sees."""
    page.wait_for_timeout(400)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = FOLDER / f"page-{name}.png"
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file.name}: {file.stat().st_size:,} bytes")
    assert file.stat().st_size < LARGEST_BYTES


def write(page: Page, beginning: str) -> None:
    page.focus("#sheet")
    page.keyboard.insert_text(beginning)
    page.select_option("#most", "50")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("n => document.querySelector('#sheet').value.length > n + 10",
                           arg=len(beginning))  # fmt: skip
    expect(page.locator("#regenerate")).to_be_enabled(timeout=WAIT_MS)


def talk(page: Page, question: str) -> None:
    page.click("#tab-chat")
    page.wait_for_selector("#chat-list [aria-current=true]")
    page.click("#chat-new")
    page.fill("#chat-words", question)
    page.focus("#chat-words")
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn.assistant .turn-tools button", timeout=WAIT_MS)


def album(browser: Browser, daemon: Daemon, locale: str, theme: str) -> None:
    name = f"{locale[:2]}-{theme}"
    with browser.new_context(
        viewport={"width": 1024, "height": 600},
        locale=locale,
        color_scheme="dark" if theme == "dark" else "light",
    ) as context:
        page = open_page(context, daemon.client)
        page.set_default_timeout(WAIT_MS)
        if locale == "en-US" and theme == "light":
            take(page, f"first-{name}")
        page.keyboard.press("Alt+n")
        page.wait_for_function("() => document.querySelector('#sheet').value === ''")
        write(page, BEGINNING)
        take(page, f"notebook-{name}")
        page.keyboard.press("Alt+k")
        page.wait_for_selector(".tokens button")
        take(page, f"tokens-{name}")
        page.keyboard.press("Escape")
        talk(page, "Write a Python function that adds two numbers, with a short explanation.")
        take(page, f"chat-{name}")
        page.click("#tab-models")
        page.wait_for_selector("#models details")
        page.wait_for_selector("#models .page > ul .fit")
        take(page, f"models-{name}")
        page.click("#tab-settings")
        page.wait_for_selector("#settings table")
        take(page, f"settings-{name}")


def main() -> None:
    """Take them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Daemon() as daemon, playing() as playwright, chromium(playwright) as browser:
        daemon.client.use_model(daemon.model_id)
        for locale, theme in (("en-US", "light"), ("ru-RU", "dark")):
            album(browser, daemon, locale, theme)


if __name__ == "__main__":
    main()
