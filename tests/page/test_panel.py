"""Models, downloads, settings, the token, and the page that is not opened by a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from galosh.api import stop_daemon
from galosh.base.paths import Paths
from tests.fakes.hub import FaultHub
from tests.fakes.serving import any_port
from tests.page.conftest import House
from tests.page.kit import open_page, wait_for
from tests.pull.kit import SOURCE, Place, model_bytes

DOWNLOAD_MS = 60_000


@pytest.fixture
def place(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A daemon in a process, and a hub with a model of 34 MB that takes some seconds."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("PIP_", "HF_")):
            monkeypatch.delenv(name)
    any_port(paths)
    with FaultHub(total_bytes_per_second=6e6) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        made = Place(paths, hub, model_bytes(tmp_path, "big"))
        made.start()
        try:
            yield made
        finally:
            stop_daemon(paths)


class TestDownloads:
    def test_progress_pause_and_arrival(self, context: BrowserContext, place: Place) -> None:
        page = open_page(context, place.client, "models")
        page.fill("#source", SOURCE)
        page.keyboard.press("Enter")
        card = page.locator("#models li", has=page.locator("progress"))
        expect(card).to_contain_text("little-Q4_K_M.gguf", timeout=DOWNLOAD_MS)
        page.wait_for_function("() => document.querySelector('#models progress').value > 0.05")
        expect(card).to_contain_text(" of 35 MB")
        card.get_by_role("button", name="Pause").click()
        expect(card).to_contain_text("paused")
        kept = page.locator("#models progress").evaluate("one => one.value")
        page.wait_for_timeout(400)
        assert page.locator("#models progress").evaluate("one => one.value") == kept < 1
        card.get_by_role("button", name="Go on").click()
        wait_for(page, place.target.exists, "the model", 60)
        assert place.target.read_bytes() == place.data
        expect(page.locator("#models li", has_text="done")).to_be_visible()

    def test_cancel_leaves_nothing(self, context: BrowserContext, place: Place) -> None:
        page = open_page(context, place.client, "models")
        page.fill("#source", SOURCE)
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelector('#models progress')?.value > 0.02")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#models progress")).to_have_count(0)
        wait_for(page, lambda: not list(place.paths.downloads.iterdir()), "nothing on disk")

    def test_a_wrong_source_is_explained(self, context: BrowserContext, place: Place) -> None:
        page = open_page(context, place.client, "models")
        page.fill("#source", "no such thing at all")
        page.keyboard.press("Enter")
        trouble = page.locator("#models li div.bad")
        expect(trouble).to_contain_text("There is no model or file named", timeout=DOWNLOAD_MS)
        expect(trouble).to_contain_text("galosh models recommend")


class TestModels:
    def test_use_and_remove(self, page: Page, house: House) -> None:
        page.click("#tab-models")
        starter = page.locator("#models li.card", has_text="starter")
        other = page.locator("#models li.card", has_text="other")
        expect(starter).to_contain_text("in use")
        expect(page.locator("#models li.card", has_text="broken")).to_contain_text("cut in half")
        other.get_by_role("button", name="Use").click()
        expect(other).to_contain_text("in use")
        broken = page.locator("#models li.card", has_text="broken")
        broken.get_by_role("button", name="Delete").click()
        expect(page.locator("#dialog")).to_contain_text("deleted from the disk")
        page.locator("#dialog").get_by_role("button", name="Delete").click()
        expect(broken).to_have_count(0)
        assert "broken" not in house.model.models.known

    def test_pause_and_go_on(self, page: Page, house: House) -> None:
        page.click("#tab-models")
        page.get_by_role("button", name="Pause: memory back").click()
        wait_for(page, lambda: house.model.paused, "paused")
        expect(page.locator("#status")).to_contain_text("paused")
        page.get_by_role("button", name="Go on").click()
        wait_for(page, lambda: not house.model.paused, "resumed")


class TestSettings:
    def test_plain_words_with_the_default_beside(self, page: Page, house: House) -> None:
        page.click("#tab-settings")
        row = page.locator(".setting", has_text="model.context_tokens")
        expect(row).to_contain_text("How many tokens of text a model keeps in view")
        expect(row).to_contain_text("default: 4096")
        page.fill("#set-model\\.context_tokens", "8192")
        page.keyboard.press("Tab")
        expect(row).to_contain_text("Saved")
        assert house.client.settings()["model.context_tokens"] == 8192
        row.get_by_role("button", name="back to the default").click()
        wait_for(
            page, lambda: house.client.settings()["model.context_tokens"] == 4096, "the default"
        )

    def test_a_wrong_value_is_refused_with_a_reason(self, page: Page, house: House) -> None:
        page.click("#tab-settings")
        page.fill("#set-model\\.context_tokens", "7")
        page.keyboard.press("Tab")
        row = page.locator(".setting", has_text="model.context_tokens")
        expect(row.locator(".trouble")).to_contain_text("256")
        assert house.client.settings()["model.context_tokens"] == 4096

    def test_addresses_and_the_token(self, page: Page, house: House) -> None:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("#tab-settings")
        access = page.locator("#settings table")
        expect(access).to_contain_text(f"http://127.0.0.1:{house.running.port}/v1")
        assert house.running.token not in page.content()
        page.get_by_role("button", name="Copy: Token").click()
        expect(page.locator("#toasts")).to_contain_text("Copied")
        assert page.evaluate("() => navigator.clipboard.readText()") == house.running.token
        page.get_by_role("button", name="Show").click()
        expect(access).to_contain_text(house.running.token)

    def test_a_changed_token_shuts_other_pages(
        self, page: Page, house: House, browser: Browser
    ) -> None:
        elsewhere = browser.new_context()
        other = open_page(elsewhere, house.client)
        old = house.running.token
        page.click("#tab-settings")
        page.get_by_role("button", name="Change the token").click()
        expect(page.locator("#dialog")).to_contain_text("locked out")
        page.locator("#dialog").get_by_role("button", name="Change the token").click()
        wait_for(page, lambda: house.running.token != old, "another token")
        other.focus("#sheet")
        other.keyboard.insert_text("typed behind a shut door")
        expect(other.locator("#locked h1")).to_be_visible()
        elsewhere.close()
        page.bring_to_front()
        page.click("#tab-notebook")
        page.focus("#sheet")
        page.keyboard.insert_text("this one goes on")
        expect(page.locator("#sheet-saved")).to_have_text("Saved")


class TestLocked:
    def test_without_a_link_it_says_how_to_open_it(
        self, context: BrowserContext, house: House
    ) -> None:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{house.running.port}/")
        expect(page.locator("#locked")).to_contain_text("galosh notebook")
        expect(page.locator("#notebook")).to_be_hidden()

    def test_a_link_works_once_and_leaves_no_trace(
        self, context: BrowserContext, house: House
    ) -> None:
        link = str(house.client.make_link()["url"])
        first = context.new_page()
        first.goto(link)
        first.wait_for_selector("#sheet-list [aria-current=true]")
        assert "code" not in first.url
        first.evaluate("() => localStorage.clear()")
        second = context.new_page()
        second.goto(link)
        expect(second.locator("#locked")).to_be_visible()

    def test_a_link_opens_the_tab_it_names(self, context: BrowserContext, house: House) -> None:
        for tab, opened in (("models", "models"), ("nowhere", "notebook")):
            page = context.new_page()
            page.goto(f"{house.client.make_link()['url']}&tab={tab}")
            page.wait_for_selector("#sheet-list [aria-current=true]", state="attached")
            expect(page.locator(f"#{opened}")).to_be_visible()
            expect(page.locator(f"#tab-{opened}")).to_have_attribute("aria-selected", "true")
            assert "tab=" not in page.url
