"""The catalogue of texts: both languages, the same facts, every code used and listed."""

from __future__ import annotations

import ast
import importlib
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.messages import ErrorText, Text
from scripts import error_docs

REPO = Path(__file__).parents[2]
ROOTS = ("core", "installer", "daemon", "tray", "presets")
PARTS = sorted(
    path.stem
    for path in (REPO / "core/galosh/base/messages").glob("*.py")
    if path.stem != "__init__"
)


def tables() -> tuple[dict[str, Text], dict[str, ErrorText]]:
    texts: dict[str, Text] = {}
    errors: dict[str, ErrorText] = {}
    for part in PARTS:
        module = importlib.import_module(f"galosh.base.messages.{part}")
        assert all(key.startswith(f"{part}.") for key in module.TEXTS), part
        assert all(code.startswith(f"{part}-") for code in module.ERRORS), part
        texts.update(module.TEXTS)
        errors.update(module.ERRORS)
    return texts, errors


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def error_facts(error: ErrorText) -> set[str]:
    pairs = [error.what, error.why, error.next_step, *([error.kept] if error.kept else [])]
    return {name for pair in pairs for name in fields(pair[0])}


def calls() -> Iterator[tuple[Path, str, str, set[str] | None]]:
    """(file, function, literal key, keyword names or None when ** hides them)."""
    for root in ROOTS:
        for path in (REPO / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                first = node.args[0]
                if name in ("GaloshError", "say") and isinstance(first, ast.Constant):
                    words = {keyword.arg for keyword in node.keywords}
                    given = None if None in words else {word for word in words if word}
                    yield path.relative_to(REPO), name, str(first.value), given


def test_both_languages_name_the_same_facts() -> None:
    texts, errors = tables()
    wrong = [key for key, (en, ru) in texts.items() if fields(en) != fields(ru)]
    for code, error in errors.items():
        pairs = (error.what, error.why, error.next_step, error.kept or ("", ""))
        same = all(fields(en) == fields(ru) and bool(en) == bool(ru) for en, ru in pairs)
        wrong += [] if same else [code]
    assert wrong == []


def test_russian_is_russian() -> None:
    _, errors = tables()
    assert [
        c for c, e in errors.items() if not any("а" <= x <= "я" for x in e.what[1].lower())
    ] == []


def test_every_key_and_code_in_the_code_is_in_the_catalogue() -> None:
    texts, errors = tables()
    missing = []
    for path, function, key, given in calls():
        known = errors if function == "GaloshError" else texts
        if key not in known:
            missing.append(f"{path}: {key}")
            continue
        wanted = error_facts(errors[key]) if function == "GaloshError" else fields(texts[key][0])
        if given is not None and wanted - given:
            missing.append(f"{path}: {key} lacks {sorted(wanted - given)}")
    assert missing == []


def test_every_code_is_used() -> None:
    _, errors = tables()
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for root in ROOTS
        for path in (REPO / root).rglob("*.py")
        if "messages" not in path.parts
    )
    assert [code for code in errors if f'"{code}"' not in sources] == []


def test_docs_list_every_code() -> None:
    assert (REPO / "docs/errors.md").read_text(encoding="utf-8") == error_docs.render()


@pytest.mark.parametrize("tongue", ["en", "ru"])
def test_every_error_renders_without_its_facts(
    tongue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    _, errors = tables()
    for code in errors:
        assert str(GaloshError(code)).strip()


def test_style_of_errors() -> None:
    _, errors = tables()
    banned = ("please", "oops", "invalid", "unexpected", "!")
    wrong = [
        f"{code}: {word}"
        for code, error in errors.items()
        for word in banned
        if any(word in pair[0].lower() for pair in error[:3])
    ]
    assert wrong == []
