"""The floor plan: imports go down only, pure modules stay pure, no stray package file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
ROOTS = ("core", "installer", "daemon", "tray", "presets")

LOW = {"base"}
FACTS = {"hardware", "catalogue", "gguf", "presets"}
WORK = {"download", "fit", "engine"}
# part -> parts it may import (itself aside). design.md section 3.
FLOORS: dict[str, set[str]] = {
    "base": set(),
    "hardware": LOW,
    "catalogue": LOW | {"presets"},
    "gguf": LOW,
    "presets": LOW,
    "api": LOW,
    "download": LOW | FACTS,
    "fit": LOW | FACTS,
    "engine": LOW | FACTS,
    "setup": LOW | FACTS | WORK | {"api"},
    "cli": LOW | FACTS | WORK | {"api", "setup"},
    "worker": set(),
    "store": LOW | FACTS | {"download"},
    "supervisor": LOW | FACTS | WORK | {"api", "store"},
    "server": LOW | FACTS | WORK | {"api", "store", "supervisor"},
    "tray": LOW | {"api", "presets", "hotkey", "popup", "selection"},
    "hotkey": LOW | {"api", "presets"},
    "popup": LOW | {"api", "presets"},
    "selection": LOW | {"hotkey"},  # keys are pressed where they are known
}
# One module may be read across the wall: the frame codec both ends of the pipe share.
DOORS = {("supervisor", "galosh.worker.frames"), ("supervisor", "galosh.worker")}
WORKER_LIBRARIES = {"llama_cpp", "jinja2", "numpy"}  # the engine's own (decision 0003)

IMPURE = {"os", "socket", "subprocess", "time", "random", "shutil", "threading", "requests"}
PURE: dict[str, set[str]] = {
    part: set(names.split())
    for part, names in {
        "api": "wire",
        "catalogue": "entry places reading",
        "download": "plan journal gate schedule backoff repair state",
        "engine": "causes host levels offload plan records report source",
        "fit": "memory shape budget speed estimate choice swap report ladder enginelog steps work "
        "measured forecast runs layers",
        "hotkey": "keys lines state trigger",
        "gguf": "cursor header kind quant reader remote rules source split vocabulary",
        "hardware": "facts flags gpu_texts linux_texts mac_texts windows_bytes",
        "popup": "lines markdown difference conversation history waiting progress colours",
        "presets": "prompt sampler template",
        "selection": "values",
        "server": "requests sampling fields gate replies ollama_requests ollama_replies"
        " openai_words anthropic_words responses_words words thoughts embedding_words"
        " api_schemas api_document alias_requests"
        " llamacpp_requests llamacpp_words page_requests"
        " notebook_requests"
        " ollama_context tools messages calls literals harmony sorting",
        "setup": "view findings desktop_files",
        "store": "names stored ledger sheet talk",
        "supervisor": "state schedule restart crash replies request limits deaths explain"
        " admission fate idle load_plan pressure template_notice",
        "tray": "rows item dbusmenu view menu",
        "worker": "frames fault options text pace sandbox share boundaries prefixes"
        " digits draft exact draft_pay grammar schema turn trigger tool_form tool_talk"
        " tool_grammar",
    }.items()
}


def modules() -> Iterator[tuple[str, Path]]:
    for root in ROOTS:
        for path in sorted((REPO / root).rglob("*.py")):
            yield path.relative_to(REPO / root).parts[1], path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "galosh":
                yield from (f"galosh.{alias.name}" for alias in node.names)


def test_no_package_file_hides_the_other_roots() -> None:
    assert [str(root) for root in ROOTS if (REPO / root / "galosh" / "__init__.py").exists()] == []
    assert list(REPO.glob("*/__init__.py")) == []


def test_every_part_has_a_floor() -> None:
    assert {part for part, _ in modules()} <= set(FLOORS)


@pytest.mark.parametrize("part", sorted(FLOORS))
def test_imports_go_down_only(part: str) -> None:
    wrong = []
    for owner, path in modules():
        if owner != part:
            continue
        for name in imports(path):
            pieces = name.split(".")
            if pieces[0] != "galosh" or len(pieces) < 2 or pieces[1] == part:
                continue
            allowed = pieces[1] in FLOORS[part]
            if not allowed and not any(part == p and name.startswith(d) for p, d in DOORS):
                wrong.append(f"{path.relative_to(REPO)} imports {name}")
    assert wrong == []


def test_the_worker_stands_alone() -> None:
    import sys

    known = set(sys.stdlib_module_names) | WORKER_LIBRARIES | {"galosh"}
    found = {
        name.split(".")[0] for part, path in modules() if part == "worker" for name in imports(path)
    }
    assert found - known == set()


@pytest.mark.parametrize("part", sorted(PURE))
def test_pure_modules_touch_nothing(part: str) -> None:
    wrong = []
    for owner, path in modules():
        if owner == part and path.stem in PURE[part]:
            wrong += [f"{path.stem}: {n}" for n in imports(path) if n.split(".")[0] in IMPURE]
    assert wrong == []


def test_every_pure_module_exists() -> None:
    stems = {(part, path.stem) for part, path in modules()}
    named = {(part, stem) for part, names in PURE.items() for stem in names}
    assert named - stems == set()


def test_nobody_unpickles() -> None:
    banned = {"pickle", "marshal", "shelve", "multiprocessing"}
    wrong = [
        f"{path.relative_to(REPO)}: {name}"
        for _, path in modules()
        for name in imports(path)
        if name.split(".")[0] in banned
    ]
    assert wrong == []
