"""Vectors of the real model in the real engine; texts to fill in; talks that are cut."""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import gguf_models
from tests.worker.client import Event, WorkerProcess, answer

pytestmark = pytest.mark.engine


def embed(worker: WorkerProcess, *texts: str, **options: object) -> Event:
    worker.send(type="embed", id="v", texts=list(texts), **options)
    while (event := worker.next())["type"] == "prefill":
        assert event["id"] == "v"
    return event


def vectors(event: Event) -> list[tuple[float, ...]]:
    assert event["type"] == "embedded", event
    found = event["vectors"]
    assert isinstance(found, list)
    raw = [base64.b64decode(text) for text in found]
    return [struct.unpack(f"<{len(one) // 4}f", one) for one in raw]


def generate(worker: WorkerProcess, **options: object) -> tuple[str, Event]:
    events = worker.generate(**options)
    assert events[-1]["type"] == "done", events[-1]
    return answer(events), events[-1]


def alike(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


def test_vectors_are_normalised_and_say_what_is_alike(worker: WorkerProcess) -> None:
    event = embed(
        worker,
        "The cat sat on the mat.",
        "A cat was sitting on a rug.",
        "Interest rates rose by two percent in the third quarter.",
    )
    cat, rug, rates = vectors(event)
    for vector in (cat, rug, rates):
        assert math.isclose(alike(vector, vector), 1.0, rel_tol=1e-3)
    assert alike(cat, rug) > alike(cat, rates)
    assert isinstance(event["tokens"], int)
    assert event["tokens"] > 20


def test_a_text_read_in_pieces_is_the_same_each_time_and_beside_others(
    worker: WorkerProcess,
) -> None:
    """Longer than what is read at a time, so that the mean is put together."""
    text = "the quick brown fox jumps over the lazy dog again and again " * 30
    [alone] = vectors(embed(worker, text))
    again, _ = vectors(embed(worker, text, "short"))
    assert math.isclose(alike(alone, again), 1.0, rel_tol=1e-4)


def test_an_answer_goes_on_after_vectors(worker: WorkerProcess) -> None:
    ask = {"prompt": "The capital of France is", "max_tokens": 4, "sampling": {"temperature": 0}}
    first, _ = generate(worker, **ask)
    embed(worker, "something else in between")
    second, done = generate(worker, **ask)
    assert first == second
    assert done["finish_reason"] == "length"


@pytest.mark.parametrize("texts", [[], "x", [1], ["x"] * 65])
def test_wrong_texts_are_refused(worker: WorkerProcess, texts: object) -> None:
    worker.send(type="embed", id="v", texts=texts)
    event = worker.next()
    assert (event["type"], event["code"]) == ("error", "worker-option-wrong")


def test_a_text_that_is_too_long_is_refused_or_cut(worker: WorkerProcess) -> None:
    text = "word " * 3000
    event = embed(worker, text)
    assert (event["type"], event["code"]) == ("error", "worker-prompt-too-long")


def test_how_much_was_cut_is_told(fresh: WorkerProcess, model: Path) -> None:
    assert fresh.load(model, threads=1, context_tokens=256)["type"] == "loaded"
    fresh.send(type="embed", id="v", texts=["word " * 300, "short"], truncate=True)
    event = fresh.until("embedded", "error")[-1]
    assert event["type"] == "embedded", event
    assert 30 <= int(str(event["dropped_tokens"])) <= 60


def test_a_stop_string_is_told(worker: WorkerProcess) -> None:
    _, done = generate(
        worker, prompt="1, 2, 3, 4,", max_tokens=24, stop=["nothing", "6"],
        sampling={"temperature": 0},
    )  # fmt: skip
    assert (done["finish_reason"], done["stop_string"]) == ("stop", "6")


def test_a_talk_is_cut_only_where_that_is_wanted(fresh: WorkerProcess, model: Path) -> None:
    assert fresh.load(model, threads=1, context_tokens=512)["type"] == "loaded"
    turns = [{"role": "system", "content": "Answer in one word."}]
    for number in range(20):
        turns.append({"role": "user", "content": f"Question {number}: " + "so many words " * 8})
        turns.append({"role": "assistant", "content": "Yes."})
    turns.append({"role": "user", "content": "What is the capital of France?"})
    event = fresh.generate(messages=turns, max_tokens=1)[-1]
    assert (event["type"], event["code"]) == ("error", "worker-prompt-too-long")
    _, done = generate(fresh, messages=turns, max_tokens=1, truncate=True)
    dropped = done["dropped_messages"]
    assert isinstance(dropped, int)
    assert 0 < dropped < 40
    assert dropped % 2 == 0
    assert done["dropped_tokens"]
    endless = [{"role": "user", "content": "so many words " * 900}]
    event = fresh.generate(messages=endless, truncate=True, max_tokens=1)[-1]
    assert event["code"] == "worker-prompt-too-long"


def test_filling_in_needs_a_model_that_can(worker: WorkerProcess) -> None:
    assert worker.generate(prompt="a", suffix="b")[-1]["code"] == "worker-no-filling"


def test_filling_in(fresh: WorkerProcess, tmp_path: Path) -> None:
    model = gguf_models.llama()
    words, kinds = ["<|before|>", "<|after|>", "<|between|>"], [3, 3, 3]
    known = dict(model.metadata)
    tokens, types = known["tokenizer.ggml.tokens"], known["tokenizer.ggml.token_type"]
    assert isinstance(tokens, list)
    assert isinstance(types, list)
    known["tokenizer.ggml.tokens"] = [*tokens[:290], *words, *tokens[293:]]
    known["tokenizer.ggml.token_type"] = [*types[:290], *kinds, *types[293:]]
    for at, name in enumerate(("fim_pre", "fim_suf", "fim_mid")):
        known[f"tokenizer.ggml.{name}_token_id"] = 290 + at
    path = replace(model, metadata=known).write(tmp_path / "code.gguf")
    assert fresh.load(path, threads=1, context_tokens=256)["type"] == "loaded"
    _, done = generate(fresh, prompt="ab", suffix="cd", max_tokens=1)
    _, first = generate(fresh, prompt="ab", max_tokens=1, parse_special=False)
    _, second = generate(fresh, prompt="cd", max_tokens=1, parse_special=False)
    counts = [int(str(event["prompt_tokens"])) for event in (done, first, second)]
    assert counts[0] == counts[1] + counts[2] - 1 + 3  # one beginning, three marks
