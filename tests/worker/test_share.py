"""Who reads first, who waits first, and how much is read beside somebody who writes."""

from __future__ import annotations

from galosh.worker.share import Claim, ReadingPace, deal, last

BATCH = 256


def test_the_quick_prompt_reads_before_whoever_came_first() -> None:
    claims = [Claim(1, 1, 900), Claim(2, 2, 100)]
    assert deal(claims, BATCH, BATCH) == [156, 100]


def test_a_short_question_does_not_wait_behind_a_long_one() -> None:
    claims = [Claim(1, 1, 9000), Claim(1, 2, 20)]
    assert deal(claims, BATCH, BATCH) == [236, 20]


def test_among_long_ones_the_first_reads_first() -> None:
    claims = [Claim(1, 2, 9000), Claim(1, 1, 9000)]
    assert deal(claims, BATCH, BATCH) == [0, 256]


def test_a_long_prompt_is_read_in_as_few_parts_as_can_be_and_none_is_small() -> None:
    for tokens in range(1, 2000):
        left, parts = tokens, []
        while left:
            [share] = deal([Claim(1, 1, left)], BATCH, BATCH)
            parts.append(share)
            left -= share
        assert len(parts) == -(-tokens // BATCH)
        assert len(parts) == 1 or min(parts) >= 64


def test_no_more_is_dealt_than_there_is() -> None:
    assert deal([Claim(1, 1, 3), Claim(1, 2, 3)], 4, BATCH) == [3, 1]
    assert deal([], 4, BATCH) == []


def test_the_least_urgent_and_then_the_youngest_waits() -> None:
    assert last([Claim(1, 1, 0), Claim(0, 2, 0), Claim(0, 3, 0)]) == 2
    assert last([Claim(1, 1, 0), Claim(1, 2, 0)]) == 1


def test_beside_a_writer_a_step_stays_short() -> None:
    pace = ReadingPace()
    assert 1 <= pace.beside_writers(BATCH) <= 64
    for _ in range(50):
        pace.note(1.0, 100)  # 10 ms a token
    assert pace.beside_writers(BATCH) * 0.010 <= 0.2
    for _ in range(50):
        pace.note(0.01, 100)
    assert pace.beside_writers(BATCH) == BATCH
    for _ in range(50):
        pace.note(100.0, 100)
    assert pace.beside_writers(BATCH) > 0
    assert pace.beside_writers(1) == 1
