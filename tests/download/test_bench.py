"""The fault table holds every case it promises and calls a lie a lie."""

from __future__ import annotations

from scripts.benches import downloads_faults
from scripts.benches.clients import Client, all_clients
from scripts.benches.fault_cases import FILE_NAME, PROBE, THIRTY, Case


def test_all_thirteen_and_all_thirty_are_rows() -> None:
    assert len(PROBE) == 13
    assert sorted({int(case.name.split(" ")[0]) for case in THIRTY}) == list(range(1, 31))
    assert [client.name for client in all_clients()] == [
        "galosh", "huggingface_hub", "curl", "wget", "aria2c",
    ]  # fmt: skip


def test_wrong_bytes_with_success_are_a_lie() -> None:
    # Starts two processes: the verdict is about what a program left behind.
    import sys

    def tool(content: str) -> Client:
        script = f"import sys; open(sys.argv[1], 'w').write({content!r})"
        return Client(
            "tool",
            sys.executable,
            lambda place: [sys.executable, "-c", script, str(place.folder / FILE_NAME)],
            lambda place: place.folder / FILE_NAME,
        )

    case = Case("nothing wrong")
    assert downloads_faults.run_case(case, tool("<html>Sign in")) == "LIE"
    broken = Client("tool", sys.executable, lambda _: [sys.executable, "-c", "1/0"],
                    lambda _: None)  # fmt: skip
    assert downloads_faults.run_case(case, broken) == "err (1)"


def test_a_lie_of_ours_fails_the_bench() -> None:
    row = downloads_faults.Row("some fault", ("LIE", "ok", "ok", "ok", "ok"))
    text = downloads_faults._table([row], all_clients())
    assert [line for line in text.splitlines() if downloads_faults._is_bad(line)]
