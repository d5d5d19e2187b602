"""Kill -9 at random moments: 3 seeds of a small file always, 25 of 100 MB in the full tier."""

from __future__ import annotations

import pytest

from tests.download.kill import run_seeds


def test_a_killed_download_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    # Real processes: a second each. Seed 0 by time, 1 in a journal write, 5 in a rename.
    for seed in (0, 1, 5):
        (outcome,) = run_seeds(range(seed, seed + 1), 16_000_000, 12e6)
        assert outcome.twice_bytes <= 1_200_000


@pytest.mark.story
@pytest.mark.timeout(600)
def test_25_kills_of_a_100_mb_download(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = run_seeds(range(25), 100_000_000, 40e6)
    worst = max(one.twice_bytes for one in outcomes)
    with capsys.disabled():
        killed = sum(one.killed for one in outcomes)
        print(f"\n25 seeds, {killed} killed, bytes fetched twice: worst {worst:,}")
    assert killed >= 15
    assert worst < 2_000_000
