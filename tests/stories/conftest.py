"""One installed galosh for all stories of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from galosh.base import durable
from tests.stories.installed import Installed, seeded_home


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Installed by `scripts/install.py --yes` into an empty home, and left at the end."""
    galosh = Installed(seeded_home(tmp_path_factory.mktemp("story")))
    # Any free port: whoever runs the tests may run a galosh of their own.
    durable.write_text(galosh.paths.settings_file, "[api]\nport = 0\n")
    done = galosh.install("--yes")
    assert done.status == 0, done.out[-3000:] + done.err[-3000:]
    (galosh.home / "first-install.txt").write_text(done.out, encoding="utf-8")
    yield galosh
    galosh.run("stop")
