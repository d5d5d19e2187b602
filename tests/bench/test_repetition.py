"""The measure of repetition, on texts where a reader would say the same."""

from __future__ import annotations

import pytest

from scripts.benches.repetition import measure

PROSE = (
    "The old man looked at the sea and thought of the summers when the harbour had been full of "
    "boats. Now there were three, and one of them leaked. He did not mind; the fish had never "
    "asked how many came for them, and the gulls were as rude as ever."
)


@pytest.mark.parametrize(
    "text",
    [PROSE, "", "Yes.", "no no no no", "- milk\n- bread\n- butter\n- eggs\n- flour\n- salt\n" * 1],
)
def test_what_is_no_raving(text: str) -> None:
    assert not measure(text).raves


@pytest.mark.parametrize(
    "text",
    [
        "I am a cat. " * 10,
        f"{PROSE} {PROSE}",
        "and then and then and then and then and then and then and then and then and then",
        " ".join(f"Step {n}: open the box and look inside it." for n in range(20)),
        f"{PROSE} " + "It leaked. " * 40,
    ],
)
def test_what_is(text: str) -> None:
    assert measure(text).raves


def test_the_numbers() -> None:
    found = measure("a b c d x a b c d y")
    assert (found.words, found.longest) == (10, 4)
    assert found.distinct == pytest.approx(6 / 7)
    assert measure("a a a a a").longest == 4  # it may overlap itself
