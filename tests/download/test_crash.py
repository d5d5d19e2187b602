"""Power cuts: every disk call, sampled states of each; thousands of them by hand."""

from __future__ import annotations

import pytest

from tests.download.crash import enumerate_cuts

# Slower than a unit test on purpose: several hundred whole downloads run here.


@pytest.mark.parametrize(("pinned", "changed"), [(True, False), (False, False), (False, True)])
def test_no_state_after_a_power_cut_ends_wrong_or_dead(
    pinned: bool, changed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = enumerate_cuts(pinned=pinned, changed=changed, states_per_cut=4, seed=5, every=2)
    with capsys.disabled():
        print(f"\ncrash states tried: {tally.states} after {tally.cuts} cuts")
    assert tally.clean
    assert tally.states > 100
