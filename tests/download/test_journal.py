"""The journal: any cut or flip leaves a prefix of the truth."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from galosh.download import journal
from galosh.download.journal import RECORD_BYTES, Flag, Kind, Ledger, Reason, Record

numbers = st.integers(0, 2**32 - 1)
records = st.builds(
    Record, st.sampled_from(Kind), numbers, numbers, numbers, st.integers(0, 3), numbers,
    st.integers(0, 255),
)  # fmt: skip


@given(records)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert journal.decode(record.encode()) == record
    assert len(record.encode()) == RECORD_BYTES


@given(st.lists(records, max_size=20), st.integers(0, 20 * RECORD_BYTES))
def test_any_cut_gives_a_prefix(written: list[Record], cut: int) -> None:
    data = b"".join(record.encode() for record in written)[:cut]
    assert journal.decode_all(data) == written[: cut // RECORD_BYTES]


@given(st.lists(records, min_size=1, max_size=12), st.data())
def test_any_flip_gives_a_prefix(written: list[Record], data: st.DataObject) -> None:
    raw = bytearray(b"".join(record.encode() for record in written))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    assert journal.decode_all(bytes(raw)) == written[: at // RECORD_BYTES]


@given(st.binary(max_size=200))
def test_garbage_and_zeros_are_no_records(garbage: bytes) -> None:
    assert journal.decode_all(b"\0" * 64 + garbage) == []
    assert journal.decode(garbage) is None


def test_sync_covers_only_what_was_recorded_before_it_began() -> None:
    ledger = Ledger()
    ledger.apply(journal.done(0, 10, 1, 0, 0, Flag.NONE))
    covered = ledger.records
    ledger.apply(journal.done(1, 10, 2, 0, 0, Flag.NONE))  # while the sync ran
    ledger.apply(journal.sync(covered, 0))
    assert ledger.is_durable(0)
    assert not ledger.is_durable(1)
    assert ledger.unproved() == [1]


def test_a_sync_cannot_cover_records_that_come_after_it() -> None:
    ledger = Ledger()
    ledger.apply(journal.sync(100, 0))
    ledger.apply(journal.done(0, 10, 1, 0, 0, Flag.NONE))
    assert not ledger.is_durable(0)


def test_invalid_takes_a_chunk_back_and_a_later_done_restores_it() -> None:
    ledger = Ledger()
    ledger.apply(journal.done(3, 10, 1, 0, 0, Flag.NONE))
    ledger.apply(journal.invalid(3, 0, Reason.DAMAGED_ON_DISK))
    assert (ledger.kept_bytes, ledger.chunks) == (0, {})
    assert ledger.last_reason is Reason.DAMAGED_ON_DISK
    ledger.apply(journal.done(3, 10, 7, 0, 0, Flag.NONE))
    assert (ledger.kept_bytes, ledger.chunks[3].crc) == (10, 7)


def test_a_new_generation_forgets_the_old_and_ignores_its_stragglers() -> None:
    ledger = Ledger()
    ledger.apply(journal.session(0, 1, 1, 0))
    ledger.apply(journal.done(0, 10, 1, 0, 0, Flag.NONE))
    ledger.apply(journal.session(0, 2, 1, 1))
    ledger.apply(journal.done(1, 10, 1, 0, 0, Flag.NONE))
    assert (ledger.generation, ledger.chunks, ledger.kept_bytes) == (1, {}, 0)


@given(st.lists(records, max_size=60))
def test_kept_bytes_is_the_sum_of_the_chunks(written: list[Record]) -> None:
    ledger = Ledger()
    for record in written:
        ledger.apply(record)
    assert ledger.kept_bytes == sum(entry.length for entry in ledger.chunks.values())
