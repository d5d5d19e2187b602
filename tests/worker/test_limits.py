"""The real worker at its limits: cancellation, long and broken prompts, wrong files, its end."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from galosh.worker.frames import encode
from tests.fakes.serving import wait_until
from tests.worker.client import WorkerProcess, answer
from tests.worker.files import with_template
from tests.worker.test_answers import FRANCE, GREEDY, TALE

pytestmark = pytest.mark.engine

CANCEL_SECONDS = 0.2
LONG = "The quick brown fox jumps over the lazy dog. " * 150


def seconds_between(first: dict[str, object], last: dict[str, object]) -> float:
    return float(str(last["at"])) - float(str(first["at"]))


def test_cancelling_in_prefill_ends_at_once_and_leaves_no_trace(worker: WorkerProcess) -> None:
    clean = answer(worker.generate(**FRANCE, reuse=False))
    worker.send(type="generate", id="long", prompt=LONG, max_tokens=4, reuse=False)
    started = worker.until("started")[-1]
    assert int(str(started["prompt_tokens"])) > 1400
    # One micro-batch is in, so that the next one is cut in its middle.
    worker.until("prefill")
    asked = time.monotonic()
    worker.send(type="cancel", id="long")
    done = worker.until("done")[-1]
    assert float(str(done["at"])) - asked < CANCEL_SECONDS
    assert (done["finish_reason"], done["completion_tokens"]) == ("cancelled", 0)
    assert answer(worker.generate(**FRANCE)) == clean


def test_what_was_read_before_the_cancellation_is_not_read_again(worker: WorkerProcess) -> None:
    unheard = f"Unheard. {LONG}"
    worker.send(type="generate", id="long", prompt=unheard, max_tokens=1)
    worker.until("prefill")
    worker.send(type="cancel", id="long")
    worker.until("done")
    short = unheard[: len(LONG) // 4]
    kept = worker.generate(prompt=short, max_tokens=8, sampling=GREEDY)
    clean = worker.generate(prompt=short, max_tokens=8, sampling=GREEDY, reuse=False)
    assert int(str(kept[-1]["cached_tokens"])) >= 256
    assert answer(kept) == answer(clean)


def test_cancelling_in_decode_ends_at_once_and_leaves_no_trace(worker: WorkerProcess) -> None:
    clean = answer(worker.generate(**FRANCE, reuse=False))
    tale = {**TALE, "max_tokens": None}
    worker.send(type="generate", id="tale", **tale, sampling={"seed": 1})
    worker.until("text")
    asked = time.monotonic()
    worker.send(type="cancel", id="tale")
    done = worker.until("done")[-1]
    assert float(str(done["at"])) - asked < CANCEL_SECONDS
    assert done["finish_reason"] == "cancelled"
    assert answer(worker.generate(**FRANCE)) == clean


def test_a_cancelled_request_in_the_queue_is_never_begun(worker: WorkerProcess) -> None:
    worker.send(type="generate", id="first", **FRANCE)
    worker.send(type="generate", id="second", **TALE)
    worker.send(type="cancel", id="second")
    events = [*worker.until("done"), *worker.until("done")]
    first = [event for event in events if event.get("id") == "first"]
    second = [event for event in events if event.get("id") == "second"]
    assert "Paris" in answer(first)
    assert [event["type"] for event in second] == ["done"]
    assert second[-1]["finish_reason"] == "cancelled"


def test_an_answer_without_limit_ends_where_the_context_does(
    fresh: WorkerProcess, model: Path
) -> None:
    loaded = fresh.load(model, threads=1, context_tokens=256)
    room = int(str(loaded["context_tokens"]))
    events = fresh.generate(prompt=LONG[:400], sampling={"seed": 3, "logit_bias": {"2": -100}})
    done = events[-1]
    assert done["finish_reason"] == "length"
    total = int(str(done["prompt_tokens"])) + int(str(done["completion_tokens"]))
    assert total == room + 1


def test_a_prompt_must_leave_a_place_for_the_answer(fresh: WorkerProcess, model: Path) -> None:
    fresh.load(model, threads=1, context_tokens=256)
    for tokens, kind in ((255, "done"), (256, "error"), (257, "error")):
        last = fresh.generate(prompt=" a" * tokens, max_tokens=1, sampling=GREEDY)[-1]
        assert last["type"] == kind
        if kind == "error":
            assert last["code"] == "worker-prompt-too-long"
            assert last["facts"] == {"prompt_tokens": tokens, "context_tokens": 256}


@pytest.mark.parametrize("as_messages", [True, False])
def test_ten_megabytes_are_refused_within_a_second(
    worker: WorkerProcess, as_messages: bool
) -> None:
    text = "слово word " * 700_000
    question: dict[str, Any] = {"prompt": text}
    if as_messages:
        question = {"messages": [{"role": "user", "content": text}]}
    frame = encode({"type": "generate", "id": "big", **question})
    begun = time.monotonic()
    worker.send_bytes(frame)
    error = worker.until("error", "done")[-1]
    assert time.monotonic() - begun < 1.0
    assert error["code"] == "worker-prompt-too-long"
    assert "Paris" in answer(worker.generate(**FRANCE))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"prompt": ""}, "worker-prompt-empty"),
        ({"prompt": "a\ud800"}, "worker-text-broken"),
        ({"messages": [{"role": "user", "content": "\udfff"}]}, "worker-text-broken"),
        ({"prompt": "a", "sampling": {"top_k": "many"}}, "worker-option-wrong"),
        ({"prompt": "a", "grammar": "root ::= x"}, "worker-option-wrong"),
        ({"prompt": "a", "sampling": {"logit_bias": {"49152": 1}}}, "worker-option-wrong"),
    ],
)
def test_bad_questions_get_a_stated_error(
    worker: WorkerProcess, change: dict[str, object], code: str
) -> None:
    assert worker.generate(**change)[-1]["code"] == code


def test_odd_but_good_questions_are_answered(worker: WorkerProcess) -> None:
    for prompt in ("\x00", "\ufffd", " ", "\n" * 500, "<|im_end|>" * 3, "e\u0301" * 50):
        assert worker.generate(prompt=prompt, max_tokens=2)[-1]["type"] == "done"


def test_an_unknown_request_and_a_question_before_the_model(fresh: WorkerProcess) -> None:
    fresh.send(type="dance", id="d")
    assert fresh.until("error")[-1]["code"] == "worker-request-unknown"
    assert fresh.generate(**FRANCE)[-1]["code"] == "worker-no-model"


def test_a_model_cut_in_half_fails_to_load_and_the_worker_goes_on(
    fresh: WorkerProcess, model: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "обрезанная модель.gguf"
    with model.open("rb") as whole:
        cut.write_bytes(whole.read(model.stat().st_size // 2))
    failed = fresh.load(cut)
    assert (failed["type"], failed["code"]) == ("load_failed", "worker-load-failed")
    assert "not within the file bounds" in str(failed["why"])
    # What native code complains about goes to stderr and not between the frames.
    # It is another pipe, read by another thread, so it may come a moment later.
    wait_until(lambda: "not within the file bounds" in fresh.stderr, 30)
    whole_copy = tmp_path / "целая модель.gguf"
    whole_copy.symlink_to(model)
    assert fresh.load(whole_copy, threads=1)["type"] == "loaded"


@pytest.mark.parametrize("content", [None, b"", b"GGUF", b"<html>" * 100, "folder"])
def test_what_is_no_model_fails_to_load(
    fresh: WorkerProcess, tmp_path: Path, content: bytes | str | None
) -> None:
    path = tmp_path / "x.gguf"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "folder":
        path.mkdir()
    failed = fresh.load(path)
    assert failed["type"] == "load_failed"
    assert failed["code"] in ("worker-model-missing", "worker-load-failed")
    assert failed["why"]


def test_a_context_that_no_memory_holds_fails_to_load(fresh: WorkerProcess, model: Path) -> None:
    failed = fresh.load(model, context_tokens=4 * 1024 * 1024)
    assert (failed["type"], failed["code"]) == ("load_failed", "worker-context-failed")
    assert fresh.load(model, threads=1)["type"] == "loaded"


def test_a_load_can_be_cancelled(fresh: WorkerProcess, model: Path) -> None:
    fresh.send(type="load", id="load", path=str(model))
    fresh.send(type="cancel", id="load")
    failed = fresh.until("loaded", "load_failed")[-1]
    assert failed["code"] == "worker-load-cancelled"
    assert fresh.load(model, threads=1)["type"] == "loaded"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
         "worker-template-endless"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "worker-template-broken"),
        ("{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}", "worker-template-too-long"),
    ],
)  # fmt: skip
def test_a_hostile_template_is_stopped_and_the_worker_goes_on(
    fresh: WorkerProcess, model: Path, tmp_path: Path, source: str, code: str
) -> None:
    fresh.load(with_template(model, tmp_path / "m.gguf", source), threads=1)
    assert fresh.generate(**FRANCE)[-1]["code"] == code
    assert fresh.generate(prompt="Hello", max_tokens=1)[-1]["type"] == "done"


def test_no_prompt_reaches_the_log(worker: WorkerProcess) -> None:
    worker.generate(prompt="canary canary", sampling={"temperature": "canary"})
    assert "Paris" in answer(worker.generate(**FRANCE))
    assert "France" not in worker.stderr
    assert "canary" not in worker.stderr


def test_the_end_of_the_pipe_ends_the_worker_at_once(worker_argv: list[str], model: Path) -> None:
    with WorkerProcess(worker_argv) as process:
        process.load(model, threads=1)
        process.send(type="generate", id="long", prompt=LONG, reuse=False)
        process.until("started")
        assert process.process.stdin is not None
        process.process.stdin.close()
        assert process.exit_status(1.0) == 0


def test_the_end_of_the_pipe_ends_a_load_too(fresh: WorkerProcess, model: Path) -> None:
    fresh.send(type="load", path=str(model), check_tensors=True, use_mmap=False)
    assert fresh.process.stdin is not None
    fresh.process.stdin.close()
    assert fresh.exit_status(1.0) == 0


def test_exit_ends_the_worker(fresh: WorkerProcess) -> None:
    fresh.send(type="exit")
    assert fresh.exit_status(1.0) == 0


def test_bytes_that_are_no_frame_end_the_worker_with_a_reason(fresh: WorkerProcess) -> None:
    fresh.send_bytes(b"\x00\x00\x00\x03{}}")
    fatal = fresh.next()
    assert (fatal["type"], fatal["code"]) == ("fatal", "worker-protocol")
    assert fresh.exit_status() == 96


def test_the_worker_is_polite(fresh: WorkerProcess) -> None:
    if sys.platform != "linux":
        return
    folder = Path(f"/proc/{fresh.process.pid}")
    fresh.send(type="count", id="x", text="x")
    fresh.until("error")
    assert (folder / "oom_score_adj").read_text().strip() == "800"
    assert os.getpriority(os.PRIO_PROCESS, fresh.process.pid) >= 5
    assert "Max core file size        0 " in (folder / "limits").read_text()
    os.kill(fresh.process.pid, signal.SIGINT)
    fresh.send(type="count", id="x", text="x")
    assert fresh.until("error")[-1]["code"] == "worker-no-model"


def test_a_defect_ends_the_worker_at_once_and_quotes_nobody(
    worker_argv: list[str], model: Path
) -> None:
    """A worker that answers no more but lives on would be waited for, for a minute."""
    child = Path(__file__).with_name("defect_child.py")
    with WorkerProcess([worker_argv[0], "-I", str(child)]) as broken:
        broken.load(model, threads=1)
        broken.send(type="generate", id="a", **FRANCE)
        assert broken.process.wait(timeout=10) == 98
        wait_until(lambda: "ZeroDivisionError" in broken.stderr)
        assert "_step" in broken.stderr
        assert "SECRET" not in broken.stderr
