"""Nothing that was typed is lost: two tabs, a daemon that dies, browsers that are killed."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from galosh.api import Client, start_daemon, stop_daemon
from galosh.api.end import wait_for_end
from galosh.base import durable
from galosh.base.paths import Paths
from tests.page.conftest import House
from tests.page.kit import ask, listed, on_disk, open_page, text_of, wait_for, whole_browser

DAEMON = [sys.executable, "-I", str(Path(__file__).parents[1] / "fakes" / "daemon.py")]
LOST_SECONDS = 1.0
KILLS = 100


@pytest.fixture
def place(paths: Paths) -> Iterator[Paths]:
    """A daemon in a process of its own, always on the same port."""
    durable.write_text(paths.settings_file, "[api]\nport = 0\n")
    first = start_daemon(paths, command=DAEMON)
    durable.write_text(paths.settings_file, f"[api]\nport = {first.port}\n")
    yield paths
    stop_daemon(paths)


def kill_daemon(paths: Paths) -> None:
    facts = start_daemon(paths, command=DAEMON)  # finds the one that runs
    os.kill(facts.pid, signal.SIGKILL)
    assert wait_for_end(facts.pid, facts.mark, 10)


class TestTwoTabs:
    def test_they_follow_each_other(self, page: Page, house: House) -> None:
        other = open_page(page.context, house.client)
        page.bring_to_front()
        page.focus("#sheet")
        page.keyboard.insert_text("first line\n\nlast line")
        expect(other.locator("#sheet")).to_have_value("first line\n\nlast line")
        other.evaluate("() => document.querySelector('#sheet').setSelectionRange(11, 11)")
        other.bring_to_front()
        other.focus("#sheet")
        other.keyboard.insert_text("middle")
        expect(page.locator("#sheet")).to_have_value("first line\nmiddle\nlast line")
        other.close()

    def test_another_browser_follows_too(self, page: Page, house: House, browser: Browser) -> None:
        with browser.new_context() as elsewhere:
            other = open_page(elsewhere, house.client)
            page.bring_to_front()
            page.focus("#sheet")
            page.keyboard.insert_text("seen from elsewhere")
            expect(other.locator("#sheet")).to_have_value("seen from elsewhere")

    def test_both_type_at_once_and_nothing_goes(self, page: Page, house: House) -> None:
        page.focus("#sheet")
        page.keyboard.insert_text("AAAA\nBBBB")
        wait_for(page, lambda: on_disk(house.client)["text"] == "AAAA\nBBBB", "on disk")
        other = open_page(page.context, house.client)
        for i in range(20):
            page.bring_to_front()  # what is typed into a tab behind is dropped by Chromium
            page.evaluate("() => document.querySelector('#sheet').setSelectionRange(0, 0)")
            page.focus("#sheet")
            page.keyboard.insert_text(f"<{i}>")
            assert f"<{i}>" in text_of(page)
            other.bring_to_front()
            other.evaluate(
                """() => {
                  const area = document.querySelector('#sheet');
                  area.setSelectionRange(area.value.length, area.value.length);
                }"""
            )
            other.focus("#sheet")
            other.keyboard.insert_text(f"({i})")

        def agreed() -> bool:
            text = text_of(page)
            return "(19)" in text and text == text_of(other) == on_disk(house.client)["text"]

        wait_for(page, agreed, "both agree")
        found = text_of(page)
        assert sorted(re.findall(r"<(\d+)>", found), key=int) == [str(i) for i in range(20)]
        assert sorted(re.findall(r"\((\d+)\)", found), key=int) == [str(i) for i in range(20)]
        other.close()

    def test_the_same_place_changed_twice_is_said(self, page: Page, house: House) -> None:
        page.focus("#sheet")
        page.keyboard.insert_text("The fox is red.")
        wait_for(page, lambda: on_disk(house.client)["text"] == "The fox is red.", "on disk")
        page.context.set_offline(True)
        page.evaluate("() => document.querySelector('#sheet').setSelectionRange(11, 14)")
        page.keyboard.insert_text("grey")
        sheet = on_disk(house.client)
        edit = {"at": 11, "remove": 3, "insert": "brown"}
        body = {"base_version": sheet["version"], "edits": [edit]}
        ask(house.client, "POST", f"/galosh/v1/notebooks/{sheet['id']}/edits", body)
        page.context.set_offline(False)
        expect(page.locator("#toasts")).to_contain_text("Both wordings are kept")
        assert text_of(page) == "The fox is browngrey."
        wait_for(page, lambda: on_disk(house.client)["text"] == text_of(page), "on disk")

    def test_a_sheet_deleted_elsewhere_is_kept(self, page: Page, house: House) -> None:
        page.focus("#sheet")
        page.keyboard.insert_text("still here")
        wait_for(page, lambda: on_disk(house.client)["text"] == "still here", "on disk")
        sheet = on_disk(house.client)
        ask(house.client, "DELETE", f"/galosh/v1/notebooks/{sheet['id']}")
        page.keyboard.insert_text(" and more")
        expect(page.locator("#toasts")).to_contain_text("deleted elsewhere")
        wait_for(page, lambda: on_disk(house.client)["text"] == "still here and more", "kept")
        assert on_disk(house.client)["id"] != sheet["id"]


def test_the_daemon_is_killed_while_somebody_types(context: BrowserContext, place: Paths) -> None:
    page = open_page(context, Client(place))
    typed = ""
    for turn in range(3):
        for word in range(12):
            page.keyboard.type(f"{turn}.{word} ", delay=10)
            typed += f"{turn}.{word} "
            if word == 4:
                kill_daemon(place)
        bar = page.locator("#bar")
        expect(bar).to_contain_text("galosh does not answer. You can go on typing")
        expect(page.locator("#sheet-saved")).to_have_text("Kept in this browser")
        start_daemon(place, command=DAEMON)
        expect(bar).to_be_hidden()
        wait_for(page, lambda: on_disk(Client(place))["text"] == typed, "all of it on disk")  # noqa: B023
    assert text_of(page) == typed
    expect(page.locator("#toasts").last).to_contain_text("everything is saved")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_daemons_killed_while_somebody_types(
    context: BrowserContext, place: Paths, report: list[str]
) -> None:
    page = open_page(context, Client(place))
    typed = ""
    for turn in range(KILLS):
        for word in range(6):
            page.keyboard.type(f"{turn}.{word} ")
            typed += f"{turn}.{word} "
            if word == turn % 6:
                kill_daemon(place)
        start_daemon(place, command=DAEMON)
    wait_for(page, lambda: on_disk(Client(place))["text"] == typed, "all of it on disk", 60)
    assert text_of(page) == typed
    report.append(f"page: the daemon killed {KILLS} times while typing: 0 of {len(typed)} lost")


def test_a_tab_closed_while_the_daemon_is_away_loses_nothing(
    context: BrowserContext, place: Paths
) -> None:
    page = open_page(context, Client(place))
    page.keyboard.insert_text("The beginning. ")
    wait_for(page, lambda: on_disk(Client(place))["text"] == "The beginning. ", "on disk")
    kill_daemon(place)
    page.keyboard.insert_text("Typed while it was away.")
    page.wait_for_timeout(100)
    page.close()
    start_daemon(place, command=DAEMON)
    page = open_page(context, Client(place))
    expect(page.locator("#sheet")).to_have_value("The beginning. Typed while it was away.")
    wait_for(page, lambda: on_disk(Client(place))["text"] == text_of(page), "on disk")


def killed_while_typing(
    playwright: Playwright, folder: Path, place: Paths, turn: int
) -> tuple[str, str]:
    """Types, kills the whole browser with SIGKILL: what was typed a second before, and what
    is on disk."""
    client = Client(place)
    with whole_browser(playwright, folder) as (context, pid):
        ask(client, "POST", "/galosh/v1/notebooks", {})
        page = open_page(context, client)
        before = len(listed(client))
        times: list[tuple[float, str]] = []
        typed = ""
        ends = time.monotonic() + 1.6 + turn * 0.13
        while time.monotonic() < ends:
            word = f"{turn}.{len(times)} "
            page.keyboard.type(word)
            typed += word
            times.append((time.monotonic(), typed))
        os.killpg(pid, signal.SIGKILL)
        killed = time.monotonic()
    old = [text for at, text in times if at <= killed - LOST_SECONDS]
    assert len(listed(client)) == before
    return (old or [""])[-1], on_disk(client)["text"]


def check_kills(
    playwright: Playwright, tmp_path: Path, place: Paths, report: list[str], count: int
) -> None:
    lost = []
    for turn in range(count):
        old, kept = killed_while_typing(playwright, tmp_path / f"profile {turn}", place, turn)
        assert len(old) > 10
        assert kept.startswith(old)
        lost.append(len(kept) - len(old))
    report.append(
        f"page: {count} browsers killed while typing: 0 characters older than a second lost; "
        f"on disk beyond those: {min(lost)} to {max(lost)}"
    )


def test_killed_browsers_lose_no_more_than_the_last_second(
    playwright: Playwright, tmp_path: Path, place: Paths, report: list[str]
) -> None:
    check_kills(playwright, tmp_path, place, report, 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_killed_browsers(
    playwright: Playwright, tmp_path: Path, place: Paths, report: list[str]
) -> None:
    check_kills(playwright, tmp_path, place, report, 20)
