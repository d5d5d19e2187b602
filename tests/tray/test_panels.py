"""The tray on real panels: xfce4-panel (StatusNotifier), trayer (XEmbed), and real dunst."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desktop_kit import Desktop, desktop, end, wait_for
from tests.fakes.tray_host import Host
from tests.tray.kit import Served, icon_at, menu_window, served, start_tray, wait_gone

pytestmark = pytest.mark.long
ODD = "my_model & <b>5</b> Модель 🦙"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop with services and a window manager, no panel yet."""
    with desktop(tmp_path, services=True) as found:
        found.environ["GALOSH_LANG"] = "en"
        yield found


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as house:
        yield house


def host_of(here: Desktop) -> Host:
    return Host(here.environ["DBUS_SESSION_BUS_ADDRESS"])


def shown_icon(here: Desktop, seconds: float = 20.0) -> tuple[int, int]:
    found = wait_for(lambda: icon_at(here), "icon", seconds)
    assert found is not None
    return found


def open_menu(here: Desktop) -> tuple[int, int, int, int]:
    here.click(*shown_icon(here), 3)
    found = wait_for(lambda: menu_window(here), "menu")
    assert found is not None
    return found


def choose(here: Desktop, host: Host, row: dict[str, Any]) -> None:
    """Open the menu and click that row: rows are 25 pixels high, separators one."""
    x, y, wide, _ = open_menu(here)
    above = host.layout()
    above = above[: [one["id"] for one in above].index(row["id"])]
    lines = sum(one.get("type") == "separator" for one in above)
    time.sleep(0.4)  # a menu ignores clicks that come with its opening
    here.click(x + wide // 2, round(y + 16.5 + 25 * (len(above) - lines) + 1.2 * lines))


def test_icon_menu_and_swap_by_a_real_click(here: Desktop, daemon: Served) -> None:
    here.panel()
    start_tray(here)
    shown_icon(here)
    with host_of(here) as host:
        wait_for(lambda: "(beta)" in str(host.labels()), "models in the menu")
        choose(here, host, host.model("beta"))
        wait_for(lambda: host.model("beta")["toggle-state"] == 1, "tick on beta")
        wait_for(lambda: daemon.client.status()["worker"]["state"] == "ready", "beta")  # type: ignore[index]
        answer = list(daemon.client.ask([{"role": "user", "content": "hi"}]))
        assert answer[-1].model_id == "beta"
        x, y, wide, high = open_menu(here)
        time.sleep(0.3)
        picture = here.screenshot(here.folder / "menu.png")
        assert picture.stat().st_size > 3000
        assert wide > 200
        assert high > 25 * 10
        assert y >= 0
        assert x >= 0


def test_the_menu_stays_open_and_counts_up(here: Desktop, daemon: Served) -> None:
    facts = {"id": "d1", "state": "running", "file_name": "some.gguf", "size_bytes": 100}
    here.panel()
    start_tray(here)
    with host_of(here) as host:
        wait_for(lambda: host.items() and "(beta)" in str(host.labels()), "the menu")
        daemon.tell("download.progress", **facts, kept_bytes=0)
        wait_for(lambda: "↓" in str(host.labels()), "the download")
        begin = time.monotonic()
        before = after = ""
        for count in range(1, 21):  # 5 times a second, from before the menu is opened
            daemon.tell("download.progress", **facts, kept_bytes=4 * count)
            if count == 3:
                here.click(*shown_icon(here), 3)
                wait_for(lambda: menu_window(here), "menu while it counts", 5)
                before = _picture(here)
            time.sleep(max(0.0, begin + 0.2 * count - time.monotonic()))
        time.sleep(1)
        after = _picture(here)
        assert menu_window(here) is not None
        assert before != after
        assert host.row("↓")["label"].endswith("80 %")


def _picture(here: Desktop) -> str:
    """The menu without the row under the pointer."""
    found = menu_window(here)
    assert found is not None
    x, y, wide, high = found
    where = f"{wide}x{high}+{x}+{y}"
    return here.run("import", "-silent", "-window", "root", "-crop", where, "txt:-")


def test_thirty_models_fit_a_small_screen(tmp_path: Path, daemon: Served) -> None:
    for number in range(28):
        daemon.house.model(f"model-{number:02}")
    daemon.client.use_model("model-27")  # not among the first
    with desktop(tmp_path, services=True, size=(1024, 768)) as here:
        here.environ["GALOSH_LANG"] = "en"
        here.panel()
        start_tray(here)
        with host_of(here) as host:
            wait_for(lambda: host.items() and "(model-27)" in str(host.labels()), "the menu")
            sight = [row["label"] for row in host.layout() if row.get("toggle-state") == 1]
            assert len(sight) == 1
            assert "(model-27)" in sight[0]
            found = "".join(host.labels())
            assert all(f"(model-{number:02})" in found for number in range(28))
        _, y, _, high = open_menu(here)
        assert y >= 0
        assert y + high <= 768


def test_the_panel_dies_and_comes_back(here: Desktop, daemon: Served) -> None:
    panel = here.panel()
    start_tray(here)
    shown_icon(here)
    end(panel)
    assert icon_at(here) is None
    here.panel()
    begin = time.monotonic()
    shown_icon(here, 3)
    print(f"the icon is back {time.monotonic() - begin:.2f} s after the panel")
    with host_of(here) as host:
        wait_for(lambda: "(alpha)" in str(host.labels()), "the menu")


def test_no_panel_then_one(here: Desktop, daemon: Served) -> None:
    tray = start_tray(here)
    time.sleep(1.5)
    assert tray.poll() is None
    here.panel()
    shown_icon(here, 5)


def test_trayer_clicks_and_comes_back(tmp_path: Path, daemon: Served) -> None:
    with desktop(tmp_path) as here:
        here.environ["GALOSH_LANG"] = "en"
        trayer = here.trayer()
        tray = start_tray(here)
        wait_for(lambda: daemon.followers, "the tray at the daemon's events")
        shown_icon(here)
        time.sleep(1)  # for the models, which nothing here can see
        x, y, wide, _ = open_menu(here)
        time.sleep(0.4)
        assert wide > 150
        shot = here.screenshot(here.folder / "trayer.png")
        assert shot.stat().st_size > 2000
        # Rows of Tk's menu: the state, Ask, a line, alpha.
        here.click(x + wide // 2, y + 78)
        wait_for(lambda: daemon.client.status()["worker"]["model"], "a model by click")  # type: ignore[index]
        end(trayer)
        here.trayer()
        shown_icon(here, 5)
        tray.send_signal(signal.SIGTERM)
        assert wait_gone(tray) == 0
    assert "Traceback" not in here.log("tray.log")


def test_dunst_shows_an_odd_name_as_it_is(here: Desktop, daemon: Served) -> None:
    here.dunst(markup=True)
    start_tray(here)
    wait_for(lambda: daemon.followers, "the tray at the daemon's events")
    time.sleep(1)
    daemon.tell("download.done", id="d9", state="done", model_id=ODD)
    daemon.tell("worker.died", cause="memory", title=ODD)
    time.sleep(0.5)
    here.screenshot(here.folder / "dunst.png")
    told = wait_for(lambda: _history(here), "notifications")
    assert {one["summary"]["data"] for one in told} >= {f"{ODD} is here", "Memory was short"}
    # What dunst reads as markup: tags in a name are words to it.
    bodies = " ".join(one["message"]["data"].split("\n", 1)[1] for one in told)
    assert "my_model &amp; &lt;b&gt;5&lt;/b&gt; Модель 🦙" in bodies


def test_no_news_where_the_user_wants_none(here: Desktop, daemon: Served) -> None:
    daemon.client.change_setting("tray.notifications", False)
    here.dunst()
    start_tray(here)
    wait_for(lambda: daemon.followers, "the tray at the daemon's events")
    time.sleep(1)
    daemon.tell("download.done", id="d9", state="done", model_id=ODD)
    time.sleep(0.7)
    assert _history(here) == []


def _history(here: Desktop) -> list[dict[str, Any]]:
    here.run("dunstctl", "close-all")
    found = json.loads(here.run("dunstctl", "history"))["data"]
    return [one for group in found for one in group]


def test_address_and_key_are_copied(here: Desktop, daemon: Served) -> None:
    here.panel()
    here.dunst()
    start_tray(here)
    with host_of(here) as host:
        wait_for(lambda: host.items() and "(beta)" in str(host.labels()), "the menu")
        host.click(host.row("Copy address"))
        wait_for(lambda: "Copied" in str(_history(here)), "the word that it is done")
    token = daemon.paths.token_file.read_text().strip()
    copied = here.run("xclip", "-selection", "clipboard", "-o")
    assert copied == f"http://127.0.0.1:{daemon.port}/v1\n{token}\n"
    assert token not in here.run("dunstctl", "history")
