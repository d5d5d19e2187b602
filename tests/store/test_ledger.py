"""The journal's lines: whole, cut anywhere, damaged anywhere, with anything behind them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from galosh.store import ledger

RECORDS: list[dict[str, Any]] = [
    {"version": 2, "edits": [[0, 0, "строка\nи ещё"]]},
    {"version": 3, "edits": [[3, 1, "😀\u2028\x00"]], "marks": [[0, 2]]},
    {"version": 4, "title": "Ёж"},
]
WHOLE = b"".join(ledger.encode(record) for record in RECORDS)
ENDS = [0]
for line in RECORDS:
    ENDS.append(ENDS[-1] + len(ledger.encode(line)))


def test_what_was_written_is_read() -> None:
    read = ledger.decode(WHOLE)
    assert list(read.records) == RECORDS
    assert read.good_bytes == len(WHOLE)
    assert not read.damaged
    assert ledger.decode(b"") == ledger.Read((), 0)


def test_cut_at_every_byte_the_whole_lines_before_count() -> None:
    for cut in range(len(WHOLE) + 1):
        read = ledger.decode(WHOLE[:cut])
        count = sum(1 for end in ENDS[1:] if end <= cut)
        assert list(read.records) == RECORDS[:count]
        assert read.good_bytes == ENDS[count]
        assert not read.damaged  # that much a crash may tear off


def test_every_flipped_byte_is_noticed() -> None:
    for at in range(len(WHOLE)):
        data = bytearray(WHOLE)
        data[at] ^= 0x01
        read = ledger.decode(bytes(data))
        count = sum(1 for end in ENDS[1:] if end <= at)
        assert list(read.records)[:count] == RECORDS[:count]
        assert len(read.records) == count, at


@given(st.binary(max_size=200))
def test_nothing_but_lines_comes_out_of_anything(data: bytes) -> None:
    read = ledger.decode(WHOLE + data)
    assert list(read.records)[: len(RECORDS)] == RECORDS
    assert ledger.decode(data).good_bytes <= len(data)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_any_text_survives(record: dict[str, str]) -> None:
    assert ledger.decode(ledger.encode(record)).records == (record,)
    assert json.loads(ledger.encode(record)[9:]) == record
