"""Sheets on disk: crashes at every byte, two writers, a full disk, the bin, damaged files."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.store import sheets
from galosh.store.sheet import Edit
from galosh.store.sheets import Sheets


class SetClock(SystemClock):
    """Wall time as the test sets it."""

    now = 1e9

    def wall_seconds(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def book(tmp_path: Path, clock: SetClock) -> Sheets:
    return Sheets(tmp_path / "notebooks", clock)


def again(book: Sheets) -> Sheets:
    """The same folder, read anew, as after a crash."""
    return Sheets(book._drawer._folder, SetClock())


def typed(book: Sheets, sheet_id: str, text: str) -> None:
    for letter in text:
        sheet = book.get(sheet_id)
        book.edit(sheet_id, sheet.version, [Edit(sheet.length, 0, letter)])


def journal_of(book: Sheets, sheet_id: str) -> Path:
    return book._drawer._folder / f"{sheet_id}.journal"


def test_what_was_acknowledged_is_there_after_a_crash(book: Sheets) -> None:
    sheet_id, _ = book.create("", "Жил ")
    typed(book, sheet_id, "был 😀")
    book.edit(sheet_id, book.get(sheet_id).version, [Edit(0, 1, "Ж")], [(0, 3)])
    book.rename(sheet_id, "Сказка")
    found = again(book).get(sheet_id)
    assert found == book.get(sheet_id)
    assert (found.text, found.title, found.marks) == ("Жил был 😀", "Сказка", ((0, 3),))


def test_a_journal_cut_at_every_byte_keeps_every_whole_change(book: Sheets) -> None:
    sheet_id, _ = book.create("", "")
    typed(book, sheet_id, "aбв")
    path = journal_of(book, sheet_id)
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        fresh = again(book)
        found = fresh.get(sheet_id)
        assert found.text == "aбв"[: whole[:cut].count(b"\n")]
        # And it goes on from there: the torn rest hides nothing that comes later.
        typed(fresh, sheet_id, "!")
        assert again(book).get(sheet_id).text == found.text + "!"


def test_a_crash_between_snapshot_and_journal_counts_nothing_twice(
    book: Sheets, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet_id, _ = book.create("", "")
    typed(book, sheet_id, "abc")
    path = journal_of(book, sheet_id)
    old = path.read_bytes()
    monkeypatch.setattr(sheets, "_JOURNAL_BYTES", 0)
    typed(book, sheet_id, "d")
    assert not path.exists()  # it was more than the text: a snapshot took its place
    path.write_bytes(old)
    fresh = again(book)
    assert fresh.get(sheet_id).text == "abcd"
    monkeypatch.undo()
    typed(fresh, sheet_id, "e")
    assert again(book).get(sheet_id).text == "abcde"


def test_damage_in_the_middle_is_set_aside_and_nothing_before_it_is_lost(book: Sheets) -> None:
    sheet_id, _ = book.create("", "")
    typed(book, sheet_id, "abcdef")
    path = journal_of(book, sheet_id)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"d"', b'"x"')
    path.write_bytes(b"".join(lines))
    fresh = again(book)
    assert fresh.get(sheet_id).text == "abc"
    typed(fresh, sheet_id, "!")
    assert again(book).get(sheet_id).text == "abc!"
    assert path.with_suffix(".damaged").read_bytes() == b"".join(lines)


def test_two_writers_never_overwrite_each_other(book: Sheets) -> None:
    sheet_id, _ = book.create("", "")
    taken: list[str] = []
    refused: list[GaloshError] = []

    def write(letter: str) -> None:
        for _ in range(30):
            sheet = book.get(sheet_id)
            try:
                book.edit(sheet_id, sheet.version, [Edit(sheet.length, 0, letter)])
                taken.append(letter)
            except GaloshError as error:
                refused.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(again(book).get(sheet_id).text) == sorted(taken)
    assert len(taken) + len(refused) == 60
    assert {error.code for error in refused} <= {"notebook-changed"}
    assert all(isinstance(error.facts["version"], int) for error in refused)
    with pytest.raises(GaloshError) as caught:
        book.edit(sheet_id, 1, [Edit(0, 0, "x")])
    assert caught.value.facts["version"] == book.get(sheet_id).version


@pytest.mark.parametrize("after_bytes", [0, 10])
def test_a_full_disk_is_stated_and_costs_nothing(
    book: Sheets, monkeypatch: pytest.MonkeyPatch, after_bytes: int
) -> None:
    sheet_id, _ = book.create("", "")
    typed(book, sheet_id, "abc")
    real = os.write
    left = [after_bytes]

    def full(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(descriptor, bytes(data)[: left[0]])
        left[0] -= written
        return written

    monkeypatch.setattr("galosh.store.drawer.os.write", full)
    with pytest.raises(GaloshError) as caught:
        typed(book, sheet_id, "d")
    assert caught.value.code == "base-disk-full"
    assert caught.value.kept
    monkeypatch.undo()
    assert book.get(sheet_id).text == again(book).get(sheet_id).text == "abc"
    typed(book, sheet_id, "d")
    assert again(book).get(sheet_id).text == "abcd"


def test_a_drive_that_fails_the_fsync_acknowledges_nothing(
    book: Sheets, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet_id, _ = book.create("", "")
    typed(book, sheet_id, "a")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("galosh.base.durable.sync_file", fail)
    with pytest.raises(GaloshError) as caught:
        typed(book, sheet_id, "b")
    assert caught.value.code == "base-not-writable"
    monkeypatch.undo()
    assert book.get(sheet_id).text == again(book).get(sheet_id).text == "a"


def test_the_bin_keeps_for_thirty_days(book: Sheets, clock: SetClock) -> None:
    kept, _ = book.create("Kept", "text")
    sheet_id, _ = book.create("Gone", "text")
    typed(book, sheet_id, "!")
    book.delete(sheet_id)
    assert [row["id"] for row in book.list()] == [kept]
    assert [row["heading"] for row in book.deleted()] == ["Gone"]
    for work in (book.get, book.delete):
        with pytest.raises(GaloshError) as caught:
            work(sheet_id)
        assert caught.value.code == "notebook-unknown"
    clock.now += 29 * 86_400
    assert book.restore(sheet_id).text == "text!"
    typed(book, sheet_id, "?")
    assert again(book).get(sheet_id).text == "text!?"
    assert not book.deleted()
    book.delete(sheet_id)
    clock.now += 31 * 86_400
    assert not book.deleted()
    with pytest.raises(GaloshError) as caught:
        book.restore(sheet_id)
    assert caught.value.code == "notebook-unknown"


def test_lists_are_newest_first_and_searched(book: Sheets) -> None:
    first, _ = book.create("Первый", "О ЁЖИКАХ и лисах")
    second, _ = book.create("", "Second\nline")
    assert [row["id"] for row in book.list()] == [second, first]
    typed(book, first, "!")
    assert [row["id"] for row in book.list()] == [first, second]
    assert [row["id"] for row in book.list("ёжиках")] == [first]
    assert [row["id"] for row in book.list("первый")] == [first]
    assert [row["heading"] for row in book.list("LINE")] == ["Second"]
    assert book.list("nowhere") == []


def test_one_damaged_sheet_hides_no_other(book: Sheets) -> None:
    good, _ = book.create("Good", "x")
    bad, _ = book.create("Bad", "x")
    path = book._drawer._folder / f"{bad}.json"
    for content in (b"{", b"[]", b'{"version": 1}', b'{"version": "1"}', b"\xff\xfe"):
        path.write_bytes(content)
        fresh = again(book)
        rows = {row["id"]: row for row in fresh.list()}
        assert rows[good]["heading"] == "Good"
        assert rows[bad]["problem"]["code"] == "notebook-damaged"  # type: ignore[index]
        with pytest.raises(GaloshError) as caught:
            fresh.get(bad)
        assert caught.value.code == "notebook-damaged"
        assert not fresh.list("nothing")
    assert path.read_bytes() == b"\xff\xfe"  # left as it is


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "A" * 12, "x" * 12, "0" * 11, "\0"])
def test_no_name_leads_out_of_the_folder(book: Sheets, name: str) -> None:
    for work in (book.get, book.delete, book.restore):
        with pytest.raises(GaloshError) as caught:
            work(name)
        assert caught.value.code == "notebook-unknown"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")
def test_files_are_the_users_alone(book: Sheets) -> None:
    sheet_id, _ = book.create("", "secret")
    typed(book, sheet_id, "!")
    folder = book._drawer._folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.glob("*.*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_large_paste_and_edits_in_it(book: Sheets) -> None:
    text = "строка 😀\n" * 500_000  # five million units and more
    sheet_id, made = book.create("", text)
    edited = book.edit(sheet_id, 1, [Edit(made.length, 0, text[:1_000_000])])
    assert again(book).get(sheet_id).text == text + text[:1_000_000]
    last = book.edit(sheet_id, edited.version, [Edit(7, 2, "😁"), Edit(0, 0, "x")])
    assert again(book).get(sheet_id) == last
