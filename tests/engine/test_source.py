"""The changes to the engine's source, on the lines of the pinned release they were made for."""

from __future__ import annotations

import re

import pytest

from galosh.engine import source

# What the changes look for, in the order of the files of llama-cpp-python 0.3.36.
ORIGINALS = {
    group: {file: "\n".join(before for before, _ in changes) for file, changes in files.items()}
    for group, files in source.GROUPS.items()
}
each_group = pytest.mark.parametrize("group", sorted(source.GROUPS))


def changed(group: str) -> dict[str, str]:
    texts = source.changed(group, ORIGINALS[group])
    assert texts is not None
    return texts


def test_every_wait_is_changed_and_what_it_uses_stands_before_it() -> None:
    [text] = changed("waits").values()
    assert text.count("galosh_spin(&") == 2, "the barrier and the wait for work"
    helper = text.index("static bool galosh_spin(")
    assert text.index("struct galosh_patience {") < helper < text.index("galosh_spin(&")
    spins = re.findall(r"ggml_thread_cpu_relax\(\);", text)
    assert len(spins) == 1, "only the helper spins"
    for name in ("cond_init", "cond_wait", "cond_broadcast", "cond_destroy"):
        assert re.search(rf"ggml_{name}\(&\w+->galosh_cond", text), name


def test_rows_have_the_same_parts_and_the_room_for_them_and_the_engine_says_so() -> None:
    plan, ops, features = changed("rows").values()
    rows, cells = (re.findall(rf"#define GALOSH_{name} (\d+)", ops) for name in ("ROWS", "PART"))
    assert f"galosh_rows <= {rows[0]})" in plan
    assert f"ne[1] + {int(cells[0]) - 1})/{cells[0]})" in plan
    assert re.findall(r"bool use_split_kv_path = (.*);", ops) == ["false"]
    helper = ops.index("void galosh_flash_attn_ext_parts(")
    assert helper < ops.index("galosh_flash_attn_ext_parts(params, dst);")
    names = re.findall(r"push_back\(\{ (.+) \}\)", features)
    assert names == [f'"GALOSH_ROWS", "{rows[0]}"', "nullptr, nullptr"], "the list ends with null"


def test_masked_cells_are_told_before_any_mask_is_turned_into_a_float() -> None:
    [text] = changed("masked").values()
    helper, asked = text.index("static bool galosh_masked("), text.index("= galosh_masked(")
    assert helper < asked < text.index("tile_rows && !can_skip") < text.index("fp16_to_fp32(mp_row")


@each_group
def test_a_second_time_changes_nothing(group: str) -> None:
    once = changed(group)
    assert source.changed(group, once) == once


@each_group
def test_another_text_is_left_alone_and_so_are_the_files_beside_it(group: str) -> None:
    for file, text in ORIGINALS[group].items():
        for other in ("", text + text, text.replace("_", "-")):
            assert source.changed(group, {**ORIGINALS[group], file: other}) is None


def test_a_few_tokens_take_neither_small_parts_nor_tiles() -> None:
    [text] = changed("few").values()
    few = text.index("#define GALOSH_FEW")
    assert (
        few < text.index("nr1 <= GALOSH_FEW) {") < text.index("vec_dot_type && ne11 > GALOSH_FEW")
    )
