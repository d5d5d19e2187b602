"""The table of other programs' folders, for three systems, without touching any."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest

from galosh.catalogue.places import places

POSIX = PurePosixPath("/home/ada")
WINDOWS = PureWindowsPath("C:/Users/ada")


def nothing(_: PurePath) -> None:
    return None


def table(system: str, home: PurePath, **environ: str) -> set[tuple[str, str, str]]:
    found = places(system, environ, home, nothing)
    assert len({place.folder for place in found}) == len(found)
    return {(place.program, place.folder.as_posix(), place.layout) for place in found}


@pytest.mark.parametrize(
    ("system", "home", "expected"),
    [
        ("linux", POSIX, {
            ("Ollama", "/home/ada/.ollama/models", "ollama"),
            ("Ollama", "/usr/share/ollama/.ollama/models", "ollama"),
            ("LM Studio", "/home/ada/.lmstudio/models", "tree"),
            ("LM Studio", "/home/ada/.cache/lm-studio/models", "tree"),
            ("Hugging Face", "/home/ada/.cache/huggingface/hub", "hub"),
            ("Jan", "/home/ada/.config/Jan/data/llamacpp/models", "tree"),
            ("GPT4All", "/home/ada/.local/share/nomic.ai/GPT4All", "tree"),
            ("KoboldCpp", "/home/ada/koboldcpp", "tree"),
            ("text-generation-webui", "/home/ada/text-generation-webui/user_data/models", "tree"),
            ("llama.cpp", "/home/ada/.cache/llama.cpp", "tree"),
        }),
        ("darwin", POSIX, {
            ("Ollama", "/home/ada/.ollama/models", "ollama"),
            ("Jan", "/home/ada/Library/Application Support/Jan/data/models", "tree"),
            ("GPT4All", "/home/ada/Library/Application Support/nomic.ai/GPT4All", "tree"),
            ("llama.cpp", "/home/ada/Library/Caches/llama.cpp", "tree"),
        }),
        ("windows", WINDOWS, {
            ("Ollama", "C:/Users/ada/.ollama/models", "ollama"),
            ("Jan", "C:/Users/ada/AppData/Roaming/Jan/data/llamacpp/models", "tree"),
            ("GPT4All", "C:/Users/ada/AppData/Local/nomic.ai/GPT4All", "tree"),
            ("llama.cpp", "C:/Users/ada/AppData/Local/llama.cpp", "tree"),
        }),
    ],
)  # fmt: skip
def test_usual_folders(system: str, home: PurePath, expected: set[tuple[str, str, str]]) -> None:
    found = table(system, home)
    assert expected - found == set()
    assert system == "linux" or not any("/usr/share" in folder for _, folder, _ in found)


def test_folders_chosen_by_environment() -> None:
    found = table(
        "linux", POSIX, OLLAMA_MODELS="/big/ollama", HF_HOME="/big/hf", LLAMA_CACHE="~/cache",
        HUGGINGFACE_HUB_CACHE="/big/hub", XDG_CACHE_HOME="/c", XDG_DATA_HOME="not absolute",
    )  # fmt: skip
    for program, folder in (
        ("Ollama", "/big/ollama"), ("Hugging Face", "/big/hf/hub"), ("Hugging Face", "/big/hub"),
        ("llama.cpp", "/home/ada/cache"), ("llama.cpp", "/c/llama.cpp"),
        ("GPT4All", "/home/ada/.local/share/nomic.ai/GPT4All"),
    ):  # fmt: skip
        assert (program, folder) in {(one, where) for one, where, _ in found}, folder
    moved = table("windows", WINDOWS, OLLAMA_MODELS='"D:\\models"', LOCALAPPDATA="E:\\local")
    assert ("Ollama", "D:/models", "ollama") in moved
    assert ("llama.cpp", "E:/local/llama.cpp", "tree") in moved


def test_folders_chosen_in_settings() -> None:
    texts = {
        "/home/ada/.lmstudio-home-pointer": "/big/lms\n",
        "/big/lms/settings.json": '{"downloadsFolder": "/big/downloads"}',
        "/home/ada/.lmstudio/settings.json": "{not json",
        "/home/ada/.config/Jan/settings.json": '{"data_folder": "/big/jan"}',
        "/home/ada/.config/nomic.ai/GPT4All.ini": "[General]\nmodelPath=/big/gpt4all\n",
        "/etc/systemd/system/ollama.service.d/override.conf": (
            '[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0" "OLLAMA_MODELS=/big/ollama"\n'
        ),
    }
    found = places("linux", {}, POSIX, lambda path: texts.get(str(path)))
    folders = {place.folder.as_posix() for place in found}
    assert {"/big/downloads", "/big/lms/models", "/big/jan/llamacpp/models",
            "/big/gpt4all", "/big/ollama"} <= folders  # fmt: skip
    assert "/home/ada/.lmstudio/models" in folders
