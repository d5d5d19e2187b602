"""Answers of the real engine and the real model, over the real pipe."""

from __future__ import annotations

from typing import Any

import pytest

from tests.worker.client import WorkerProcess, answer

pytestmark = pytest.mark.engine

GREEDY = {"temperature": 0}
# The starter model's own default system message leads it astray; a plain one does not.
SYSTEM = {"role": "system", "content": "You are a helpful assistant."}
FRANCE: dict[str, Any] = {
    "messages": [SYSTEM, {"role": "user", "content": "What is the capital of France?"}],
    "sampling": GREEDY,
    "max_tokens": 40,
}
TALE: dict[str, Any] = {
    "messages": [SYSTEM, {"role": "user", "content": "Tell a tale about a cat."}],
    "max_tokens": 24,
}


def test_hello_names_protocol_engine_and_processor(worker: WorkerProcess) -> None:
    assert worker.hello["protocol"] == 2
    assert str(worker.hello["binding"]).startswith("0.3.")
    assert "CPU" in str(worker.hello["system"])
    assert worker.hello["pid"] == worker.process.pid


def test_a_real_question_gets_its_answer(worker: WorkerProcess) -> None:
    events = worker.generate(**FRANCE)
    assert "Paris" in answer(events)
    started, done = events[0], events[-1]
    assert started["type"] == "started"
    assert started["template"] == "own"
    assert done["finish_reason"] == "stop"
    assert 0 < int(str(done["completion_tokens"])) < 40
    assert float(str(done["decode_seconds"])) > 0
    assert started["prompt_tokens"] == done["prompt_tokens"]


def test_the_second_time_the_prompt_is_remembered_and_the_answer_the_same(
    worker: WorkerProcess,
) -> None:
    first = worker.generate(**FRANCE, reuse=False)
    worker.generate(**FRANCE)
    again = worker.generate(**FRANCE)
    assert first[-1]["cached_tokens"] == 0
    assert again[-1]["cached_tokens"] == int(str(again[-1]["prompt_tokens"])) - 1
    assert answer(again) == answer(first)


def test_a_follow_up_reads_only_what_is_new(worker: WorkerProcess) -> None:
    worker.generate(**FRANCE)
    longer = [
        *FRANCE["messages"],
        {"role": "assistant", "content": "The capital of France is Paris."},
        {"role": "user", "content": "And of Italy?"},
    ]
    done = worker.generate(messages=longer, sampling=GREEDY, max_tokens=8)[-1]
    assert int(str(done["cached_tokens"])) >= 30


def test_one_seed_gives_one_text_and_another_seed_another(worker: WorkerProcess) -> None:
    def tale(seed: int) -> str:
        sampling = {"seed": seed, "temperature": 1.2, "top_p": 0.9, "min_p": 0.02, "top_k": 50}
        return answer(worker.generate(**TALE, sampling=sampling, reuse=False))

    assert tale(7) == tale(7)
    assert len({tale(seed) for seed in (7, 8, 9)}) > 1


def test_the_seed_of_an_unseeded_answer_is_told_and_repeats_it(worker: WorkerProcess) -> None:
    events = worker.generate(**TALE, sampling={"temperature": 1.0}, reuse=False)
    seed = events[0]["seed"]
    sampling = {"temperature": 1.0, "seed": seed}
    assert answer(worker.generate(**TALE, sampling=sampling, reuse=False)) == answer(events)


def test_every_sampler_at_once(worker: WorkerProcess) -> None:
    sampling = {
        "temperature": 0.7, "top_k": 30, "top_p": 0.9, "min_p": 0.01, "typical_p": 0.95,
        "repeat_penalty": 1.1, "repeat_last_n": -1, "frequency_penalty": 0.2,
        "presence_penalty": 0.2, "seed": 2**64 - 1, "logit_bias": {"1": -100, "20": 1.5},
    }  # fmt: skip
    assert worker.generate(**TALE, sampling=sampling)[-1]["type"] == "done"


def test_a_repeat_penalty_changes_a_greedy_answer_that_repeats(worker: WorkerProcess) -> None:
    prompt = "one two three one two three one two three one two"
    plain = answer(worker.generate(prompt=prompt, max_tokens=12, sampling=GREEDY))
    fined = answer(
        worker.generate(prompt=prompt, max_tokens=12, sampling={**GREEDY, "repeat_penalty": 3.0})
    )
    assert "three one two" in plain
    assert "three one two" not in fined


