"""Where the files of a resolved source belong. Looks at the disk, changes nothing.

A model's file keeps its own name in the models folder. If another file of that name is there
already (other repositories use the same names), it goes into a folder named after its source.
"""

from __future__ import annotations

import re
from pathlib import Path

from galosh.base.paths import Paths
from galosh.download.layer import RealLayer
from galosh.download.plan import Plan
from galosh.download.receipt import read_receipt
from galosh.download.resolved import Resolved
from galosh.download.source_text import safe_file_name


def choose_place(paths: Paths, resolved: Resolved) -> Path:
    """The model's (first) file in the models folder; a local source stays where it is."""
    if resolved.local is not None:
        return resolved.local
    usual = paths.models / resolved.file_name
    if not usual.exists() or _is_same(usual, resolved):
        return usual
    return paths.models / _folder_name(resolved.source) / resolved.file_name


def places_of(paths: Paths, resolved: Resolved, target: Path) -> tuple[tuple[Plan, Path], ...]:
    """Every plan with the file it fills, as `deliver` fills them."""
    if resolved.members:
        folder = paths.cache / "model-wheels"
        return tuple((plan, folder / plan.file_name) for plan in resolved.plans)
    rest = (target.with_name(plan.file_name) for plan in resolved.plans[1:])
    return tuple(zip(resolved.plans, (target, *rest), strict=False))


def _is_same(path: Path, resolved: Resolved) -> bool:
    """Whether the file there is this model, or cannot be told from it."""
    receipt = read_receipt(RealLayer(), path)
    wanted = resolved.plans[0].sha256 if len(resolved.plans) > 1 else resolved.sha256
    if receipt is not None and wanted is not None:
        return receipt.sha256 == wanted
    if receipt is not None:
        return receipt.plan.origin == resolved.source
    size = resolved.plans[0].size_bytes if not resolved.members else resolved.size_bytes
    return size is None or path.stat().st_size == size


def _folder_name(source: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "--", source.partition(":")[2] or source).strip("-.")
    return safe_file_name(plain[-80:])
