"""The page with the real daemon, the real engine and the real model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scripts.benches.engine_daemon import Daemon
from tests.page.kit import ask, on_disk, open_page, text_of, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

CONTEXT = 512
PATIENCE_MS = 90_000  # for a model on a machine that does much else


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon({"model": f"context_tokens = {CONTEXT}"}) as running:
        running.client.use_model(running.model_id)
        yield running


@pytest.fixture
def page(browser: Browser, daemon: Daemon) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(viewport={"width": 1024, "height": 600})
    ask(daemon.client, "POST", "/galosh/v1/notebooks", {})
    opened = open_page(context, daemon.client)
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    context.close()


def test_the_sheet_goes_on_and_costs_only_what_is_new(page: Page, daemon: Daemon) -> None:
    page.select_option("#preset", "deterministic")
    page.select_option("#most", "50")
    page.focus("#sheet")
    page.keyboard.insert_text("The capital of France is")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => document.querySelector('#sheet').value.length > 40")
    expect(page.locator("#generate")).to_have_text("Generate", timeout=PATIENCE_MS)
    assert "Paris" in text_of(page)
    wait_for(page, lambda: on_disk(daemon.client)["text"] == text_of(page), "on disk")
    page.keyboard.press("Alt+k")
    page.wait_for_selector(".tokens button")
    assert "Paris" in page.locator(".tokens").inner_text()
    shown = page.locator("#side-view tbody tr").count()
    assert shown >= 5
    expect(page.locator("#counts-text")).to_contain_text(f"of {CONTEXT} tokens")
    expect(page.locator("#status")).to_contain_text("tokens/s")


def test_three_choices_at_once(page: Page) -> None:
    page.select_option("#preset", "creative")
    page.focus("#sheet")
    page.keyboard.insert_text("Once upon a time there was a")
    page.keyboard.press("Alt+c")
    expect(page.locator("#generate")).to_have_text("Generate", timeout=PATIENCE_MS)
    offered = page.locator(".choice").all_inner_texts()
    assert len(set(offered)) >= 2
    page.keyboard.press("1")
    page.wait_for_function("() => document.querySelector('#sheet').value.length > 30")


def fill_to(page: Page, daemon: Daemon, tokens: int) -> str:
    """A text of exactly so many tokens (the model puts none before)."""
    text = "word" + " word" * (tokens - 1)
    assert daemon.client.count_tokens(text) == tokens
    page.focus("#sheet")
    page.keyboard.insert_text(text)
    return text


@pytest.mark.parametrize("free", [1, 0], ids=["one place left", "exactly full"])
def test_a_full_context_is_said(page: Page, daemon: Daemon, free: int) -> None:
    text = fill_to(page, daemon, CONTEXT - free)
    expect(page.locator("#counts-text")).to_contain_text(
        f"{CONTEXT - free} of {CONTEXT} tokens", timeout=PATIENCE_MS
    )
    page.keyboard.press("Control+Enter")
    card = page.locator("#notebook-trouble .trouble")
    expect(card).to_contain_text("The context is full.", timeout=PATIENCE_MS)
    expect(card).to_contain_text(str(CONTEXT))
    page.select_option("#most", "50")
    page.get_by_role("button", name="Go on from the end that fits").click()
    page.wait_for_function(
        "n => document.querySelector('#sheet').value.length > n + 20", arg=len(text)
    )
    assert text_of(page).startswith(text)


def test_the_chat_answers_with_the_models_own_template(page: Page, daemon: Daemon) -> None:
    page.click("#tab-chat")
    page.wait_for_selector("#chat-list [aria-current=true]")
    page.select_option("#chat-preset", "deterministic")
    page.fill("#chat-words", "What is the capital of France?")
    page.focus("#chat-words")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.assistant .words")).to_contain_text("Paris", timeout=PATIENCE_MS)
    expect(page.locator("#chat-send")).to_have_text("Send", timeout=PATIENCE_MS)
    expect(page.locator(".turn.assistant")).to_contain_text("tokens/s")


def test_the_models_view_foretells_and_swaps(page: Page, daemon: Daemon) -> None:
    page.click("#tab-models")
    card = page.locator("#models li.card").first
    expect(card).to_contain_text("in use")
    expect(card).to_contain_text("needs", timeout=PATIENCE_MS)
    expect(card).to_contain_text("fits")
    page.get_by_role("button", name="Give its memory back now").click()
    expect(page.locator("#status-model")).to_contain_text("no model in memory", timeout=PATIENCE_MS)
    card.get_by_role("button", name="Use").click()
    expect(page.locator("#toasts")).to_contain_text("answers from now on", timeout=PATIENCE_MS)
    expect(page.locator("#status-model")).to_contain_text("ready", timeout=PATIENCE_MS)
    expect(page.locator("#models details")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#models .pill").nth(1)).to_have_text("recommended")
