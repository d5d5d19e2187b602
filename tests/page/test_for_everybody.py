"""The page for people who use the keyboard alone, a screen reader, a small or zoomed screen,
another language, a dark room."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.axe import findings
from tests.page.conftest import House
from tests.page.kit import open_page, text_of, wait_for

VIEWS = ("notebook", "chat", "models", "settings")


def choose_theme(page: Page, name: str) -> None:
    for _ in range(3):
        if page.evaluate("() => JSON.parse(localStorage.getItem('galosh.theme'))") == name:
            return
        page.click("#theme")


def fill_views(page: Page) -> None:
    """Something to look at: a piece of the model's, a table of chances, an answer with code."""
    page.focus("#sheet")
    page.keyboard.insert_text("Once upon a time")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#told")).to_have_text("The model ended here.")
    page.keyboard.press("Alt+k")
    page.click("#tab-chat")
    page.wait_for_selector("#chat-list [aria-current=true]")
    page.click("#chat-new")
    expect(page.locator("#chat-log .turn")).to_have_count(0)
    page.fill("#chat-words", "Show me")
    page.focus("#chat-words")
    page.keyboard.press("Enter")
    expect(page.locator(".code")).to_be_visible()
    expect(page.locator("#chat-send")).to_have_text("Send")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, house: House, theme: str) -> None:
    house.says(" there was a fox.", "Some *words*, [a link](https://ok.example):\n\n```sh\nls\n```")
    choose_theme(page, theme)
    fill_views(page)
    for view in VIEWS:
        page.click(f"#tab-{view}")
        if view == "models":
            page.wait_for_selector("#models details")
            page.click("#models summary")
        if view == "settings":
            page.wait_for_selector("#settings .setting")
            page.click("#settings summary")
        assert findings(page) == [], view
    page.click("#help")
    assert findings(page) == [], "keys"
    page.keyboard.press("Escape")
    page.click("#tab-notebook")
    page.click("#prompts")
    assert findings(page) == [], "menu"


def test_axe_finds_nothing_serious_where_something_is_wrong(page: Page, house: House) -> None:
    house.says("x", context_tokens=3)
    page.focus("#sheet")
    page.keyboard.insert_text("one two three four")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".trouble")).to_be_visible()
    assert findings(page) == []
    page.context.clear_cookies()
    page.reload()
    expect(page.locator("#locked h1")).to_be_visible()
    assert findings(page) == []


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until it has the focus: everything can be reached by keys."""
    for _ in range(80):
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {selector}")


def test_everything_by_keyboard(page: Page, house: House) -> None:
    house.says(" there was a fox.", "Answer.")
    page.focus(".skip")
    page.keyboard.press("Enter")
    expect(page.locator("#sheet")).to_be_focused()
    page.keyboard.insert_text("Once upon a time")
    tab_to(page, "#generate")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_have_text("The model ended here.")
    assert text_of(page) == "Once upon a time there was a fox."
    tab_to(page, "#undo")
    page.keyboard.press("Space")
    assert text_of(page) == "Once upon a time"
    tab_to(page, "#tab-notebook")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-chat")).to_be_focused()
    expect(page.locator("#chat")).to_be_visible()
    expect(page.locator("#chat-list [aria-current=true]")).to_be_visible()
    tab_to(page, "#chat-words")
    page.keyboard.type("Hello")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.assistant .words").last).to_have_text("Answer.")
    page.keyboard.press("Control+Alt+3")
    expect(page.locator("#models")).to_be_visible()
    tab_to(page, "#source")
    page.keyboard.press("Control+Alt+4")
    expect(page.locator("#set-history\\.keep")).to_be_visible()
    tab_to(page, "#set-history\\.keep")
    page.keyboard.press("Space")
    wait_for(page, lambda: not house.client.settings()["history.keep"], "the switch")
    page.keyboard.press("Space")
    wait_for(page, lambda: bool(house.client.settings()["history.keep"]), "the switch")
    page.keyboard.press("F1")
    expect(page.locator("#dialog")).to_contain_text("Ctrl+Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Alt+1")
    expect(page.locator("#sheet")).to_be_focused()
    tab_to(page, "#sheet-search")
    page.keyboard.press("Alt+n")
    expect(page.locator("#sheet")).to_have_value("")


def test_what_is_written_is_spoken_by_sentences(page: Page, house: House) -> None:
    house.says(" there was a fox. It was red. And then")
    page.focus("#sheet")
    page.keyboard.insert_text("Once")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#told")).to_have_text("The model ended here.")
    assert page.locator("#spoken").get_attribute("aria-live") == "polite"
    spoken = [text.strip() for text in page.locator("#spoken p").all_inner_texts()]
    assert spoken == ["there was a fox.", "It was red.", "And then"]


@pytest.mark.parametrize("size", [(1024, 600), (512, 300), (390, 700)])
def test_small_and_zoomed_screens(browser: Browser, house: House, size: tuple[int, int]) -> None:
    """512 × 300 is what 200 % of zoom leaves of 1024 × 600."""
    width, height = size
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        page = open_page(context, house.client)
        for view in VIEWS:
            page.click(f"#tab-{view}")
            if view == "settings":
                page.wait_for_selector("#settings .setting")
            wide = page.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= width, view
        page.click("#tab-notebook")
        page.focus("#sheet")
        page.keyboard.insert_text("It can be written on.")
        page.click("#generate")
        expect(page.locator("#told")).to_have_text("The model ended here.")
        if width < 760:
            page.click("#sheet-drawer")
            expect(page.locator("#sheet-list [aria-current=true]")).to_be_visible()


def test_russian_and_back(page: Page) -> None:
    page.click("#tongue")
    expect(page.locator("#tab-notebook")).to_have_text("Блокнот")
    expect(page.locator("#status")).to_contain_text("готова")
    page.reload()
    expect(page.locator("#generate")).to_have_text("Продолжить")
    assert page.evaluate("() => document.documentElement.lang") == "ru"
    for view in VIEWS:
        page.click(f"#tab-{view}")
    page.wait_for_selector("#settings .setting")
    shown = page.locator("#settings").inner_text()
    assert "Настройки" in shown
    assert "default" not in shown.lower().replace("model.default", "")
    page.click("#tongue")
    expect(page.locator("#tab-chat")).to_have_text("Chat")


def test_a_russian_browser_gets_russian(browser: Browser, house: House) -> None:
    with browser.new_context(locale="ru-RU", color_scheme="dark") as context:
        page = open_page(context, house.client)
        expect(page.locator("#tab-chat")).to_have_text("Чат")
        assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
        page.emulate_media(color_scheme="light")
        page.wait_for_function("() => document.documentElement.dataset.theme === 'light'")
