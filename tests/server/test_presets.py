"""Presets over the API: listed, applied under what the client gave, refused by name."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from galosh.base.errors import GaloshError
from tests.fakes.serving import Running

TALK = [{"role": "user", "content": "hello"}]


def ask(running: Running, **fields: Any) -> None:
    for _ in running.client.ask(TALK, **fields):
        pass


def test_a_preset_fills_in_what_the_client_left_open(running: Running) -> None:
    running.paths.presets.mkdir(parents=True)
    file = running.paths.presets / "Default.yaml"
    file.write_text("do_sample: true\ntop_p: 0.95\ntop_k: 50\nrepetition_penalty: 1.2\n")
    ask(running, preset="Default", top_k=7)
    sampling = running.supervisor.requests[0].sampling
    assert sampling["top_k"] == 7
    assert (sampling["top_p"], sampling["repeat_penalty"]) == (0.95, 1.2)
    ask(running)
    assert running.supervisor.requests[1].sampling == {}


def test_the_users_usual_preset_holds_where_none_is_named(running: Running) -> None:
    running.client.change_setting("model.preset", "article")
    ask(running)
    assert running.supervisor.requests[-1].sampling["repeat_penalty"] == 1.2
    ask(running, preset="deterministic", temperature=0.5)
    assert running.supervisor.requests[-1].sampling["temperature"] == 0.5
    running.client.change_setting("model.preset", "articel")
    with pytest.raises(GaloshError, match="articel"):
        ask(running)
    running.client.change_setting("model.preset", "auto")
    ask(running)
    assert running.supervisor.requests[-1].sampling == {}


def test_an_unknown_preset_is_named_with_the_known_ones(running: Running) -> None:
    with (
        openai.OpenAI(
            base_url=f"http://127.0.0.1:{running.port}/v1", api_key=running.token, max_retries=0
        ) as program,
        pytest.raises(openai.NotFoundError, match="balanced"),
    ):
        program.chat.completions.create(
            model="", messages=[{"role": "user", "content": "x"}], extra_body={"preset": "wild"}
        )


def test_all_presets_are_listed_and_troubles_named(running: Running) -> None:
    running.paths.presets.mkdir(parents=True)
    (running.paths.presets / "bad.yaml").write_text("temperature: hot")
    found = running.client.presets()
    names = [one["name"] for one in found["samplers"]]
    assert {"balanced", "precise", "creative", "deterministic", "article"} <= set(names)
    assert {one["kind"] for one in found["prompts"]} == {"starter", "action"}
    assert found["troubles"][0]["code"] == "presets-value-wrong"
