"""Real models whose chat template was taken out, in the real engine behind the real daemon."""

from __future__ import annotations

from collections.abc import Iterator

import ollama
import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.cli import main
from tests import real
from tests.fakes.gguf_edit import edited
from tests.words.house import TEMPLATE, House, real_house

pytestmark = [pytest.mark.engine, pytest.mark.long]

QUESTION = "What is the capital of France?"
# Penalties look back on a raw text, but not on a question.
GREEDY = {"temperature": 0.0, "max_tokens": 24, "repeat_penalty": 1.0, "dry_multiplier": 0.0}
# Without them the vocabulary tells nothing.
HIDDEN = {"<|im_start|>": "<|xx_xxxxx|>", "<|im_end|>": "<|xx_xxx|>"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """SmolLM2 without its template four times, each telling less of itself."""
    paths = Paths.under(tmp_path_factory.mktemp("templates"))
    paths.models.mkdir(parents=True)
    model = real.starter_model()

    def put(name: str, told: str, tokens: dict[str, str] | None = None) -> None:
        names = {"general.name": told, "general.basename": None, "general.finetune": None}
        gone = {TEMPLATE: None, "general.tags": None, "general.description": None}
        edited(model, paths.models / f"{name}.gguf", {**gone, **names}, tokens)

    put("by-tokens", "Model")
    put("by-name", "WizardLM 7B uncensored", HIDDEN)
    put("silent", "Model", HIDDEN)
    (paths.models / "own.gguf").symlink_to(model)
    with real_house(paths) as made:
        yield made


@pytest.fixture(autouse=True)
def at_home(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_HOME", str(house.paths.config.parent))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def templates(house: House) -> dict[str, tuple[object, object]]:
    listed = {str(model["id"]): model["template"] for model in house.client.models()}
    return {
        name: (told["name"], told["because"])  # type: ignore[index]
        for name, told in listed.items()
    }


def test_the_list_says_which_and_why(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert templates(house) == {
        "by-tokens": ("chatml", "tokens"),
        "by-name": ("wizardlm", "name"),
        "silent": (None, "nothing"),
        "own": (None, "model"),
    }
    assert main(["models"]) == 0
    shown = capsys.readouterr().out.splitlines()
    [line] = [line for line in shown if line.startswith("by-name")]
    assert "wizardlm" in line
    [line] = [line for line in shown if line.startswith("own")]
    assert "template" not in line


def test_the_vocabulary_tells_and_the_answer_is_as_good_as_with_its_own(house: House) -> None:
    own = house.ask(QUESTION, model="own", **GREEDY)
    assert own.notices == {}
    found = house.ask(QUESTION, model="by-tokens", **GREEDY)
    assert "Paris" in found.text
    notice = found.notices["supervisor.notice-template-tokens"]
    assert notice.facts["template"] == "chatml"
    worker = house.client.status()["worker"]
    assert isinstance(worker, dict)
    assert worker["template"] == {
        "name": "chatml", "because": "tokens", "word": "<|im_start|> <|im_end|>",
    }  # fmt: skip


def test_the_name_tells_and_the_templates_words_reach_the_model(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    said = house.ask(QUESTION, model="by-name", **GREEDY)
    assert said.notices["supervisor.notice-template-name"].facts["word"] == "wizardlm"
    # The same words as a plain text, which no template touches.
    polite = (
        "A chat between a curious user and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the user's questions."
    )
    plain = f"{polite} USER: {QUESTION} ASSISTANT:"
    assert said.text.lstrip() == complete(house, plain, "by-name", ["USER:"])
    assert main(["status"]) == 0
    assert "wizardlm" in capsys.readouterr().out


def test_nothing_tells_and_that_is_said(house: House) -> None:
    said = house.ask(QUESTION, model="silent", **GREEDY)
    assert "supervisor.notice-template-nothing" in said.notices
    plain = f"User: {QUESTION}\n\nAssistant:"
    assert said.text.lstrip() == complete(house, plain, "silent", ["\nUser:", "\nSystem:"])


def complete(house: House, prompt: str, model: str, stop: list[str]) -> str:
    return house.complete(prompt, model=model, stop=stop, **GREEDY).lstrip()


def test_the_users_choice_and_their_own_file_count_from_the_next_question(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "template", "silent", "Alpaca"]) == 0
    assert "alpaca" in capsys.readouterr().out
    chosen = house.ask(QUESTION, model="silent", **GREEDY)
    assert chosen.notices == {}  # the user knows
    assert templates(house)["silent"] == ("alpaca", "setting")

    own = house.paths.presets / "templates" / "alpaca.jinja"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("The capital of France is the city of{{ '' }}")
    ours = house.ask(QUESTION, model="silent", **GREEDY)
    assert ours.text != chosen.text
    assert ours.text.lstrip() == complete(
        house, "The capital of France is the city of", "silent", []
    )

    own.write_text("{% for")
    with pytest.raises(GaloshError) as caught:
        house.ask(QUESTION, model="silent", **GREEDY)
    assert caught.value.code == "worker-template-broken"

    own.unlink()
    assert house.ask(QUESTION, model="silent", **GREEDY).text == chosen.text
    assert main(["models", "template", "silent", "auto"]) == 0
    assert templates(house)["silent"] == (None, "nothing")


def test_a_template_that_there_is_not_is_refused_wherever_it_is_named(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "template", "own", "alpaka"]) == 1
    assert "alpaca" in capsys.readouterr().err
    house.client.change_setting("model.templates", ["own=alpaka"])  # as by hand
    try:
        with pytest.raises(GaloshError) as caught:
            house.ask(QUESTION, model="own")
        assert caught.value.code == "presets-unknown"
    finally:
        house.client.change_setting("model.templates", [])


def test_ollamas_show_holds_the_template_in_use(house: House) -> None:
    facts = house.client.status()["daemon"]
    assert isinstance(facts, dict)
    token = house.paths.token_file.read_text().strip()
    client = ollama.Client(
        f"http://127.0.0.1:{facts['port']}", headers={"Authorization": f"Bearer {token}"}
    )
    shown = client.show("by-name")
    assert "USER:" in str(shown.template)
    assert (shown.modelinfo or {})["galosh.template"] == "wizardlm"
    assert "galosh.template" not in (client.show("own").modelinfo or {})
    client._client.close()
