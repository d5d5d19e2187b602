"""What the page costs an old PC: first paint and scripts at a quarter of the speed, a long
sheet. The figures are printed; the gates are wide, because this machine does other things."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.page.conftest import House
from tests.page.kit import ask, open_page

SLOWER = 4
PAINT_MS = 300
SCRIPT_MS = 100
WIDE = 3.0
LONG_TASK_MS = 50
TRIES = 3


def metrics(session: CDPSession) -> dict[str, float]:
    found = session.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in found}


def first_look(browser: Browser, house: House) -> tuple[float, float, int]:
    """(first paint, time in scripts, bytes over the wire) of a first visit."""
    with browser.new_context(viewport={"width": 1024, "height": 600}) as context:
        page = context.new_page()
        session = context.new_cdp_session(page)
        received: list[int] = []
        session.on("Network.loadingFinished", lambda one: received.append(one["encodedDataLength"]))
        session.send("Network.enable")
        session.send("Performance.enable")
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(str(house.client.make_link()["url"]))
        page.wait_for_selector("#sheet-list [aria-current=true]")
        paint: float = page.evaluate(
            "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        return paint, metrics(session)["ScriptDuration"] * 1000, sum(received)


def test_first_paint_on_a_slow_pc(browser: Browser, house: House, report: list[str]) -> None:
    looks = [first_look(browser, house) for _ in range(TRIES)]
    paint, script = (min(look[i] for look in looks) for i in (0, 1))
    report.append(
        f"page at 1/{SLOWER} of the speed, best of {TRIES}: first paint {paint:.0f} ms, "
        f"scripts {script:.0f} ms, {looks[0][2]:,} bytes received"
    )
    assert paint < PAINT_MS * WIDE
    assert script < SCRIPT_MS * WIDE


def long_sheet() -> str:
    line = "The quick brown fox jumps over the lazy dog and runs away as fast as it can. "
    text = ""
    for number in range(1, 2000):
        text += line * (number % 5 + 1) + "\n"
        if len(text) > 100_000:
            break
    return text[:100_000]


def main_thread_tasks(trace: bytes) -> list[float]:
    """Processor time in ms of the tasks of pages' main threads, longest first.

    Time of the processor, not of the clock: what others on this machine do is not counted.
    """
    events = json.loads(trace)["traceEvents"]
    mains = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    return sorted(
        (
            one["tdur"] / 1000
            for one in events
            if one["name"].endswith("RunTask") and (one["pid"], one["tid"]) in mains
            if "tdur" in one
        ),
        reverse=True,
    )


def type_and_scroll(page: Page, place: float) -> None:
    """What somebody does at a place of the sheet."""
    page.focus("#sheet")
    page.evaluate(
        """part => {
          const area = document.querySelector('#sheet');
          const at = Math.round(area.value.length * part);
          area.setSelectionRange(at, at);
        }""",
        place,
    )
    page.keyboard.type("Typed words, and", delay=25)
    page.keyboard.press("Enter")
    page.keyboard.type("a line.", delay=25)
    page.mouse.move(600, 300)
    for _ in range(5):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(40)


def typed_tasks(browser: Browser, page: Page, place: float) -> list[float]:
    """What typing and scrolling there cost, as `main_thread_tasks` says."""
    browser.start_tracing(page=page, categories=["toplevel"])
    type_and_scroll(page, place)
    tasks = main_thread_tasks(browser.stop_tracing())
    assert len(tasks) > 20
    return tasks


def long_tasks(tasks: list[float]) -> int:
    """How many somebody would feel. The best of some tries counts: a core that is shared with
    another machine computes at half the speed for as long as that one is busy."""
    return sum(task > LONG_TASK_MS for task in tasks)


@pytest.mark.parametrize("tinted", [False, True], ids=["own", "tinted"])
def test_a_long_sheet_types_and_scrolls(
    browser: Browser, house: House, report: list[str], tinted: bool
) -> None:
    made: Any = ask(
        house.client, "POST", "/galosh/v1/notebooks", {"title": "", "text": long_sheet()}
    )
    sheet = made["notebook"]
    if tinted:
        marks = [[at, at + 300] for at in range(0, 99_000, 1000)]
        edit = {"at": 0, "remove": 0, "insert": ""}
        body = {"base_version": sheet["version"], "edits": [edit], "marks": marks}
        ask(house.client, "POST", f"/galosh/v1/notebooks/{sheet['id']}/edits", body)
    with browser.new_context(viewport={"width": 1024, "height": 600}) as context:
        page = open_page(context, house.client)
        assert len(page.input_value("#sheet")) == 100_000
        page.wait_for_timeout(800)
        kind = "tinted" if tinted else "own"
        for place in (0.0, 0.5, 1.0):
            for _ in range(TRIES):
                tasks = typed_tasks(browser, page, place)
                if long_tasks(tasks) <= 1:
                    break
            told = ", ".join(f"{task:.0f}" for task in tasks[:3])
            report.append(
                f"page: 100,000 characters ({kind}), typed at {place:.0%}: "
                f"the longest tasks took {told} ms of processor time"
            )
            assert tasks[0] < LONG_TASK_MS * WIDE
            assert long_tasks(tasks) <= 1
