"""The record of this PC's speed: kept, bounded, and never in anybody's way."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from galosh.base.paths import Paths
from galosh.fit import record
from galosh.fit.measured import Circumstances, Cost, Measured
from galosh.fit.runs import Run
from galosh.fit.work import Heads, Kind
from galosh.supervisor.download_table import DownloadTable

NOW = Circumstances("engine-1", "mains", 2)
RUN = Run("m", NOW, 600, 100, 1.5, 80, 4.0, at=1.0, load=0.2, expected_decode_seconds=3.0)
MEASURED = Measured(NOW, {Kind(12, 8, 8): Cost(1e-3, 2e-3)}, {Heads(1, 1, 1, 1): (1.0, 2.0)},
                    1e-6, 1e-9, 2e9, {2: 1e9}, 256, 5.0)  # fmt: skip


def test_nothing_is_there_at_first(paths: Paths) -> None:
    assert record.runs_for(paths, NOW) == []
    assert record.measured_for(paths, NOW) is None
    assert not paths.database.exists()  # asking makes no file


def test_what_was_kept_comes_back(paths: Paths) -> None:
    record.keep_run(paths, RUN)
    record.keep_measured(paths, MEASURED)
    assert record.runs_for(paths, NOW) == [RUN]
    assert record.measured_for(paths, NOW) == MEASURED


@pytest.mark.parametrize(
    "other", [Circumstances("engine-2", "mains", 2), Circumstances("engine-1", "battery", 2),
              Circumstances("engine-1", "mains", 1)],
)  # fmt: skip
def test_other_circumstances_are_apart(paths: Paths, other: Circumstances) -> None:
    record.keep_run(paths, RUN)
    record.keep_measured(paths, MEASURED)
    assert record.runs_for(paths, other) == []
    assert record.measured_for(paths, other) is None


def test_the_record_is_bounded(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "KEPT_RUNS", 5)
    for second in range(1, 12):
        record.keep_run(paths, replace(RUN, at=float(second)))
    assert [run.at for run in record.runs_for(paths, NOW)] == [11.0, 10.0, 9.0, 8.0, 7.0]


def test_expectations_of_another_formula_mean_nothing(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.keep_run(paths, RUN)
    monkeypatch.setattr(record, "FORMULA", record.FORMULA + 1)
    assert record.runs_for(paths, NOW) == [replace(RUN, expected_decode_seconds=None)]


def test_it_shares_the_database_with_the_downloads(paths: Paths) -> None:
    table = DownloadTable(paths.database)
    table.note("a", 1)
    record.keep_run(paths, RUN)
    table.note("b", 2)
    assert (table.noted("a"), table.noted("b")) == (1, 2)
    assert record.runs_for(paths, NOW) == [RUN]
    table.close()


@pytest.mark.parametrize("broken", ["damaged", "locked", "a folder"])
def test_a_database_that_cannot_be_used_is_passed_over(
    paths: Paths, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_WAIT_SECONDS", 0.05)
    paths.state.mkdir(parents=True)
    holder = None
    if broken == "damaged":
        paths.database.write_bytes(b"no database at all" * 100)
    elif broken == "a folder":
        paths.database.mkdir()
    else:
        holder = sqlite3.connect(paths.database, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
    record.keep_run(paths, RUN)
    record.keep_measured(paths, MEASURED)
    assert record.runs_for(paths, NOW) == []
    assert record.measured_for(paths, NOW) is None
    if holder is not None:
        holder.close()


def test_a_measurement_of_another_make_is_as_none(paths: Paths) -> None:
    record.keep_measured(paths, MEASURED)
    with sqlite3.connect(paths.database) as base:
        base.execute("UPDATE speed_measured SET value = '{\"kinds\": 3}'")
    assert record.measured_for(paths, NOW) is None
