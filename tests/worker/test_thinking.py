"""What the worker tells of a template that opens the model's thoughts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import gguf_models
from tests.worker.client import WorkerProcess

pytestmark = pytest.mark.engine
TEMPLATE = (
    "{% for message in messages %}{{ message.content }}{% endfor %}"
    "{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}"
)
TALK = [{"role": "user", "content": "a b c"}]


@pytest.mark.parametrize(
    ("think", "opened"), [({}, True), ({"think": True}, True), ({"think": False}, False)]
)
def test_a_template_that_opens_a_thought(
    fresh: WorkerProcess, tmp_path: Path, think: dict[str, object], opened: bool
) -> None:
    model = gguf_models.llama().changed(tokenizer__chat_template=TEMPLATE)
    path = model.write(tmp_path / "thinker.gguf", 3)
    assert fresh.load(path, threads=1, context_tokens=256)["type"] == "loaded"
    events = fresh.generate(messages=TALK, max_tokens=1, **think)
    [started] = [event for event in events if event["type"] == "started"]
    assert started.get("thinking", False) is opened
