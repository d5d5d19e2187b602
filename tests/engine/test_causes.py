"""Exit statuses and texts, told apart."""

from __future__ import annotations

import pytest

from galosh.engine.causes import cause_of_exit, last_words, sane_text, signal_of


@pytest.mark.parametrize(
    ("status", "windows", "cause"),
    [
        (0, False, None),
        (-4, False, "illegal-instruction"),
        (-11, False, "segmentation-fault"),
        (-7, False, "segmentation-fault"),
        (-6, False, "abort"),
        (-9, False, "killed"),
        (132, False, "illegal-instruction"),
        (1, False, "load-failed"),
        (0xC000001D, True, "illegal-instruction"),
        (0xC0000005, True, "segmentation-fault"),
        (-1073741795, True, "illegal-instruction"),
        (0xC0000409, True, "abort"),
        (3, True, "abort"),
        (0xC0000135, True, "import-error"),
        (1, True, "load-failed"),
    ],
)
def test_exit_status(status: int, windows: bool, cause: str | None) -> None:
    assert cause_of_exit(status, windows=windows, timed_out=False) == cause


def test_our_own_time_limit_is_no_kill_from_outside() -> None:
    assert cause_of_exit(-9, windows=False, timed_out=True) == "timeout"


def test_signal_numbers() -> None:
    assert signal_of(-4, windows=False) == 4
    assert signal_of(1, windows=False) is None
    assert signal_of(0xC000001D, windows=True) == 0xC000001D


def test_last_words_prefer_the_assertion() -> None:
    err = "loading\n/x/ggml.c:12: GGML_ASSERT(n > 0) failed\nmore chatter\n"
    assert last_words(err) == "/x/ggml.c:12: GGML_ASSERT(n > 0) failed"
    assert last_words("one\ntwo\n") == "two"
    assert last_words("") == ""


def test_sane_text() -> None:
    some = [5, 6, 7, 8]
    assert sane_text(" Paris. The", some, finite=True, expected="Paris")
    assert not sane_text(" Rome. The", some, finite=True, expected="Paris")
    assert sane_text(" Rome. The", some, finite=True, expected=None)
    assert not sane_text(" Rome. The", some, finite=False, expected=None)
    assert not sane_text("aaaa", [5, 5, 5, 5], finite=True, expected=None)
    assert not sane_text("", [], finite=True, expected=None)
    assert not sane_text("   ", some, finite=True, expected=None)
    assert not sane_text("\x01\x02a\x03", some, finite=True, expected=None)
    assert sane_text(" \ufffdПариж\ufffd", some, finite=True, expected=None)
