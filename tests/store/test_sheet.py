"""A sheet and its edits: as a page counts, never a character in half, marks that follow."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.store.sheet import MAX_UNITS, Edit, Sheet, restored

TEXTS = st.text(st.sampled_from("aб😀\n e\u0301"), max_size=12)


def sheet(text: str, marks: tuple[tuple[int, int], ...] = ()) -> Sheet:
    made = Sheet.new("", text, 1.0)
    return made if not marks else made.edited([], marks, 1.0)


def code_of(sheet_: Sheet, *edits: Edit, marks: list[tuple[int, int]] | None = None) -> str:
    with pytest.raises(GaloshError) as caught:
        sheet_.edited(edits, marks, 2.0)
    return caught.value.code


def test_places_are_counted_as_a_page_counts() -> None:
    edited = sheet("a😀b").edited([Edit(3, 1, "ц"), Edit(1, 2, "😁")], None, 2.0)
    assert edited.text == "a😁ц"
    assert (edited.version, edited.length, edited.brief()["characters"]) == (2, 4, 3)


def test_each_edit_counts_in_the_text_after_the_one_before() -> None:
    assert sheet("abc").edited([Edit(0, 1, "xyz"), Edit(3, 1, "")], None, 2.0).text == "xyzc"


@pytest.mark.parametrize(
    "edit",
    [Edit(2, 0, "x"), Edit(1, 1, ""), Edit(2, 1, "x"), Edit(0, 2, ""), Edit(4, 1, ""),
     Edit(5, 0, "x"), Edit(0, 9, "")],
)  # fmt: skip
def test_no_character_is_cut_in_half_and_nothing_lies_outside(edit: Edit) -> None:
    assert code_of(sheet("a😀b"), edit) == "notebook-bad-edit"


def test_a_bad_edit_among_good_ones_changes_nothing() -> None:
    before = sheet("abc")
    assert code_of(before, Edit(0, 0, "x"), Edit(9, 0, "y")) == "notebook-bad-edit"
    assert before.text == "abc"


def test_a_sheet_holds_so_much_and_no_more() -> None:
    full = sheet("x" * MAX_UNITS)
    assert code_of(full, Edit(0, 0, "y")) == "notebook-too-long"
    assert full.edited([Edit(0, 1, "y")], None, 2.0).length == MAX_UNITS
    with pytest.raises(GaloshError) as caught:
        sheet("😀" * (MAX_UNITS // 2 + 1))
    assert caught.value.code == "notebook-too-long"


@pytest.mark.parametrize(
    ("edit", "left"),
    [
        (Edit(0, 0, "xx"), [(4, 8)]),  # before: shifted
        (Edit(9, 1, "xx"), [(2, 6)]),  # behind: nothing
        (Edit(4, 0, "x"), [(2, 4), (5, 7)]),  # within: the user's letter is not generated
        (Edit(3, 1, ""), [(2, 3), (3, 5)]),
        (Edit(1, 3, ""), [(1, 3)]),
        (Edit(5, 4, "yy"), [(2, 5)]),
        (Edit(0, 10, ""), []),
        (Edit(2, 4, "same"), []),
        (Edit(6, 0, "x"), [(2, 6)]),
        (Edit(2, 0, "x"), [(3, 7)]),
    ],
)
def test_marks_are_what_nobody_edited(edit: Edit, left: list[tuple[int, int]]) -> None:
    edited = sheet("0123456789", ((2, 6),)).edited([edit], None, 2.0)
    assert list(edited.marks) == left


@pytest.mark.parametrize(
    "marks", [[(0, 11)], [(3, 3)], [(4, 3)], [(0, 4), (3, 5)], [(5, 6), (0, 1)]]
)
def test_marks_that_fit_no_text(marks: list[tuple[int, int]]) -> None:
    assert code_of(sheet("0123456789"), Edit(0, 0, ""), marks=marks) == "notebook-bad-edit"


@given(st.data())
def test_edits_do_what_a_page_does(data: st.DataObject) -> None:
    """Against plain lists of UTF-16 units; and written down and read, the sheet is the same."""
    text = data.draw(TEXTS)
    now, units = sheet(text), list(memoryview(text.encode("utf-16-le")).cast("H"))
    snapshot, records = json.loads(json.dumps(now.to_json())), []
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(units) + 1))
        out = data.draw(st.integers(0, 4))
        put = data.draw(TEXTS)
        try:
            now = now.edited([Edit(at, out, put)], None, 2.0)
        except GaloshError:
            joined = [at, at + out]
            inside = at + out <= len(units) and all(
                not (0 < i < len(units) and 0xDC00 <= units[i] < 0xE000) for i in joined
            )
            assert not inside
            continue
        units[at : at + out] = memoryview(put.encode("utf-16-le")).cast("H")
        records.append({"at_seconds": 2.0, "edits": [[at, out, put]]})
        assert list(memoryview(now.units).cast("H")) == units
        places = [place for mark in now.marks for place in mark]
        assert places == sorted(places)
    assert restored(snapshot, json.loads(json.dumps(records))) == now


def test_a_heading_is_the_title_or_the_first_line_that_says_something() -> None:
    assert sheet("\n  \n Once upon \nx").heading == "Once upon"
    assert sheet("x").renamed("Tale", 2.0).heading == "Tale"
    assert sheet("").heading == ""
    assert len(sheet("😀" * 9000).heading) == 80
