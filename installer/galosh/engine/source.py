"""The two changes galosh makes to the engine's source before compiling it. Pure.

llama.cpp's own threads (used where there is no OpenMP) wait for each other by spinning.
With one other busy program on the PC, a thread that spins keeps the one it waits for off
the processor: measured on two busy cores, 32 tokens/s with one thread and 0.3 with two.
So a wait gives the processor away after some microseconds of spinning.
"""

from __future__ import annotations

FILE = "vendor/llama.cpp/ggml/src/ggml-cpu/ggml-cpu.c"
MARK = "galosh_relax"

_HELPER_BEFORE = "//\n// NUMA support\n//\n"
_HELPER = """// galosh: spin for a moment, then let others run.
static inline void galosh_relax(unsigned * rounds) {
    if (++*rounds < 1024) {
        ggml_thread_cpu_relax();
        return;
    }
    sched_yield();
}

"""
_BARRIER = """\
    while (atomic_load_explicit(&tp->n_barrier_passed, memory_order_relaxed) == n_passed) {
        ggml_thread_cpu_relax();
    }
"""
_POLL = """        // No new work. Keep polling.
        ggml_thread_cpu_relax();
"""
_POLL_LOOP = (
    "    for (uint64_t i=0; !ggml_graph_compute_thread_ready(state) && i < n_rounds; i++) {\n"
)


def yielding(text: str) -> str | None:
    """The source file with waits that yield; None when it is not the text this was made for.

    A text that is changed already comes back as it is.
    """
    if MARK in text:
        return text
    parts = (_HELPER_BEFORE, _BARRIER, _POLL_LOOP + _POLL)
    if any(text.count(part) != 1 for part in parts):
        return None
    barrier = _BARRIER.replace("ggml_thread_cpu_relax()", "galosh_relax(&rounds)")
    poll = _POLL.replace("ggml_thread_cpu_relax()", "galosh_relax(&rounds)")
    return (
        text.replace(_HELPER_BEFORE, _HELPER + _HELPER_BEFORE)
        .replace(_BARRIER, f"    unsigned rounds = 0;\n{barrier}")
        .replace(_POLL_LOOP + _POLL, f"    unsigned rounds = 0;\n{_POLL_LOOP}{poll}")
    )
