"""The page's own texts, its files, and its pure modules run by Node."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from galosh.server.page_files import FOLDER

WEIGHT_LIMIT_BYTES = 150_000
_TEXT = re.compile(r"\{(\w+)\}")
_USED = re.compile(r"""[\"'`]([a-z]+(?:\.[a-z0-9-]+)*)[\"'`]""")


def node(folder: Path, modules: Sequence[str], code: str, given: object = None) -> Any:
    """What a script says that may import these modules of the page."""
    for name in modules:
        shutil.copy(FOLDER / f"{name}.js", folder / f"{name}.mjs")
    (folder / "run.mjs").write_text(code, encoding="utf-8")
    done = subprocess.run(
        ["node", "run.mjs"], cwd=folder, input=json.dumps(given), capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def texts(folder: Path) -> dict[str, list[str]]:
    code = 'import { TEXTS } from "./texts.mjs"; console.log(JSON.stringify(TEXTS));'
    found: dict[str, list[str]] = node(folder, ["texts"], code)
    return found


def test_both_languages_say_the_same(tmp_path: Path) -> None:
    wrong = []
    for key, pair in texts(tmp_path).items():
        english, russian = pair
        if not english or not russian or set(_TEXT.findall(english)) != set(_TEXT.findall(russian)):
            wrong.append(key)
        if english == russian or not re.search("[а-яё]", russian.lower()):
            wrong.append(key)
    assert wrong == []


def test_every_text_is_used_and_every_used_one_is_there(tmp_path: Path) -> None:
    known = set(texts(tmp_path))
    sources = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    named: set[str] = set()
    for name, source in sources.items():
        if name == "texts.js":
            source = source.partition("\n};\n")[2]
        if source:
            named |= set(_USED.findall(source))
            # Keys that are put together: t(`status.${…}`).
            named |= {
                key
                for start in re.findall(r"`([a-z]+\.)\$\{", source)
                for key in known
                if key.startswith(start)
            }
        used = re.findall(r'\bt\("([^"]+)"', source)
        used += re.findall(r'data-(?:t|title|label|hold)="([^"]+)"', source)
        used += re.findall(r'"data-(?:t|title|label|hold)": "([^"]+)"', source)
        assert set(used) - known == set(), name
    assert known - named == set()


def test_the_page_is_light_and_asks_nobody_else(report: list[str]) -> None:
    weights = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    total = sum(weights.values())
    report.append(f"page: {total:,} bytes in {len(weights)} files")
    assert total < WEIGHT_LIMIT_BYTES, weights
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        addresses = set(re.findall(r"(?:https?:)?//[a-z][a-z0-9.-]+\.[a-z]{2,}", text))
        assert addresses <= {"//www.w3.org", "http://www.w3.org"}, path.name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text
        )
        assert "new Function" not in text


_PROPERTIES = """
import { readFileSync } from "node:fs";
import * as d from "./diff.mjs";
const cases = JSON.parse(readFileSync(0));
console.log(JSON.stringify(cases.map(([base, ours, theirs, marks]) => {
  const edit = d.difference(base, ours);
  const kept = edit && d.remember(base, edit, 1);
  // A beginning of ours arrived, its answer did not; more was typed meanwhile.
  const longer = edit ? d.apply(base, { ...edit, insert: edit.insert + "more" }) : ours;
  const { text, clash } = d.merge(base, longer, ours);
  const more = d.difference(base, longer);
  const again = more && d.replay(ours, 2, d.remember(base, more, 1));
  const replayed = !again || again.lost ? null : again.done ? ours : d.apply(ours, again.edit);
  return {
    longer, lost_answer: { text, clash }, replayed,
    edit, made: edit ? d.apply(base, edit) : base,
    marks: edit ? d.moveMarks(marks, edit) : marks,
    merged: d.merge(base, ours, theirs), turned: d.merge(base, theirs, ours),
    same: kept && d.replay(base, 1, kept), there: kept && d.replay(ours, 2, kept),
  };
})));
"""


def _texts(chance: random.Random, base: str) -> str:
    at = chance.randint(0, len(base))
    end = min(len(base), at + chance.randint(0, 6))
    return base[:at] + "".join(chance.choices("ab \n😀", k=chance.randint(0, 5))) + base[end:]


def _units(text: str) -> list[str]:
    data = text.encode("utf-16-le")
    return [data[i : i + 2].hex() for i in range(0, len(data), 2)]


def _cases() -> list[tuple[str, str, str, list[list[int]]]]:
    chance = random.Random(8)
    made = []
    for _ in range(3000):
        base = "".join(chance.choices("abc \n😀😁", k=chance.randint(0, 30)))
        size = len(_units(base))
        start = chance.randint(0, size)
        marks = [[start, chance.randint(start + 1, size)]] if size > start else []
        made.append((base, _texts(chance, base), _texts(chance, base), marks))
    return made


def test_differences_and_merges_lose_nothing(tmp_path: Path) -> None:
    cases = _cases()
    for (base, ours, theirs, _), found in zip(
        cases, node(tmp_path, ["diff"], _PROPERTIES, cases), strict=True
    ):
        assert found["made"] == ours
        _check_edit(found)
        for start, end in found["marks"]:
            assert 0 <= start < end <= len(_units(ours))
        _check_merge(base, ours, theirs, found)


def _check_edit(found: dict[str, Any]) -> None:
    edit = found["edit"]
    assert found["lost_answer"] == {"text": found["longer"], "clash": False}
    if edit is None:
        return
    edit["insert"].encode()  # no half of a pair
    assert found["same"]["edit"] == edit
    assert set(found["there"]) & {"done", "edit", "lost"}
    if not edit["remove"]:
        assert found["replayed"] in (found["longer"], None)


def _check_merge(base: str, ours: str, theirs: str, found: dict[str, Any]) -> None:
    merged, turned = found["merged"], found["turned"]
    assert merged["clash"] == turned["clash"]
    if theirs == base:
        assert merged["text"] == ours
    if ours == base:
        assert merged["text"] == theirs
    if not merged["clash"]:
        assert sorted(merged["text"]) == sorted(turned["text"])
    else:  # every character of both is there
        assert set(ours) | set(theirs) <= set(merged["text"])
    if merged["edit"]:
        units, edit = _units(theirs), merged["edit"]
        made = units[: edit["at"]] + _units(edit["insert"])
        assert made + units[edit["at"] + edit["remove"] :] == _units(merged["text"])
