"""What was read: the longest beginning is found, budgets hold, a file that is not ours never
reaches native code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from galosh.worker.prefix_files import PrefixFiles
from galosh.worker.prefixes import Prefixes, Usable, common, common_tokens, pack

KEY = bytes(range(32))
TEXT = list(range(100, 200))


def cuttable(oldest: int, count: int, common: int) -> int:
    return common


def whole_only(oldest: int, count: int, common: int) -> int:
    return common if common == count else 0


def files(folder: Path, key: bytes = KEY, identity: str = "m", budget: int = 10**6) -> PrefixFiles:
    return PrefixFiles(folder, key, identity, budget)


def prefixes(budget: int, on_disk: PrefixFiles | None, usable: Usable, cut: bool) -> Prefixes:
    made = Prefixes(budget, on_disk)
    made.serve(usable, cut)
    return made


def state(size: int = 1000, fill: int = 7) -> bytearray:
    return bytearray([fill]) * size


@pytest.mark.parametrize("length", [0, 1, 50, 99, 100])
def test_what_two_texts_have_in_common(length: int) -> None:
    other = [*TEXT[:length], *[1] * (100 - length)]
    assert common(pack(TEXT), pack(other)) == length
    assert common_tokens(TEXT, other, 1000) == length
    assert common_tokens(TEXT, other, 10) == min(length, 10)


def test_the_longest_beginning_is_found_and_a_longer_text_replaces_a_shorter() -> None:
    kept = prefixes(10_000, None, cuttable, True)
    assert kept.add(TEXT[:40], 0, state())
    assert kept.add([1, 2, *TEXT], 0, state())
    assert kept.add(TEXT, 0, state(2000))
    assert kept.memory_bytes == 3000
    prefix, count = kept.find([*TEXT[:70], 5, 5], 71)
    assert (count, prefix and prefix.count) == (70, 100)
    assert kept.holds(TEXT[:40])
    assert kept.find([9, 9, 9], 3) == (None, 0)


def test_a_state_that_cannot_be_cut_serves_whole_or_not_at_all() -> None:
    kept = prefixes(10_000, None, whole_only, False)
    kept.add(TEXT[:40], 39, state())
    kept.add(TEXT, 99, state())
    assert kept.find([*TEXT[:70], 5], 70)[1] == 40
    assert kept.find([*TEXT, 5], 100)[1] == 100


def test_the_least_recently_used_goes_first_and_nothing_exceeds_the_budget() -> None:
    kept = prefixes(2500, None, cuttable, True)
    kept.add([1, *TEXT], 0, state())
    kept.add([2, *TEXT], 0, state())
    first, _ = kept.find([1, *TEXT], 101)
    assert first is not None
    assert kept.state(first) == state()
    kept.add([3, *TEXT], 0, state())
    assert kept.memory_bytes == 2000
    assert kept.holds([1, *TEXT])
    assert not kept.holds([2, *TEXT])
    assert not kept.takes(2501)
    assert not kept.add([4, *TEXT], 0, state(2501))


def test_what_leaves_memory_goes_to_disk_and_comes_back_in_another_life(tmp_path: Path) -> None:
    kept = prefixes(1500, files(tmp_path / "p"), cuttable, True)
    kept.add([1, *TEXT], 0, state(fill=1))
    kept.add([2, *TEXT], 0, state(fill=2))
    assert kept.memory_bytes == 1000
    assert kept.save(None) == 1000
    kept.give_back(False)
    assert kept.memory_bytes == 0
    again = prefixes(1500, files(tmp_path / "p"), cuttable, True)
    for number in (1, 2):
        prefix, count = again.find([number, *TEXT, 5], 101)
        assert count == 101
        assert prefix is not None
        assert again.state(prefix) == state(fill=number)
    if os.name == "posix":
        [one, _] = (tmp_path / "p").iterdir()
        assert one.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "p").stat().st_mode & 0o777 == 0o700


def test_the_next_life_knows_what_was_used_last(tmp_path: Path) -> None:
    kept = prefixes(10_000, files(tmp_path), cuttable, True)
    for number in (1, 2, 3):
        kept.add([*TEXT, number], 0, state(fill=number))
    used, count = kept.find([*TEXT, 9], 100)
    assert count == 100
    assert used is not None
    assert kept.state(used) == state(fill=3)  # of those that serve as well, the last
    kept.save(None)
    again = prefixes(10_000, files(tmp_path), cuttable, True)
    assert [prefix.tokens[-4:] for prefix in again._kept] == [pack([n]) for n in (1, 2, 3)]
    found, _ = again.find([*TEXT, 9], 100)
    assert found is not None
    assert again.state(found) == state(fill=3)


def test_a_write_that_takes_too_long_leaves_nothing(tmp_path: Path) -> None:
    assert files(tmp_path).write(pack(TEXT), 0, state(), deadline=0.0) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", ["magic", "head", "tokens", "mac", "state", "end", "cut", "longer"])
def test_a_file_with_one_wrong_byte_is_never_used_and_removed(tmp_path: Path, at: str) -> None:
    shelf = files(tmp_path)
    saved = shelf.write(pack(TEXT), 0, state())
    assert saved is not None
    path = tmp_path / saved.name
    data = bytearray(path.read_bytes())
    body = len(data) - 32 - 1000
    places = {"magic": 0, "head": 20, "tokens": body - 40, "mac": body - 3, "state": body + 500}
    if at == "cut":
        del data[-1]
    elif at == "longer":
        data += b"x"
    else:
        data[places.get(at, -1)] ^= 1
    path.write_bytes(data)
    if shelf.read(saved) is not None:
        # Of the head only what is said now counts here; the next life reads it.
        assert at == "mac"
        assert files(tmp_path).scan() == []
    assert not path.exists()


def test_files_of_another_key_are_removed_and_of_another_model_left(tmp_path: Path) -> None:
    mine = files(tmp_path).write(pack(TEXT), 0, state())
    assert mine is not None
    assert files(tmp_path, identity="other").scan() == []
    assert files(tmp_path).scan() == [mine]
    # The same name under another key: what an attacker without the key would write.
    forged = files(tmp_path, key=bytes(32)).write(pack(TEXT), 0, state())
    assert forged is not None
    (tmp_path / forged.name).replace(tmp_path / mine.name)
    assert files(tmp_path).scan() == []
    assert not (tmp_path / mine.name).exists()


def test_a_link_or_a_folder_in_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    saved = files(tmp_path).write(pack(TEXT), 0, state())
    assert saved is not None
    path, elsewhere = tmp_path / saved.name, tmp_path / "elsewhere"
    path.replace(elsewhere)
    path.symlink_to(elsewhere)
    assert files(tmp_path).scan() == []
    assert elsewhere.exists()


def test_the_disk_budget_holds_over_all_models(tmp_path: Path) -> None:
    for number in range(6):
        shelf = files(tmp_path, identity=f"m{number % 2}", budget=6000)
        saved = shelf.write(pack([number, *TEXT]), 0, state())
        assert saved is not None
        os.utime(tmp_path / saved.name, (number, number))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 6000
    assert files(tmp_path, identity="m1").scan()[-1].tokens == pack([5, *TEXT])
    assert files(tmp_path, budget=6000).write(pack(TEXT), 0, state(7000)) is None


class TestReadAhead:
    """The state that was used last is read before anybody knows that it is needed."""

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> PrefixFiles:
        shelf = files(tmp_path / "p")
        for number in (1, 2):
            saved = shelf.write(pack([number, *TEXT]), 0, state(fill=number))
            assert saved is not None
            os.utime(tmp_path / "p" / saved.name, (number, number))
        return shelf

    def begun(self, shelf: PrefixFiles, budget: int = 1500) -> tuple[Prefixes, Path]:
        """One that reads ahead, and the file that was used last."""
        kept = prefixes(budget, shelf, cuttable, True)
        kept.read_ahead()
        return kept, shelf._folder / shelf.scan()[-1].name

    def state_of(self, kept: Prefixes, number: int) -> bytearray | None:
        prefix, count = kept.find([number, *TEXT, 5], 101)
        assert prefix is not None
        assert count == 101
        return kept.state(prefix)

    def test_it_is_there_when_it_is_asked_for_and_only_once(self, shelf: PrefixFiles) -> None:
        kept, last = self.begun(shelf)
        assert kept._ahead is not None
        kept._ahead._thread.join()
        last.unlink()
        assert self.state_of(kept, 2) == state(fill=2)
        assert self.state_of(kept, 2) is None  # from its file, which is gone

    def test_another_one_is_read_from_its_own_file(self, shelf: PrefixFiles) -> None:
        kept, _ = self.begun(shelf)
        assert self.state_of(kept, 1) == state(fill=1)
        assert self.state_of(kept, 2) == state(fill=2)

    def test_a_wrong_byte_is_found_as_ever(self, shelf: PrefixFiles) -> None:
        last = shelf._folder / shelf.scan()[-1].name
        data = bytearray(last.read_bytes())
        data[-500] ^= 1
        last.write_bytes(data)
        os.utime(last, (2, 2))
        kept, _ = self.begun(shelf)
        assert self.state_of(kept, 2) is None
        assert not last.exists()

    def test_nothing_is_read_that_memory_has_no_place_for(self, shelf: PrefixFiles) -> None:
        kept, _ = self.begun(shelf, budget=999)
        assert kept._ahead is None
        assert self.state_of(kept, 2) == state(fill=2)

    def test_what_nobody_needed_is_let_go(self, shelf: PrefixFiles) -> None:
        kept, _ = self.begun(shelf)
        kept.stop_ahead()
        assert kept._ahead is None
