"""What is known about an engine: pure records and their JSON form.

Read leniently (a manifest of an older galosh must still load), written completely.
Never touches the disk: `shelf.py` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

# Ways a trial can end. The first five say that the engine itself is wrong for this
# processor, so that a build with fewer instruction sets may do better.
CRASH_CAUSES = frozenset(
    {"illegal-instruction", "segmentation-fault", "abort", "garbage", "timeout"}
)


@dataclass(frozen=True)
class Trial:
    """How one trial run of an engine ended, with what it measured.

    cause is None exactly when ok; signal is the POSIX signal number or the NTSTATUS code.
    offloaded: layers on the graphics processor as the engine's own log says: `20/31`.
    """

    ok: bool
    cause: str | None = None
    signal: int | None = None
    text: str = ""
    detail: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    load_seconds: float | None = None
    prefill_tps: float | None = None
    decode_tps: float | None = None
    system_info: str = ""
    offloaded: str = ""
    tried_at: float | None = None

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """The trial that `to_json` described; unknown keys are left out."""
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})


@dataclass(frozen=True)
class Manifest:
    """What an engine was made of. Kept as `manifest.json` in its folder."""

    version: str
    candidate: str
    flags: tuple[tuple[str, str], ...] = ()
    compiler: str = ""
    python_version: str = ""
    built_at: float = 0.0
    wheel: str = ""
    wheel_sha256: str = ""
    requires: tuple[str, ...] = ()
    cpu: str = ""
    trial: Trial | None = None
    worker_digest: str | None = None

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        data = asdict(self)
        data["flags"] = dict(self.flags)
        data["requires"] = list(self.requires)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        """The manifest that `to_json` described; raises KeyError without a version."""
        known = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        known["version"] = str(data["version"])
        known["candidate"] = str(data["candidate"])
        known["flags"] = tuple(sorted(dict(data.get("flags") or {}).items()))
        known["requires"] = tuple(data.get("requires") or ())
        trial = data.get("trial")
        known["trial"] = Trial.from_json(trial) if isinstance(trial, Mapping) else None
        return cls(**known)

    def with_trial(self, trial: Trial) -> Manifest:
        """The same engine after a trial."""
        return replace(self, trial=trial)


@dataclass(frozen=True)
class Engine:
    """An engine on disk: an environment that holds llama-cpp-python."""

    build_id: str
    folder: Path
    manifest: Manifest

    @property
    def python(self) -> Path:
        """The environment's own Python."""
        return python_of(self.folder)

    def to_json(self) -> dict[str, object]:
        """For `galosh engine list --json`."""
        return {
            "build_id": self.build_id,
            "folder": str(self.folder),
            **self.manifest.to_json(),
        }


def python_of(environment: Path) -> Path:
    """The Python of a virtual environment, whichever system made it."""
    windows = environment / "Scripts" / "python.exe"
    return windows if (environment / "Scripts").is_dir() else environment / "bin" / "python"
