"""Settings: unknown keys survive, errors name the line, a change changes one thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import DECLARED, Settings

FILE = """# mine
[api]
port = 9999        # why not
colour = "red"

[other]
thing = [1, 2]
"""


def test_defaults_without_a_file(paths: Paths) -> None:
    settings = Settings.load(paths.settings_file)
    assert settings.number("api.port") == 11435
    assert settings.flag("api.require_token") is True
    assert settings.as_json().keys() == DECLARED.keys()


def test_a_change_keeps_comments_and_unknown_keys(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text(FILE)
    settings = Settings.load(paths.settings_file).change("model.default", "smollm2-135m")
    assert settings.text("model.default") == "smollm2-135m"
    assert settings.number("api.port") == 9999
    text = paths.settings_file.read_text()
    assert FILE.rstrip() in text
    assert Settings.load(paths.settings_file.with_name("none.toml")).text("model.default") == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[api]\n# a comment\nport = 'x'\n", 3),
        ("[api]\nport = 70000\n", 2),
        ("[api]\nport = true\n", 2),
        ("api.port = 3.5\n", 1),
        ("[model]\nidle_unload_seconds = -1\n[api]\nport = 1\n", 2),
    ],
)
def test_a_wrong_value_names_its_line(paths: Paths, text: str, line: int) -> None:
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text(text)
    with pytest.raises(GaloshError) as caught:
        Settings.load(paths.settings_file)
    assert caught.value.code == "base-setting-wrong"
    assert caught.value.facts["line"] == line
    assert paths.settings_file.read_text() == text


def test_broken_toml_names_its_line(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text("[api]\nport = \n")
    with pytest.raises(GaloshError) as caught:
        Settings.load(paths.settings_file)
    assert caught.value.code == "base-settings-syntax"
    assert caught.value.facts["line"] == 2


def test_an_unknown_name_offers_the_nearest(paths: Paths) -> None:
    with pytest.raises(GaloshError) as caught:
        Settings.load(paths.settings_file).change("api.prot", 1)
    assert caught.value.facts["nearest"] == "api.port"
    assert caught.value.exit_code == 2


@given(
    st.sampled_from(sorted(DECLARED)),
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(max_size=9))),
)
def test_only_values_of_the_kind_are_accepted(name: str, value: object) -> None:
    setting = DECLARED[name]
    if setting.accepts(value):
        assert isinstance(value, bool) is (setting.kind is bool)
        assert isinstance(value, (setting.kind, int))


@pytest.mark.parametrize(
    "origin",
    ["https://app.example", "http://localhost:3000", "app://obsidian.md", "moz-extension://a-1"],
)
def test_an_origin_is_kept_as_it_was_written(paths: Paths, origin: str) -> None:
    Settings(paths.settings_file, {}).change("api.allowed_origins", [origin])
    assert Settings.load(paths.settings_file).texts("api.allowed_origins") == {origin}


@pytest.mark.parametrize(
    "value",
    ["*", "null", "", "https://*.example", "https://a.example/", "https://a.example/x", "a.example",
     "HTTPS://a.example", "https://a.example:0", "https://a.example, https://b.example", " ", 5],
)  # fmt: skip
def test_what_is_no_exact_origin_is_refused(paths: Paths, value: object) -> None:
    assert not DECLARED["api.allowed_origins"].accepts([value])
    assert not DECLARED["api.allowed_origins"].accepts(value)
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text(f"[api]\nport = 1\nallowed_origins = [{value!r}]\n")
    with pytest.raises(GaloshError) as caught:
        Settings.load(paths.settings_file)
    assert (caught.value.code, caught.value.facts["line"]) == ("base-setting-wrong", 3)


@pytest.mark.parametrize("host", ["*", "", "a b", "a:1", ".a", "a.", "[::1]", "A.example"])
def test_what_is_no_plain_host_name_is_refused(host: str) -> None:
    assert not DECLARED["api.allowed_hosts"].accepts([host])
    assert DECLARED["api.allowed_hosts"].accepts(["host.docker.internal"])
