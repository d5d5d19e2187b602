"""The queue's small parts: what is worth an event, what the table keeps, how a line reads."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.cli.pull_screen import line_of
from galosh.download.place import choose_place
from galosh.download.plan import Plan
from galosh.download.resolved import Resolved
from galosh.server.download_requests import parse_keep, parse_new_download, parse_wanted
from galosh.supervisor.download_job import JobFile, JobRecord, job_id, with_files
from galosh.supervisor.download_pace import Pace
from galosh.supervisor.download_table import DownloadTable

RECORD = JobRecord(
    id="0123456789",
    source="hf:a/b:Q4_0",
    added_at_seconds=1.5,
    sha256="a" * 64,
    connections=2,
    purpose="recommended",
    replaces="starter",
    environ=(("HF_ENDPOINT", "http://hub"),),
    files=(JobFile("k", "/models/x.gguf", 10), JobFile("l", "/models/y.gguf", None, True)),
    error=GaloshError("download-gated", repo="a/b", status=401, page="p"),
)


class TestPace:
    def test_at_most_four_a_second_and_only_changes(self) -> None:
        pace = Pace()
        told = []
        for step in range(100):  # ten seconds, ten looks a second
            look = {"state": "fetching", "kept_bytes": min(step, 50)}
            if pace.event_for(look, step * 0.1):
                told.append(step)
        assert len([step for step in told if step <= 50]) <= 21
        assert max(told) <= 53  # the last change is told, then nothing
        assert told[-1] >= 50

    def test_a_new_state_is_told_at_once(self) -> None:
        pace = Pace()
        assert pace.event_for({"state": "fetching", "kept_bytes": 1}, 0.0) == "download.progress"
        assert pace.event_for({"state": "fetching", "kept_bytes": 2}, 0.01) is None
        assert pace.event_for({"state": "verifying", "kept_bytes": 2}, 0.02) == "download.progress"

    def test_a_wait_is_told_once_per_try(self) -> None:
        pace = Pace()

        def look(at: float, left: float, code: str = "download-no-network") -> str | None:
            waiting = {"code": code, "next_try_seconds": left}
            return pace.event_for({"state": "waiting-network", "waiting": waiting}, at)

        assert look(0.0, 10.0) == "download.waiting"
        assert look(1.0, 9.0) is None
        assert look(9.9, 0.1) is None
        assert look(10.1, 20.0) == "download.waiting"
        assert look(10.2, 19.9, "download-sign-in") == "download.waiting"
        assert pace.event_for({"state": "fetching"}, 10.3) == "download.progress"


class TestTable:
    def test_what_goes_in_comes_out_in_order(self, paths: Paths) -> None:
        table = DownloadTable(paths.database)
        second = JobRecord(id="b", source="s", added_at_seconds=0.5)
        table.save(RECORD)
        table.save(second)
        table.close()
        again = DownloadTable(paths.database)
        first, *rest = again.load()
        assert rest == [second]
        assert first.error is not None
        assert first.error.facts == RECORD.error.facts  # type: ignore[union-attr]
        assert {k: v for k, v in vars(first).items() if k != "error"} == {
            k: v for k, v in vars(RECORD).items() if k != "error"
        }
        again.save(JobRecord(id=RECORD.id, source="t", added_at_seconds=1.5))
        again.delete("b")
        assert [record.source for record in again.load()] == ["t"]
        again.close()

    @pytest.mark.parametrize("damage", [b"", b"no database" * 500, "page", "table"])
    def test_damage_never_stops_it(self, paths: Paths, damage: bytes | str) -> None:
        table = DownloadTable(paths.database)
        for number in range(50):
            table.save(JobRecord(id=str(number), source="s" * 200, added_at_seconds=0.0))
        table.close()
        if isinstance(damage, bytes):
            paths.database.write_bytes(damage)
        elif damage == "page":
            data = bytearray(paths.database.read_bytes())
            data[4096:12288] = bytes(8192)
            paths.database.write_bytes(data)
        else:
            with sqlite3.connect(paths.database) as base:
                base.execute("UPDATE downloads SET files = '{' WHERE id = '7'")
            base.close()
        again = DownloadTable(paths.database)
        found = again.load()
        assert len(found) == (49 if damage == "table" else 0)
        again.save(RECORD)
        assert again.load()[-1].id == RECORD.id
        again.close()
        aside = list(paths.state.glob("galosh.sqlite.damaged-*"))
        assert bool(aside) == (damage not in (b"", "table"))

    def test_from_several_threads(self, paths: Paths) -> None:
        table = DownloadTable(paths.database)

        def write(name: str) -> None:
            for number in range(10):
                table.save(JobRecord(id=f"{name}{number}", source="s", added_at_seconds=0.0))

        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(table.load()) == 30
        table.close()

    def test_a_place_that_cannot_be_written_is_stated(self, paths: Paths) -> None:
        paths.state.mkdir(parents=True)
        paths.database.mkdir()
        with pytest.raises(GaloshError) as caught:
            DownloadTable(paths.database).load()
        assert caught.value.code == "supervisor-list-unwritable"


def test_the_same_wish_has_the_same_id() -> None:
    assert job_id("a", None, None) == job_id("a", None, None)
    assert len({job_id("a", None, None), job_id("a", "0" * 64, None), job_id("a", None, "/x")}) == 3


def test_a_file_once_its_own_stays_its_own() -> None:
    found = (JobFile("k", "/models/x.gguf", 10, was_there=True), JobFile("m", "/z", 1, True))
    first, other = with_files(RECORD, found).files
    assert not first.was_there
    assert other.was_there


def test_two_repositories_with_one_file_name(paths: Paths, tmp_path: Path) -> None:
    paths.models.mkdir(parents=True)

    def resolved(source: str, size: int) -> Resolved:
        plan = Plan("model.gguf", size, "a" * 64, "hub", (), source)
        return Resolved(source, "model.gguf", (plan,), size_bytes=size, sha256="a" * 64)

    assert choose_place(paths, resolved("hf:a/one", 4)) == paths.models / "model.gguf"
    (paths.models / "model.gguf").write_bytes(b"GGUF")
    assert choose_place(paths, resolved("hf:a/one", 4)) == paths.models / "model.gguf"
    other = choose_place(paths, resolved("hf:b/two:Q4", 5))
    assert other == paths.models / "b--two--Q4" / "model.gguf"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": ""},
        {"source": 3},
        {"source": "x", "connections": 9},
        {"source": "x", "max_rate_bytes": -1},
        {"source": "x", "environ": {"PATH": "/"}},
        {"source": "x", "environ": "y"},
        {"source": "x", "unknown": 1},
    ],
)
def test_wrong_wishes_are_refused(body: dict[str, object]) -> None:
    with pytest.raises(GaloshError) as caught:
        parse_new_download(body)
    assert caught.value.code == "server-bad-request"


def test_other_wrong_requests() -> None:
    with pytest.raises(GaloshError):
        parse_wanted({"state": "x"})
    with pytest.raises(GaloshError):
        parse_keep({"keep": "all"})
    assert parse_wanted({"state": "running"})
    assert parse_keep({"keep": "partial"})
    assert not parse_keep({})


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (
            {"state": "fetching", "kept_bytes": 1_500_000, "size_bytes": 3_000_000,
             "speed_bytes_per_second": 500_000, "eta_seconds": 3.0, "connections": 2},
            "1.5 MB of 3.0 MB, 50 %, 500 KB/s, 3.0 s left, connections: 2",
        ),
        ({"state": "new"}, "waiting to start"),
        ({"state": "paused", "kept_bytes": 10, "size_bytes": None}, "10 bytes, paused"),
        (
            {"state": "verifying", "kept_bytes": 100, "size_bytes": 100, "verified_bytes": 25},
            "100 bytes of 100 bytes, 100 %, checking 25 %",
        ),
    ],
)  # fmt: skip
def test_a_look_as_a_line(view: dict[str, object], line: str) -> None:
    assert line_of(view) == line


def test_a_wait_says_what_for_and_until_when() -> None:
    waiting = {"code": "x", "what": "There is no network.", "next_try_seconds": 5.0}
    line = line_of({"state": "waiting-network", "kept_bytes": 1, "waiting": waiting})
    assert line.startswith("1 bytes, waiting for the network, There is no network. (next try at ")
