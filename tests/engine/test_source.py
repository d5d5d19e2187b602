"""The changed waits, on the lines of the pinned release that they were made for."""

from __future__ import annotations

import re

from galosh.engine import source

# What the changes look for, in the order of ggml-cpu.c of llama-cpp-python 0.3.36.
ORIGINAL = "\n".join(before for before, _ in source._CHANGES)


def test_every_wait_is_changed_and_what_it_uses_stands_before_it() -> None:
    changed = source.patient(ORIGINAL)
    assert changed is not None
    assert changed.count("galosh_spin(&") == 2, "the barrier and the wait for work"
    helper = changed.index("static bool galosh_spin(")
    assert changed.index("struct galosh_patience {") < helper < changed.index("galosh_spin(&")
    spins = re.findall(r"ggml_thread_cpu_relax\(\);", changed)
    assert len(spins) == 1, "only the helper spins"
    for name in ("cond_init", "cond_wait", "cond_broadcast", "cond_destroy"):
        assert re.search(rf"ggml_{name}\(&\w+->galosh_cond", changed), name


def test_a_second_time_changes_nothing() -> None:
    once = source.patient(ORIGINAL)
    assert once is not None
    assert source.patient(once) == once


def test_another_text_is_left_alone() -> None:
    assert source.patient("") is None
    assert source.patient(ORIGINAL + ORIGINAL) is None
    assert source.patient(ORIGINAL.replace("Keep polling", "Keep on")) is None
