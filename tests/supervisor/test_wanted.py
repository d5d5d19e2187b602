"""What is wanted, on disk."""

from __future__ import annotations

import pytest

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.supervisor.wanted import Wanted, WantedFile
from tests.supervisor.kit import in_loop


@in_loop
async def test_the_newest_value_is_what_stays(paths: Paths) -> None:
    file = WantedFile(paths.state / "wanted.json")
    for number in range(20):
        file.save_soon(Wanted(f"m{number}", number or None, "before"))
    await file.settled()
    assert file.load() == Wanted("m19", 19, "before")


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (None, Wanted()),
        ([], Wanted()),
        ({"model_id": 7}, Wanted()),
        ({"model_id": "m", "context_tokens": -1, "previous": 3}, Wanted("m")),
        ({"model_id": "m", "context_tokens": True}, Wanted("m")),
    ],
)
def test_damage_falls_to_the_safe_side(paths: Paths, data: object, wanted: Wanted) -> None:
    if data is not None:
        durable.write_json(paths.state / "wanted.json", data)  # type: ignore[arg-type]
    assert WantedFile(paths.state / "wanted.json").load() == wanted


@in_loop
async def test_a_disk_that_refuses_only_costs_the_memory(paths: Paths) -> None:
    paths.state.parent.mkdir(parents=True)
    paths.state.write_text("a file where a folder should be")
    file = WantedFile(paths.state / "wanted.json")
    file.save_soon(Wanted("m"))
    await file.settled()
    assert file.load() == Wanted()
