"""Requests: what is wrong never reaches native code, and says what it must be."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galosh.worker.fault import WorkerFault
from galosh.worker.options import (
    Sampling,
    fold_seed,
    read_generate,
    read_load,
    read_sampling,
    read_threads,
    read_tokens,
    utf8,
)

VOCABULARY = 1000
QUESTION: dict[str, Any] = {"type": "generate", "id": "1", "prompt": "Hi"}
NUMBERS = [
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repeat_penalty",
    "repeat_last_n",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "dynatemp_range",
    "dynatemp_exponent",
    "top_n_sigma",
    "dry_multiplier",
    "dry_base",
    "dry_allowed_length",
    "dry_penalty_last_n",
    "xtc_probability",
    "xtc_threshold",
    "mirostat",
    "mirostat_tau",
    "mirostat_eta",
]


def refused(name: str, **sampling: object) -> WorkerFault:
    with pytest.raises(WorkerFault) as caught:
        read_sampling(sampling, VOCABULARY)
    assert caught.value.code == "worker-option-wrong"
    assert caught.value.facts["name"] == name
    return caught.value


def refused_by_code(data: dict[str, object]) -> None:
    with pytest.raises(WorkerFault) as caught:
        read_sampling(data, VOCABULARY)
    assert caught.value.code == "worker-option-wrong"


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1e30, 2**70, "1", True, [], {}])
def test_no_wild_number_passes(name: str, value: object) -> None:
    refused(name, **{name: value})


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "seed"])
def test_null_is_no_number(name: str) -> None:
    refused(name, **{name: None})


def test_the_fault_names_value_and_bounds() -> None:
    fault = refused("top_p", top_p=1.5)
    assert fault.facts == {"name": "top_p", "value": "1.5", "expected": "0…1"}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*NUMBERS, "logit_bias"]),
        st.floats() | st.integers() | st.none() | st.text(max_size=3),
    )
)
def test_whatever_is_sent_gives_bounded_numbers_or_a_stated_fault(data: dict[str, object]) -> None:
    try:
        sampling = read_sampling(data, VOCABULARY)
    except WorkerFault:
        refused_by_code(data)
        return
    assert 0 <= sampling.temperature <= 5
    assert 0 <= sampling.top_p <= 1
    assert sampling.repeat_penalty > 0


def test_an_unknown_name_is_refused_not_ignored() -> None:
    refused("temprature", temprature=1)
    with pytest.raises(WorkerFault):
        read_generate({**QUESTION, "n_discard": -1}, VOCABULARY)


def test_nothing_said_means_the_defaults() -> None:
    assert read_sampling(None, VOCABULARY) == read_sampling({}, VOCABULARY) == Sampling()


def test_a_whole_float_is_an_integer() -> None:
    assert read_sampling({"top_k": 20.0}, VOCABULARY).top_k == 20


@pytest.mark.parametrize(
    "bias", [{"1000": 1}, {"-1": 1}, {"x": 1}, {"1": 101}, {"1": None}, {"²": 1}, [1]]
)
def test_a_bias_for_no_token_or_out_of_bounds_is_refused(bias: object) -> None:
    refused_names = {"logit_bias", *(bias if isinstance(bias, dict) else ())}
    with pytest.raises(WorkerFault) as caught:
        read_sampling({"logit_bias": bias}, VOCABULARY)
    assert caught.value.facts["name"] in refused_names


@pytest.mark.parametrize(
    "breakers", ["\n", [""], ["x" * 41], ["я" * 21], [1], ["a\0b"], ["x"] * 17, {"a": 1}]
)
def test_a_breaker_that_native_code_would_cut_is_refused(breakers: object) -> None:
    refused("dry_sequence_breakers", dry_sequence_breakers=breakers)


def test_a_breaker_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(WorkerFault) as caught:
        read_sampling({"dry_sequence_breakers": ["\ud800"]}, VOCABULARY)
    assert caught.value.code == "worker-text-broken"


def test_breakers_have_defaults_and_may_be_none_at_all() -> None:
    assert read_sampling({}, VOCABULARY).dry_sequence_breakers == ("\n", ":", '"', "*")
    assert read_sampling({"dry_sequence_breakers": []}, VOCABULARY).dry_sequence_breakers == ()


def test_a_schema_becomes_a_grammar_and_a_grammar_is_never_taken() -> None:
    assert read_generate({**QUESTION, "json": True}, VOCABULARY).grammar is not None
    assert read_generate(QUESTION, VOCABULARY).grammar is None
    formed = read_generate({**QUESTION, "json_schema": {"const": 1}}, VOCABULARY)
    assert "1" in str(formed.grammar)
    with pytest.raises(WorkerFault) as caught:
        read_generate({**QUESTION, "grammar": "root ::= x"}, VOCABULARY)
    assert caught.value.facts["name"] == "grammar"


def test_a_bias_is_kept_by_token_number() -> None:
    assert read_sampling({"logit_bias": {"7": -100}}, VOCABULARY).logit_bias == {7: -100.0}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"stop": [""]}, "stop"),
        ({"stop": "END"}, "stop"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"stop": [1]}, "stop"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"prompt": None}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}]}, "messages"),
        ({"prompt": None, "messages": []}, "messages"),
        ({"prompt": None, "messages": [{"role": "user"}]}, "messages"),
        ({"prompt": None, "messages": [{"role": "user", "content": None}]}, "content"),
        ({"logprobs": 21}, "logprobs"),
        ({"reuse": 1}, "reuse"),
        ({"priority": 3}, "priority"),
        ({"draft": "no"}, "draft"),
    ],
)
def test_a_wrong_question_names_its_field(change: dict[str, object], name: str) -> None:
    with pytest.raises(WorkerFault) as caught:
        read_generate({**QUESTION, **change}, VOCABULARY)
    assert (caught.value.code, caught.value.facts["name"]) == ("worker-option-wrong", name)


def test_the_text_of_a_stop_string_is_not_told() -> None:
    with pytest.raises(WorkerFault) as caught:
        read_generate({**QUESTION, "stop": ["canary " * 100]}, VOCABULARY)
    assert "canary" not in str(caught.value.facts)


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 0},
        {"threads": 10_000},
        {"context_tokens": 0},
        {"cache_type": "q2_k"},
        {"batch_tokens": 0},
        {"use_mmap": "yes"},
        {"flash_attention": "auto"},
        {"path": None},
        {"sequences": 17},
        {"outputs": 3, "sequences": 4},
        {"prefix_key": "00" * 31, "prefix_folder": "/x", "prefix_identity": "m"},
        {"prefix_key": None, "prefix_folder": "/x", "prefix_identity": "m"},
        {"prefix_identity": "", "prefix_folder": "/x", "prefix_key": "00" * 32},
        {"prefix_memory_bytes": -1},
        {"draft": 1},
    ],
)
def test_a_wrong_load_names_its_field(change: dict[str, object]) -> None:
    with pytest.raises(WorkerFault) as caught:
        read_load({"type": "load", "path": "m.gguf", **change})
    assert caught.value.facts["name"] == next(iter(change))


def test_batch_threads_follow_threads_unless_given() -> None:
    assert read_load({"path": "m", "threads": 3}).threads_batch == 3
    assert read_load({"path": "m", "threads": 3, "threads_batch": 4}).threads_batch == 4
    assert read_threads({"count": 2}) == 2


def test_a_load_of_an_older_daemon_asks_for_one_answer_at_a_time_and_keeps_nothing() -> None:
    load = read_load({"path": "m"})
    assert (load.sequences, load.outputs, load.prefix_folder) == (1, 8, None)
    assert load.prefix_memory_bytes == load.prefix_disk_bytes == 0


def test_the_key_of_saved_prefixes_is_never_told() -> None:
    with pytest.raises(WorkerFault) as caught:
        read_load({"path": "m", "prefix_folder": "/x", "prefix_key": "canary"})
    assert "canary" not in str(caught.value.facts)


@settings(deadline=None)
@given(st.integers(-(2**63), 2**64 - 1))
def test_a_seed_of_any_size_becomes_one_that_is_not_the_random_one(seed: int) -> None:
    assert 0 <= fold_seed(seed) < 0xFFFFFFFF
    if 0 <= seed < 0xFFFFFFFF:
        assert fold_seed(seed) == seed


@pytest.mark.parametrize("tokens", [[1000], [-1], [True], ["1"], None, "x"])
def test_tokens_outside_the_vocabulary_are_refused(tokens: object) -> None:
    with pytest.raises(WorkerFault):
        read_tokens({"tokens": tokens}, VOCABULARY)


def test_a_lone_surrogate_is_refused_with_its_place_and_without_the_text() -> None:
    with pytest.raises(WorkerFault) as caught:
        utf8("canary\ud800", "prompt")
    assert caught.value.code == "worker-text-broken"
    assert caught.value.facts == {"name": "prompt", "position": 6}
