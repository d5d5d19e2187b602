"""Presets, prompts and limits with the real engine and the real model behind the real daemon."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from galosh.api.connection import Exchange, connect_unix
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.cli import main
from galosh.presets.shelf import Shelf
from scripts.benches.repetition import measure
from tests import real
from tests.words.house import House, real_house

pytestmark = [pytest.mark.engine, pytest.mark.long]

# The article's own file, byte for byte.
DEFAULT_YAML = (
    b"do_sample: true\ntop_p: 0.95\ntop_k: 50\ntemperature: 1.0\n"
    b"repetition_penalty: 1.2\ntypical_p: 1.0\n"
)
CONTEXT_TOKENS = 512
FULL = "server.notice-context-full"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    paths = Paths.under(tmp_path_factory.mktemp("words"))
    paths.models.mkdir(parents=True)
    (paths.models / real.MODEL_NAME).symlink_to(real.starter_model())
    with real_house(paths, CONTEXT_TOKENS) as made:
        yield made


@pytest.fixture(autouse=True)
def at_home(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_HOME", str(house.paths.config.parent))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))


def test_the_articles_file_dropped_in_is_there_at_once_and_its_five_prompts_go_on(
    house: House,
) -> None:
    assert "Default" not in {one["name"] for one in house.client.presets()["samplers"]}
    house.paths.presets.mkdir(parents=True, exist_ok=True)
    (house.paths.presets / "Default.yaml").write_bytes(DEFAULT_YAML)
    assert "Default" in {one["name"] for one in house.client.presets()["samplers"]}
    starters = [one for one in Shelf(house.paths).prompts() if one.kind == "starter"]
    assert len(starters) == 5
    for prompt in starters:
        for tongue in ("en", "ru"):
            # A sheet may end at once by chance; not three times.
            sheet, options = prompt.fill(tongue), {"preset": "Default", "max_tokens": 20}
            texts = (house.complete(sheet, **options, seed=seed) for seed in (1, 2, 3))
            text = next((text for text in texts if text.strip()), "")
            assert text, (prompt.name, tongue)
            assert not measure(text).raves, (prompt.name, tongue, text)


@pytest.mark.parametrize("preset", ["balanced", "precise", "creative", "deterministic", "article"])
def test_no_shipped_sampler_raves(house: House, preset: str) -> None:
    # `scripts/bench.py presets` tries more, on two models.
    story = Shelf(house.paths).prompt("story").fill("en")
    text = house.complete(story, preset=preset, max_tokens=120, seed=7)
    assert not measure(text).raves, text


@pytest.mark.parametrize("tongue", ["en", "ru"])
def test_everyday_prompts_answer(
    house: House, tongue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    actions = [one for one in Shelf(house.paths).prompts() if one.kind == "action"]
    assert len(actions) == 6
    for prompt in actions:
        monkeypatch.setattr("sys.stdin", io.StringIO("teh cat sat on teh mat\n"))
        assert main(["ask", "-p", prompt.name, "--max-tokens", "6"]) == 0
        assert capsys.readouterr().out.strip(), prompt.name


def of_length(house: House, tokens: int) -> str:
    """A text of exactly so many tokens, to which the model has something to say."""
    begin = "Write a long story about a fox."
    text = begin + " red" * (tokens - house.client.count_tokens(begin))
    assert house.client.count_tokens(text) == tokens
    return text


def completion(house: House, prompt: str) -> tuple[int, dict[str, object]]:
    body = json.dumps({"prompt": prompt, "temperature": 0, "logit_bias": {}}).encode()
    with Exchange(connect_unix(str(house.paths.socket), 120)) as exchange:
        exchange.send("POST", "/v1/completions", {"Host": "localhost"}, body)
        return exchange.status, json.loads(exchange.read())


class TestTheLimit:
    """One token less than the context leaves room for one word; at the limit there is none."""

    def test_exactly_at_it_the_api_refuses_with_the_counts(self, house: House) -> None:
        status, answer = completion(house, of_length(house, CONTEXT_TOKENS))
        error = answer["error"]
        assert isinstance(error, dict)
        assert (status, error["code"]) == (400, "context_length_exceeded")
        assert error["galosh"]["facts"] == {
            "prompt_tokens": CONTEXT_TOKENS, "context_tokens": CONTEXT_TOKENS,
        }  # fmt: skip

    def test_one_below_it_one_word_comes_and_the_reason_of_the_end(self, house: House) -> None:
        status, answer = completion(house, of_length(house, CONTEXT_TOKENS - 1))
        assert status == 200, answer
        usage, ours = answer["usage"], answer["galosh"]
        assert isinstance(usage, dict)
        assert isinstance(ours, dict)
        assert usage["completion_tokens"] == 2  # the last one needs no place
        assert [notice["key"] for notice in ours["notices"]] == [FULL]
        assert ours["notices"][0]["facts"] == {"tokens": CONTEXT_TOKENS}

    def test_an_answer_that_the_asker_wanted_no_longer_says_nothing(self, house: House) -> None:
        assert FULL not in house.ask("Count to a hundred.", max_tokens=5).notices

    def test_the_command_line_says_it_too(
        self, house: House, capsys: pytest.CaptureFixture[str]
    ) -> None:
        usage = house.ask("word", max_tokens=1).deltas[-1].usage
        assert usage is not None
        around = usage.prompt_tokens - house.client.count_tokens("word")
        assert main(["ask", of_length(house, CONTEXT_TOKENS - around - 1)]) == 0
        shown = capsys.readouterr()
        assert shown.out.strip()
        assert "The context is full (512 tokens)" in shown.err
        assert main(["ask", of_length(house, CONTEXT_TOKENS - around)]) == 1
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "at least 512 tokens; there is room for 512" in shown.err

    def test_a_talk_goes_on_after_it(
        self, house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = f"{of_length(house, CONTEXT_TOKENS)}\nSay yes.\n"
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        assert main(["chat", "--max-tokens", "5"]) == 0
        shown = capsys.readouterr()
        assert "too long for the model" in shown.err
        assert shown.out.strip()

    def test_a_wrong_file_of_the_users_is_named_and_hides_nothing(
        self, house: House, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bad = house.paths.presets / "samplers" / "bad.json"
        bad.parent.mkdir(parents=True, exist_ok=True)
        bad.write_text('{"temp": "hot"}')
        try:
            found = house.client.presets()
            assert [one["code"] for one in found["troubles"]] == ["presets-value-wrong"]
            assert len(found["samplers"]) >= 5
            with pytest.raises(GaloshError, match="bad"):
                house.ask("hi", preset="bad")
            assert house.ask("Say yes.", preset="precise", max_tokens=3).text
        finally:
            bad.unlink()
