"""The menu as a pure model: what the user reads in every state, and what an update changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from galosh.base.errors import GaloshError
from galosh.tray import menu
from galosh.tray.icons import Mark
from galosh.tray.rows import Kind, Row, all_rows, changed, find, shape
from galosh.tray.view import Forecast, Model, View, read_download, read_forecast

READY = {
    "state": "ready",
    "stage": "awake",
    "model": "qwen",
    "title": "Qwen 4B",
    "worker_pid": 7,
    "worker_memory_bytes": 3_100_000_000,
    "tokens_per_second": 7.24,
}
MODELS = (Model("qwen", "Qwen 4B"), Model("tiny", "Tiny"), Model("bad", "Bad", problem="Cut off."))
DOWNLOAD = {
    "id": "d1",
    "state": "running",
    "file_name": "x/Qwen3.5-4B-Q4_K_M.gguf",
    "kept_bytes": 430,
    "size_bytes": 1000,
    "eta_seconds": 130,
}


def view(**facts: object) -> View:
    return replace(View(away=False, worker=READY, models=MODELS), **facts)  # type: ignore[arg-type]


def texts(rows: tuple[Row, ...]) -> list[str]:
    return [row.text for row in rows if row.kind is not Kind.LINE]


def row(view: View, key: str) -> Row:
    found = find(menu.build(view), key)
    assert found is not None, key
    return found


def test_everything_is_there_and_one_row_is_the_default() -> None:
    rows = menu.build(view(hotkey="Ctrl+Alt+Space", presets=(("precise", "Precise"),)))
    assert texts(rows) == [
        "Qwen 4B · 3.1 GB of memory · 7.2 tokens/s",
        "Ask …   Ctrl+Alt+Space",
        "Bad — Cut off.",
        "Qwen 4B",
        "Tiny",
        "Download another …",
        "Style: as the model's makers say",
        "Open notebook",
        "Pause for a game",
        "Unload now",
        "Start at login",
        "Hotkey and settings …",
        "Copy address and key for other programs",
        "Doctor",
        "Quit",
    ]
    assert [one.key for one in all_rows(rows) if one.default] == ["ask"]
    assert len({one.key for one in all_rows(rows)}) == len(list(all_rows(rows)))


def test_exactly_one_model_is_ticked_and_it_follows_the_model() -> None:
    def ticked(at: View) -> list[str]:
        return [one.key for one in menu.build(at) if one.kind is Kind.RADIO and one.ticked]

    before = view()
    chosen = view(pending="tiny")
    loading = view(pending="tiny", worker={**READY, "state": "loading", "model": "tiny"})
    assert ticked(before) == ["model:qwen"]
    assert ticked(chosen) == ticked(loading) == ["model:tiny"]
    failed = replace(chosen, pending=None)  # what the agent does when the swap failed
    assert ticked(failed) == ["model:qwen"]


def test_a_model_that_does_not_fit_is_grey_and_says_why() -> None:
    forecasts = {
        "tiny": Forecast("fits", 21.4),
        "qwen": Forecast("no", None, 9_100_000_000, 4_200_000_000),
    }
    other = {**READY, "model": "tiny"}
    at = view(forecasts=forecasts, worker=other)
    assert row(at, "model:tiny").text == "Tiny — fits, about 21 tokens/s"
    grey = row(at, "model:qwen")
    assert grey.text == "Qwen 4B — needs 9.1 GB, 4.2 GB free"
    assert not grey.enabled
    assert not row(at, "model:bad").enabled
    closing = view(forecasts={"tiny": Forecast("fits-after-closing")})
    assert row(closing, "model:tiny").enabled


def test_the_model_in_use_is_never_grey() -> None:
    at = view(forecasts={"qwen": Forecast("no", None, 2, 1)})
    assert row(at, "model:qwen").enabled


@pytest.mark.parametrize("count", [9, 30, 200])
def test_many_models_fit_the_screen_and_the_current_one_is_in_sight(count: int) -> None:
    models = tuple(Model(f"m{n:03}", f"Model {n:03}") for n in range(count))
    last = models[-1].id
    at = view(models=models, worker={**READY, "model": last})
    rows = menu.build(at)
    assert find([one for one in rows if one.kind is not Kind.MENU], f"model:{last}") is not None
    # 26 pixels a row in xfce4-panel: both lists below 768.
    assert len(rows) * 26 < 768
    more = find(rows, "models")
    assert more is not None
    assert len(more.rows) * 26 < 768
    if count < 200:
        assert {one.key for one in all_rows(rows)} >= {f"model:{model.id}" for model in models}
    else:
        assert find(rows, "models:all") is not None


def test_an_odd_name_stays_as_it_is() -> None:
    name = "my_model & <b>5</b> Модель 🦙"
    at = view(models=(Model("odd", name),), worker={**READY, "model": "odd", "title": name})
    assert row(at, "model:odd").text == name
    assert menu.state_line(at).startswith(name)


def test_a_name_from_right_to_left_does_not_turn_the_line() -> None:
    at = view(models=(Model("he", "דגם"),), forecasts={"he": Forecast("fits", 5.0)})
    assert row(at, "model:he").text == "\u200e\u2068דגם\u2069 — fits, about 5.0 tokens/s"


def test_a_download_counts_pauses_and_ends() -> None:
    at = view().take_download("download.progress", DOWNLOAD)
    assert row(at, "download:d1").text == "↓ Qwen3.5-4B-Q4_K_M: 43 %, 2 min 10 s left"
    assert at.mark is Mark.DOWNLOADING
    assert at.look.fraction == pytest.approx(0.44)
    assert row(at, "download:d1:switch").text == "Pause"
    paused = at.take_download("download.paused", {**DOWNLOAD, "state": "paused"})
    assert row(paused, "download:d1").text == "↓ Qwen3.5-4B-Q4_K_M: 43 %, paused"
    assert row(paused, "download:d1:switch").text == "Go on"
    assert paused.mark is Mark.READY
    assert at.take_download("download.done", {**DOWNLOAD, "state": "done"}).downloads == ()


def test_counting_changes_a_text_and_never_the_layout() -> None:
    before = menu.build(view().take_download("download.progress", DOWNLOAD))
    after = menu.build(
        view().take_download("download.progress", {**DOWNLOAD, "kept_bytes": 500, "eta_seconds": 9})
    )
    assert shape(before) == shape(after)
    assert [one.key for one in changed(before, after)] == ["download:d1"]


def test_a_failed_download_says_why() -> None:
    error = GaloshError("base-disk-full", path="/x", free_bytes=0).to_json()
    at = view().take_downloads([{**DOWNLOAD, "state": "needs-user", "error": error}])
    assert row(at, "download:d1").text.endswith("Could not write /x.")


def test_away_offers_to_start() -> None:
    at = View()
    assert texts(menu.build(at))[0] == "galosh is not running"
    assert row(at, "start").enabled
    assert at.mark is Mark.AWAY
    assert not row(View(starting=True), "start").enabled


@pytest.mark.parametrize(
    ("worker", "line", "mark"),
    [
        ({**READY, "answering": True, "state": "busy"}, "answering", Mark.ANSWERING),
        ({**READY, "state": "loading", "progress": 0.4}, "Loading Qwen 4B: 40 %", Mark.LOADING),
        ({**READY, "stage": "model"}, "Qwen 4B", Mark.ASLEEP),
        ({"state": "no-model", "wanted": "qwen"}, "Qwen 4B sleeps", Mark.ASLEEP),
        ({"state": "no-model"}, "No model is loaded", Mark.NO_MODEL),
        ({"state": "no-model", "paused": True, "wanted": "qwen"}, "Paused", Mark.PAUSED),
    ],
)
def test_the_state_in_one_line(worker: dict[str, object], line: str, mark: Mark) -> None:
    at = view(worker=worker)
    assert line in menu.state_line(at)
    assert at.mark is mark


def test_trouble_is_a_row_with_the_reason() -> None:
    error = GaloshError("worker-out-of-memory", needed_bytes=9, free_bytes=6)
    at = view(worker={**READY, "state": "failed", "failure": error.to_json()})
    assert at.mark is Mark.TROUBLE
    assert error.what in row(at, "trouble").text
    assert row(at, "trouble").enabled is False


def test_another_model_waits_for_the_answer_and_the_line_says_so() -> None:
    worker = {**READY, "state": "busy", "answering": True}
    at = view(worker=worker, pending="tiny")
    assert menu.state_line(at) == "Tiny follows after this answer"


def test_russian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_LANG", "ru")
    assert row(view(), "pause").text == "Пауза на время игры"
    assert menu.state_line(view()) == "Qwen 4B · 3.1 ГБ памяти · 7.2 токенов/с"


def test_replies_of_another_form_are_unknown_not_a_failure() -> None:
    assert read_download({"id": 3}) is None
    assert read_forecast({"verdict": "fits", "speed": [1]}) == Forecast()
    at = view().take_models([{"id": None}, {"title": 5, "id": "x"}])
    assert at.models == (Model("x", "x"),)
    assert view(worker={"model": 5, "failure": 3, "state": []}).mark is Mark.NO_MODEL
