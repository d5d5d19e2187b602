"""What a worker process gets to see; what the system tells when it dies."""

from __future__ import annotations

from galosh.base.paths import Paths
from galosh.supervisor.launch import worker_environment
from galosh.supervisor.memory import count_oom_kills, read_memory, worker_bytes


def test_secrets_and_search_paths_stay_behind() -> None:
    environ = {
        "PATH": "/bin", "HOME": "/h", "HF_TOKEN": "s", "HTTPS_PROXY": "p", "LD_PRELOAD": "x",
        "PYTHONPATH": "y", "GGML_VK_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "2",
        "GALOSH_HOME": "g",
    }  # fmt: skip
    assert worker_environment(environ) == {
        "PATH": "/bin", "HOME": "/h", "GGML_VK_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "2",
        "GGML_NO_BACKTRACE": "1", "GOMP_SPINCOUNT": "3000",
    }  # fmt: skip


def test_how_openmp_waits_is_the_users_choice_where_he_made_one() -> None:
    for chosen in ({"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "active"}):
        assert worker_environment(chosen) == {**chosen, "GGML_NO_BACKTRACE": "1"}


def test_out_of_memory_kills_are_counted_from_both_places() -> None:
    assert count_oom_kills("pgfault 1\noom_kill 3\n", "oom 9\noom_kill 2\n") == 5
    assert count_oom_kills("pgfault 1\n", None) is None
    assert count_oom_kills(None, "oom_kill 0\n") == 0


def test_memory_of_this_moment() -> None:
    import os

    now = read_memory()
    assert now.total_bytes is not None
    assert now.available_bytes is not None
    assert 0 < now.available_bytes <= now.total_bytes
    own = worker_bytes(os.getpid())
    assert own is not None
    assert own > 1_000_000
    assert worker_bytes(2**22 + 1) is None


def test_the_engine_launcher_says_when_there_is_none(paths: Paths) -> None:
    import pytest

    from galosh.base.errors import GaloshError
    from galosh.supervisor.launch import engine_launcher

    with pytest.raises(GaloshError) as caught:
        engine_launcher(paths)()
    assert caught.value.code == "supervisor-no-engine"
