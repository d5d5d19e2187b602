"""Whole answers enter the record of speeds; layers for a card reach the load request."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from galosh.engine.offload import Decision
from galosh.engine.offload_trial import keep
from tests.supervisor.kit import House, answer, in_loop


def rows(house: House) -> list[tuple[object, ...]]:
    query = (
        "SELECT engine, threads, prompt_tokens, cached_tokens, prefill_seconds, "
        "completion_tokens, decode_seconds, together FROM speed_runs"
    )
    with closing(sqlite3.connect(house.paths.database)) as base:
        return base.execute(query).fetchall()


@in_loop
async def test_a_whole_answer_is_recorded(house: House) -> None:
    async with house.open() as supervisor:
        await answer(supervisor, "one two")
    assert rows(house) == [("fake-1", 2, 3, 0, 0.5, 3, 0.25, 1)]


@in_loop
async def test_a_record_that_cannot_be_written_costs_no_answer(house: House) -> None:
    house.paths.database.mkdir(parents=True)
    async with house.open() as supervisor:
        assert await answer(supervisor, "one") == "echo: one"
        assert await answer(supervisor, "two") == "echo: two"


@in_loop
async def test_layers_that_paid_go_to_the_card(house: House) -> None:
    model = house.model("alpha")
    keep(house.paths, "fake-1", model, Decision(2, "faster", 2, "RTX 3060", 2.0))
    async with house.open() as supervisor:
        await answer(supervisor, "one", "alpha")
        await answer(supervisor, "one", "beta")
    loads = [frame for frame in house.frames() if frame["type"] == "load"]
    assert [frame["gpu_layers"] for frame in loads] == [2, 0]


@in_loop
async def test_the_setting_keeps_the_card_out(house: House) -> None:
    model = house.model("alpha")
    keep(house.paths, "fake-1", model, Decision(2, "faster", 2, "RTX 3060", 2.0))
    with house.paths.settings_file.open("a", encoding="utf-8") as file:
        file.write('gpu = "off"\n')
    async with house.open() as supervisor:
        await answer(supervisor, "one", "alpha")
    [load] = [frame for frame in house.frames() if frame["type"] == "load"]
    assert load["gpu_layers"] == 0
