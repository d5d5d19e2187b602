"""The changed waits, on the lines of the pinned release that they were made for."""

from __future__ import annotations

from galosh.engine.source import yielding

# Cut from ggml-cpu.c of llama-cpp-python 0.3.36.
ORIGINAL = """\
static inline void ggml_thread_cpu_relax(void) {;}
#endif

//
// NUMA support
//

    // wait for other threads
    while (atomic_load_explicit(&tp->n_barrier_passed, memory_order_relaxed) == n_passed) {
        ggml_thread_cpu_relax();
    }

    const uint64_t n_rounds = 1024UL * 128 * threadpool->poll;

    for (uint64_t i=0; !ggml_graph_compute_thread_ready(state) && i < n_rounds; i++) {
        // No new work. Keep polling.
        ggml_thread_cpu_relax();
    }
"""


def test_both_waits_yield_and_the_helper_stands_before_them() -> None:
    changed = yielding(ORIGINAL)
    assert changed is not None
    assert changed.count("galosh_relax(&rounds);") == 2
    assert changed.count("    unsigned rounds = 0;\n") == 2
    helper = changed.index("static inline void galosh_relax")
    assert changed.index("ggml_thread_cpu_relax(void)") < helper < changed.index("&rounds")
    assert changed.count("ggml_thread_cpu_relax();") == 1, "only the helper spins"


def test_a_second_time_changes_nothing() -> None:
    once = yielding(ORIGINAL)
    assert once is not None
    assert yielding(once) == once


def test_another_text_is_left_alone() -> None:
    assert yielding("") is None
    assert yielding(ORIGINAL + ORIGINAL) is None
    assert yielding(ORIGINAL.replace("Keep polling", "Keep on")) is None
