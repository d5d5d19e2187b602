"""What a worker process gets to see; what the system tells when it dies."""

from __future__ import annotations

import asyncio
import time

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.supervisor.admission import BESIDE, Admission, RefusalError
from galosh.supervisor.launch import worker_environment
from galosh.supervisor.load_plan import Admitted, LoadWish
from galosh.supervisor.memory import count_oom_kills, read_memory, worker_bytes
from tests.supervisor.kit import House, answer, failure, in_loop, workers

PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def test_secrets_and_search_paths_stay_behind() -> None:
    environ = {
        "PATH": "/bin", "HOME": "/h", "HF_TOKEN": "s", "HTTPS_PROXY": "p", "LD_PRELOAD": "x",
        "PYTHONPATH": "y", "GGML_VK_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "2",
        "GALOSH_HOME": "g",
    }  # fmt: skip
    assert worker_environment(environ) == {
        "PATH": "/bin", "HOME": "/h", "GGML_VK_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "2",
        "GGML_NO_BACKTRACE": "1", "GOMP_SPINCOUNT": "3000", **PAGES,
    }  # fmt: skip


def test_how_openmp_waits_is_the_users_choice_where_he_made_one() -> None:
    for chosen in ({"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "active"}):
        assert worker_environment(chosen) == {**chosen, **PAGES, "GGML_NO_BACKTRACE": "1"}


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

    from galosh.supervisor.launch import engine_launcher

    with pytest.raises(GaloshError) as caught:
        engine_launcher(paths)()
    assert caught.value.code == "supervisor-no-engine"


class Slow:
    """An admission that takes until the worker beside it has surely said hello."""

    def __init__(self, real: Admission, error: GaloshError | None = None) -> None:
        self._real = real
        self._error = error
        self.beside = 0

    def admit(self, wish: LoadWish, build_id: str | None) -> Admitted:
        """See admission.Admission."""
        limit = time.monotonic() + 10
        while not workers() and time.monotonic() < limit:
            time.sleep(0.01)
        self.beside = len(workers())
        time.sleep(0.5)
        if self._error is not None:
            raise self._error
        return self._real.admit(wish, build_id)


@in_loop
async def test_the_process_starts_while_the_memory_is_being_judged(house: House) -> None:
    async with house.open() as supervisor:
        tools = supervisor._ruling().tools
        tools.admission = slow = Slow(tools.admission)
        assert (await supervisor.ready("alpha")).model_id == "alpha"
        assert slow.beside == 1
        [load] = house.frames()
        assert (load["type"], load["awaited"]) == ("load", False)


@in_loop
async def test_a_worker_is_told_that_a_question_waits(house: House) -> None:
    async with house.open() as supervisor:
        await answer(supervisor, "x", "alpha")
        assert [frame["awaited"] for frame in house.frames() if frame["type"] == "load"] == [True]


@in_loop
async def test_a_worker_that_there_is_no_room_for_is_ended_unheard(house: House) -> None:
    async with house.open() as supervisor:
        tools = supervisor._ruling().tools
        real, refusal = tools.admission, RefusalError(BESIDE, model_id="alpha")
        tools.admission = slow = Slow(real, refusal)
        assert (await failure(supervisor.ready("alpha"))).code == BESIDE
        assert slow.beside == 1
        assert workers() == []
        assert not (house.folder / "frames.jsonl").exists()
        tools.admission = real
        assert (await supervisor.ready("alpha")).model_id == "alpha"


@in_loop
async def test_a_stop_while_the_memory_is_being_judged(house: House) -> None:
    async with house.open() as supervisor:
        tools = supervisor._ruling().tools
        tools.admission = Slow(tools.admission)
        asking = asyncio.create_task(failure(supervisor.ready("alpha")))
        await asyncio.sleep(0.2)
        await supervisor.stop()
        assert (await asking).code == "supervisor-stopping"
        assert workers() == []
