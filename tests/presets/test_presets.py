"""Samplers, prompts and templates: shipped, of other programs, and the user's own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import ClassVar

import jinja2.sandbox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.presets import choose_template, find_template
from galosh.presets.prompt import Prompt
from galosh.presets.sampler import BOUNDS, NEUTRAL, read_sampler
from galosh.presets.shelf import Shelf

ARTICLE = """do_sample: true
top_p: 0.95
top_k: 50
temperature: 1.0
repetition_penalty: 1.2
typical_p: 1.0
"""


def put(paths: Paths, name: str, text: str) -> Path:
    target = paths.presets / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return target


class TestSamplers:
    def test_the_articles_own_file_dropped_in_works_as_it_stands(self, paths: Paths) -> None:
        put(paths, "Default.yaml", ARTICLE)
        preset = Shelf(paths).sampler("Default")
        assert preset.own
        assert preset.unknown == ()
        assert preset.sampling == {
            **NEUTRAL, "top_p": 0.95, "top_k": 50, "temperature": 1.0, "repeat_penalty": 1.2,
        }  # fmt: skip
        assert preset.sampling == Shelf(paths).sampler("article").sampling

    def test_a_koboldai_file(self, paths: Paths) -> None:
        data = {
            "temp": 0.5, "rep_pen": 1.1, "rep_pen_range": 320, "rep_pen_slope": 0.7, "tfs": 0.9,
            "typical": 1, "top_p": 0.24, "top_a": 0, "top_k": 85, "mirostat": 0,
            "mirostat_tau": 5, "mirostat_eta": 0.1, "grammar": "",
            "sampler_order": [6, 0, 1, 3, 4, 2, 5], "genamt": 200,
        }  # fmt: skip
        put(paths, "samplers/godlike.json", json.dumps(data))
        preset = Shelf(paths).sampler("godlike")
        assert preset.sampling["temperature"] == 0.5
        assert preset.sampling["repeat_last_n"] == 320
        # They would have changed something, so they are named.
        assert preset.unknown == ("rep_pen_slope", "tfs")
        put(paths, "samplers/godlike.json", json.dumps({**data, "rep_pen": 1.0, "tfs": 1}))
        assert Shelf(paths).sampler("godlike").unknown == ()

    def test_a_story_saved_by_koboldcpps_page(self, paths: Paths) -> None:
        settings = {
            "my_api_key": "0000000000", "autoscroll": True, "temperature": 0.75, "rep_pen": 1.07,
            "rep_pen_range": 360, "rep_pen_slope": 0.7, "top_p": 0.92, "min_p": 0, "top_k": 100,
            "dynatemp_range": 0.4, "dynatemp_exponent": 1, "smoothing_factor": 0, "top_a": 0,
            "typical": 1, "tfs": 1, "sampler_order": [6, 0, 1, 3, 4, 2, 5], "miro_type": 2,
            "miro_tau": 4.5, "miro_eta": 0.2, "presence_penalty": 0.1, "xtc_threshold": 0.2,
            "xtc_probability": 0, "dry_multiplier": 0.8, "dry_base": 1.75, "sampler_seed": -1,
            "dry_allowed_length": 2, "dry_penalty_last_n": 360, "max_length": 240,
            "dry_sequence_breakers": ["\n", ":", "*"], "max_context_length": 4096,
        }  # fmt: skip
        story = {"gamestarted": True, "prompt": "Once", "actions": [], "savedsettings": settings}
        put(paths, "samplers/story.json", json.dumps(story))
        preset = Shelf(paths).sampler("story")
        assert (preset.sampling["mirostat"], preset.sampling["mirostat_tau"]) == (2, 4.5)
        assert preset.sampling["dry_sequence_breakers"] == ("\n", ":", "*")
        assert preset.sampling["dynatemp_range"] == 0.4
        assert "seed" not in preset.sampling  # -1: another one each time
        assert preset.unknown == ("rep_pen_slope",)

    # As SillyTavern's own presets are written, key by key.
    TAVERN: ClassVar[dict[str, object]] = {
        "temp": 1.25, "temperature_last": False, "top_p": 1, "top_k": 0, "top_a": 0, "tfs": 1,
        "epsilon_cutoff": 0, "eta_cutoff": 0, "typical_p": 1, "min_p": 0.1, "rep_pen": 1,
        "rep_pen_range": 0, "rep_pen_decay": 0, "rep_pen_slope": 1, "no_repeat_ngram_size": 0,
        "penalty_alpha": 0, "num_beams": 1, "length_penalty": 1, "min_length": 0,
        "encoder_rep_pen": 1, "freq_pen": 0.3, "presence_pen": 0.1, "skew": 0, "do_sample": True,
        "early_stopping": False, "dynatemp": False, "min_temp": 0, "max_temp": 2,
        "dynatemp_exponent": 1, "smoothing_factor": 0, "smoothing_curve": 1,
        "dry_allowed_length": 2, "dry_multiplier": 0, "dry_base": 1.75,
        "dry_sequence_breakers": '["\\n", ":", "\\"", "*"]', "dry_penalty_last_n": 0,
        "add_bos_token": True, "ban_eos_token": False, "skip_special_tokens": True,
        "mirostat_mode": 2, "mirostat_tau": 4, "mirostat_eta": 0.1, "guidance_scale": 1,
        "negative_prompt": "", "grammar_string": "", "json_schema": None, "banned_tokens": "",
        "sampler_priority": ["temperature"], "samplers": ["dry"], "samplers_priorities": ["dry"],
        "ignore_eos_token": False, "spaces_between_special_tokens": True,
        "speculative_ngram": False, "sampler_order": [5, 6, 0], "logit_bias": [],
        "xtc_threshold": 0.1, "xtc_probability": 0.5, "nsigma": 0, "min_keep": 0,
        "rep_pen_size": 0,
    }  # fmt: skip

    def test_a_whole_sillytavern_file(self, paths: Paths) -> None:
        put(paths, "samplers/light.json", json.dumps(self.TAVERN))
        preset = Shelf(paths).sampler("light")
        # Temperature is applied last here, which matters where it is not 1.
        assert preset.unknown == ("temperature_last",)
        assert preset.sampling["dry_sequence_breakers"] == ("\n", ":", '"', "*")
        put(paths, "samplers/light.json", json.dumps({**self.TAVERN, "temp": 1}))
        assert Shelf(paths).sampler("light").unknown == ()

    def test_every_key_of_text_generation_webui(self, paths: Paths) -> None:
        defaults = {
            "temperature": 1, "temperature_last": False, "dynamic_temperature": False,
            "dynatemp_low": 1, "dynatemp_high": 1, "dynatemp_exponent": 1, "smoothing_factor": 0,
            "smoothing_curve": 1, "top_p": 1, "min_p": 0, "top_k": 0, "repetition_penalty": 1,
            "presence_penalty": 0, "frequency_penalty": 0, "repetition_penalty_range": 1024,
            "typical_p": 1, "tfs": 1, "top_a": 0, "epsilon_cutoff": 0, "eta_cutoff": 0,
            "guidance_scale": 1, "penalty_alpha": 0, "mirostat_mode": 0, "mirostat_tau": 5,
            "mirostat_eta": 0.1, "do_sample": True, "encoder_repetition_penalty": 1,
            "no_repeat_ngram_size": 0, "dry_multiplier": 0, "dry_base": 1.75, "top_n_sigma": 0,
            "dry_allowed_length": 2, "dry_sequence_breakers": '"\\n", ":", "\\"", "*"',
            "xtc_threshold": 0.1, "xtc_probability": 0, "adaptive_target": 0,
            "adaptive_decay": 0.9, "sampler_priority": "temperature\ntop_k",
        }  # fmt: skip
        put(paths, "All.yaml", json.dumps(defaults))  # JSON is YAML too
        preset = Shelf(paths).sampler("All")
        assert preset.unknown == ()
        for name, value in NEUTRAL.items():
            assert preset.sampling[name] == value, name
        assert preset.sampling["dry_sequence_breakers"] == ("\n", ":", '"', "*")

    @pytest.mark.parametrize("value", ["[", [1], ["x" * 41], ["a"] * 17, {"a": 1}, 5, ["\0"]])
    def test_breakers_that_are_none(self, value: object) -> None:
        preset = read_sampler("x", {"dry_sequence_breakers": value}, "x")
        assert preset.unknown == ("dry_sequence_breakers",)
        assert "dry_sequence_breakers" not in preset.sampling

    def test_a_sillytavern_file(self, paths: Paths) -> None:
        data = {
            "temp": 1.2, "freq_pen": 0.3, "presence_pen": 0.1, "rep_pen_range": 0,
            "mirostat_mode": 2, "mirostat_tau": 4, "dry_penalty_last_n": 0, "xtc_probability": 0.5,
            "temperature_last": True, "smoothing_factor": 0.3, "negative_prompt": "",
        }  # fmt: skip
        put(paths, "samplers/st.settings", json.dumps(data))
        preset = Shelf(paths).sampler("ST")
        assert preset.sampling["frequency_penalty"] == 0.3
        assert preset.sampling["mirostat"] == 2
        assert preset.sampling["repeat_last_n"] == -1  # their zero is the whole context
        assert preset.sampling["dry_penalty_last_n"] == -1
        assert preset.unknown == ("smoothing_factor",)

    def test_a_temperature_between_two_ends(self) -> None:
        webui: dict[object, object] = {
            "dynamic_temperature": True,
            "dynatemp_low": 0.5,
            "dynatemp_high": 1.5,
        }
        tavern: dict[object, object] = {"dynatemp": True, "min_temp": 0.5, "max_temp": 1.5}
        for data in (webui, tavern):
            sampling = read_sampler("x", data, "x").sampling
            assert (sampling["temperature"], sampling["dynatemp_range"]) == (1.0, 0.5)
        off: dict[object, object] = {**webui, "dynamic_temperature": False, "temperature": 0.7}
        assert "dynatemp_range" not in read_sampler("x", off, "x").sampling

    def test_no_sampling_is_greedy(self) -> None:
        assert read_sampler("x", {"do_sample": False, "temperature": 0.9}, "x").sampling[
            "temperature"
        ] == 0  # fmt: skip

    @pytest.mark.parametrize("value", ["hot", True, [1], 9e9, -1, float("nan"), float("inf")])
    def test_a_wrong_value_is_named_and_hides_nothing_else(
        self, paths: Paths, value: object
    ) -> None:
        put(paths, "samplers/bad.json", json.dumps({"temperature": value}))
        shelf = Shelf(paths)
        assert [one.name for one in shelf.samplers() if one.own] == []
        [trouble] = shelf.troubles()
        assert trouble.code == "presets-value-wrong"
        assert trouble.facts["key"] == "temperature"
        assert shelf.sampler("balanced")

    @pytest.mark.parametrize(
        "text", ["- a\n- b", "a: [", "&a [*a]", "[" * 3000, "\x00", "a: !!python/object:os.x 1"]
    )
    def test_files_that_are_no_preset(self, paths: Paths, text: str) -> None:
        put(paths, "bad.yaml", text)
        shelf = Shelf(paths)
        assert {error.code for error in shelf.troubles()} == {"presets-file-wrong"}
        assert shelf.samplers()

    def test_a_changed_file_is_read_again(self, paths: Paths) -> None:
        shelf = Shelf(paths)
        file = put(paths, "mine.yaml", "temperature: 0.3")
        assert shelf.sampler("mine").sampling["temperature"] == 0.3
        file.write_text("temperature: 0.45", encoding="utf-8")
        assert shelf.sampler("mine").sampling["temperature"] == 0.45
        file.unlink()
        with pytest.raises(GaloshError) as caught:
            shelf.sampler("mine")
        assert caught.value.code == "presets-unknown"
        assert "balanced" in str(caught.value.facts["known"])

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from([*BOUNDS, "temp", "rep_pen"]), st.floats() | st.integers() | st.text()
        )
    )
    def test_whatever_is_read_is_within_bounds(self, data: dict[object, object]) -> None:
        try:
            preset = read_sampler("x", data, "x")
        except GaloshError:
            return
        for name, value in preset.sampling.items():
            assert isinstance(value, (int, float))
            assert BOUNDS[name][0] <= value <= BOUNDS[name][1]


class TestPrompts:
    def test_the_five_starters_and_the_everyday_actions_in_both_languages(
        self, paths: Paths
    ) -> None:
        shelf = Shelf(paths)
        kinds: dict[str, set[str]] = {"starter": set(), "action": set()}
        for prompt in shelf.prompts():
            kinds[prompt.kind].add(prompt.name)
            assert set(prompt.texts) == set(prompt.titles) == {"en", "ru"}
            assert prompt.sampler is None or shelf.sampler(prompt.sampler)
            # Somebody waits for an action's answer.
            assert prompt.think is (False if prompt.kind == "action" else None)
        assert kinds["starter"] == {"questions", "story", "joke", "riddle", "persona"}
        assert kinds["action"] == {
            "summarize", "translate", "fix-grammar", "explain", "reply", "commit-message",
        }  # fmt: skip

    def test_places_are_filled_once(self) -> None:
        prompt = Prompt("x", "action", {"en": "Do {input} with {selection} and {other}."})
        filled = prompt.fill("en", selection="{input}", typed="{selection}")
        assert filled == "Do {selection} with {input} and {other}."

    def test_what_has_no_place_comes_after(self) -> None:
        prompt = Prompt("x", "action", {"en": "Shorten."})
        assert prompt.fill("ru", selection="long", typed="by half") == "Shorten.\n\nby half\n\nlong"

    def test_an_empty_input_has_its_default(self, paths: Paths) -> None:
        translate = Shelf(paths).prompt("translate")
        assert "into English." in translate.fill("en", selection="Hallo")
        assert "into German." in translate.fill("en", selection="Hello", typed="German")

    def test_a_plain_text_file_of_the_user(self, paths: Paths) -> None:
        put(paths, "prompts/haiku.txt", "A haiku about {input}:\n")
        put(paths, "prompts/Diary.md", "Dear diary,\n")
        shelf = Shelf(paths)
        assert (shelf.prompt("haiku").kind, shelf.prompt("diary").kind) == ("action", "starter")
        assert shelf.prompt("haiku").fill("en", typed="rain") == "A haiku about rain:"


class TestTemplates:
    TALK = (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Bye"},
    )

    def render(self, source: str, talk: tuple[dict[str, str], ...]) -> str:
        world = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        return world.from_string(source).render(messages=talk, bos_token="<s>", eos_token="</s>")

    def test_every_shipped_one_carries_the_whole_talk(self, paths: Paths) -> None:
        templates = Shelf(paths).templates()
        assert len(templates) == 11
        for one in templates:
            text = self.render(one.source, self.TALK)
            places = [text.find(turn["content"]) for turn in (self.TALK[1], *self.TALK[2:])]
            assert -1 not in places, one.name
            assert places == sorted(places), one.name
            assert "Be brief." in text, one.name
            assert one.match, one.name
            assert one.stops, one.name
            assert "Hi" in self.render(one.source, self.TALK[1:2]), one.name

    def test_known_forms(self, paths: Paths) -> None:
        templates = Shelf(paths).templates()
        [question] = [self.TALK[1:2]]
        wizard = find_template(templates, "Instruct-WizardLM")
        assert wizard is not None
        assert self.render(wizard.source, question).endswith("USER: Hi ASSISTANT:")
        llama = find_template(templates, "llama2")
        assert llama is not None
        assert self.render(llama.source, self.TALK[:2]) == (
            "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST]"
        )
        alpaca = find_template(templates, "Alpaca")
        assert alpaca is not None
        assert self.render(alpaca.source, question).endswith(
            "### Instruction:\nHi\n\n### Response:\n"
        )

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("WizardLM-7B-uncensored", "wizardlm"),
            ("Wizard-Vicuna-13B", "vicuna"),
            ("Llama-2-7b-chat", "llama-2"),
            ("Mistral-7B-Instruct-v0.1", "mistral"),
            ("OpenHermes-2.5-Mistral-7B", "chatml"),
            ("TinyLlama-1.1B-Chat", "zephyr"),
            ("gpt2", None),
        ],
    )
    def test_chosen_by_the_models_own_metadata(
        self, paths: Paths, name: str, expected: str | None
    ) -> None:
        found = choose_template(Shelf(paths).templates(), {"general.name": name})
        assert found.to_json()["name"] == expected
        assert found.guessed

    def test_the_users_own_goes_first(self, paths: Paths) -> None:
        put(
            paths,
            "templates/mine.jinja",
            '{# match: mistral; stops: ["X"] #}\n{{ messages[0].content }}',
        )
        tokens = ["[INST]", "[/INST]"]
        clues = {"general.name": "mistral-7b", "tokens": tokens}
        chosen = choose_template(Shelf(paths).templates(), clues).template
        assert chosen is not None
        assert (chosen.name, chosen.stops) == ("mine", ("X",))

    @pytest.mark.parametrize(
        ("clues", "expected"),
        [
            ({"general.name": "x", "tokens": ["<|im_start|>", "<|im_end|>"]}, ("chatml", "tokens")),
            ({"general.name": "mistral", "tokens": ["<|im_end|>"]}, ("mistral", "name")),
            ({"general.name": "model", "file": "vicuna-7b.q4.gguf"}, ("vicuna", "name")),
            ({"general.tags": ["chat", "alpaca"]}, ("alpaca", "name")),
            ({"general.architecture": "gemma3"}, ("gemma", "architecture")),
            ({"general.name": "LLaMA v2", "general.architecture": "llama"}, (None, "nothing")),
            ({"general.name": 7, "tokens": "junk"}, (None, "nothing")),
            (None, (None, "model")),
        ],
    )
    def test_clues_by_how_much_they_tell(
        self, paths: Paths, clues: dict[str, object] | None, expected: tuple[str | None, str]
    ) -> None:
        told = choose_template(Shelf(paths).templates(), clues).to_json()
        assert (told["name"], told["because"]) == expected

    def test_the_users_choice_goes_before_the_models_own(self, paths: Paths) -> None:
        templates = Shelf(paths).templates()
        chosen = choose_template(templates, None, "Instruct-WizardLM")
        assert chosen.template is not None
        assert (chosen.template.name, chosen.guessed) == ("wizardlm", False)
        assert choose_template(templates, None, "auto").because == "model"
        wrong = choose_template(templates, {"general.name": "alpaca"}, "alpaka")
        assert wrong.problem is not None
        assert "alpaca" in str(wrong.problem.facts["known"])
        assert wrong.template is None


def test_the_examples_of_the_docs_are_taken(paths: Paths) -> None:
    page = (Path(__file__).parents[2] / "docs" / "presets.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL))
    put(paths, "prompts/shorten.yaml", blocks["yaml"])
    put(paths, "templates/my.jinja", blocks["jinja"])
    shelf = Shelf(paths)
    prompt = shelf.prompt("shorten")
    assert (prompt.kind, prompt.sampler, prompt.think) == ("action", "precise", False)
    chosen = choose_template(shelf.templates(), {"general.name": "my-model 7B"}).template
    assert chosen is not None
    assert chosen.stops == ("\nUser:",)
    assert shelf.troubles() == ()