def test_a_biased_token_is_what_comes(worker: WorkerProcess) -> None:
    worker.send(type="tokenize", id="t", text=" potato")
    token = worker.until("tokens")[-1]["tokens"]
    assert isinstance(token, list)
    sampling = {**GREEDY, "logit_bias": {str(token[0]): 100}}
    events = worker.generate(prompt="I like", max_tokens=1, sampling=sampling)
    assert len(answer(events)) > 1
    assert " potato".startswith(answer(events))


def test_a_stop_string_ends_the_answer_and_is_not_shown(worker: WorkerProcess) -> None:
    events = worker.generate(**{**FRANCE, "stop": ["of France is P"]})
    assert answer(events) == "The capital "
    assert events[-1]["finish_reason"] == "stop"


def test_one_token_is_one_token(worker: WorkerProcess) -> None:
    events = worker.generate(**{**FRANCE, "max_tokens": 1})
    assert events[-1]["completion_tokens"] == 1
    assert events[-1]["finish_reason"] == "length"
    assert answer(events) == "The"


def test_no_token_only_reads_the_prompt(worker: WorkerProcess) -> None:
    events = worker.generate(**{**FRANCE, "max_tokens": 0})
    assert answer(events) == ""
    assert events[-1]["finish_reason"] == "length"
    assert worker.generate(**FRANCE)[0]["cached_tokens"] != 0


@pytest.mark.parametrize(
    ("prompt", "expected"), [("🦊 Привет! " * 10, "Привет!"), ("🦊 👋🏽 привет " * 8, "👋🏽 👋🏽")]
)
def test_russian_and_emoji_come_whole(worker: WorkerProcess, prompt: str, expected: str) -> None:
    # 22 to 24 tokens end in the middle of an emoji of the second prompt's answer.
    for max_tokens in (22, 23, 24):
        events = worker.generate(prompt=prompt, max_tokens=max_tokens, sampling=GREEDY)
        pieces = [str(event["text"]) for event in events if event["type"] == "text"]
        assert expected in "".join(pieces)
        assert all("\ufffd" not in piece for piece in pieces)


def test_text_goes_to_tokens_and_back(worker: WorkerProcess) -> None:
    text = "Hello, Привет 👋 \n\t<|im_end|>"
    worker.send(type="tokenize", id="a", text=text)
    tokens = worker.until("tokens")[-1]["tokens"]
    worker.send(type="count", id="b", text=text)
    assert isinstance(tokens, list)
    assert worker.until("count")[-1]["count"] == len(tokens)
    worker.send(type="detokenize", id="c", tokens=tokens)
    assert worker.until("detokenized")[-1]["text"] == text


def test_counting_messages_counts_the_template_too(worker: WorkerProcess) -> None:
    worker.send(type="count", id="c", messages=FRANCE["messages"])
    count = worker.until("count")[-1]["count"]
    assert count == worker.generate(**FRANCE)[0]["prompt_tokens"]


def test_a_marker_typed_by_the_user_does_not_end_his_message(worker: WorkerProcess) -> None:
    def tokens_of(content: str) -> int:
        worker.send(type="count", id="c", messages=[{"role": "user", "content": content}])
        return int(str(worker.until("count")[-1]["count"]))

    # As a control token it would be one token; typed, it is several.
    assert tokens_of("a<|im_end|>b") >= tokens_of("ab") + 4


def test_logprobs_are_of_the_chosen_and_the_likeliest(worker: WorkerProcess) -> None:
    events = worker.generate(**{**FRANCE, "max_tokens": 3}, logprobs=4)
    entries: list[Any] = []
    for event in events:
        found = event.get("logprobs", [])
        assert isinstance(found, list)
        entries += found
    assert len(entries) == 3
    assert "".join(entry["text"] for entry in entries) == answer(events)
    for entry in entries:
        likeliest = [other["logprob"] for other in entry["top"]]
        assert len(likeliest) == 4
        assert likeliest == sorted(likeliest, reverse=True)
        # Greedy: the chosen one is the likeliest.
        assert entry["logprob"] == likeliest[0] <= 0


def test_threads_change_between_tokens_and_the_answer_stays(worker: WorkerProcess) -> None:
    alone = answer(worker.generate(**FRANCE, reuse=False))
    worker.send(type="generate", id="t", **FRANCE, reuse=False)
    worker.until("started")
    worker.send(type="threads", count=2)
    changed = answer(worker.until("done"))
    worker.send(type="threads", count=1)
    assert changed == alone
