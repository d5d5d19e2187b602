"""The changes galosh makes to the engine's source before compiling it. Pure.

llama.cpp's threads wait for each other some hundred times a token, by spinning. With one
other busy program on the PC a thread that spins keeps the one it waits for off the
processor: measured on two cores with one busy loop, 0.3 tokens/s instead of 60. Threads that
sleep at once lose two thirds of the speed on a quiet PC. So a wait spins for as long as
spinning has lately paid, then sleeps (docs/decisions/0007-threads-that-know-when-to-wait.md).
"""

from __future__ import annotations

FILE = "vendor/llama.cpp/ggml/src/ggml-cpu/ggml-cpu.c"
# Names this form of the changes. An engine made with another one is not taken from the cache.
MARK = "galosh_patience"

_FIELDS_AFTER = "    atomic_int GGML_CACHE_ALIGN n_barrier_passed;\n"
_FIELDS = """\
    // galosh: how long waits spin, and who sleeps at the barrier.
    struct galosh_patience galosh_barrier;
    struct galosh_patience galosh_poll;
    atomic_int GGML_CACHE_ALIGN galosh_sleepers;
    ggml_cond_t  galosh_cond;
"""
_TYPE_BEFORE = "// Threadpool def\n"
_TYPE = """\
// galosh: microseconds that a wait spins before it sleeps, learnt from the waits before it.
struct galosh_patience {
    atomic_int us;
    atomic_int waits;
};

"""
_HELPER_BEFORE = "//\n// NUMA support\n//\n"
_HELPER = """\
#ifndef GGML_USE_OPENMP
#define GALOSH_BARRIER_US 400
#define GALOSH_POLL_US    1000
#define GALOSH_LOOK_US    50 // spun now and then by those who lost their patience
#define GALOSH_LOOK_EVERY 32

// False when *word still is what was seen after that many microseconds.
static bool galosh_spin_for(atomic_int * word, int seen, int us) {
    int64_t begun = 0;
    for (unsigned round = 1;; round++) {
        if (atomic_load_explicit(word, memory_order_relaxed) != seen) {
            return true;
        }
        ggml_thread_cpu_relax();
        if (round % 16 == 0) {
            const int64_t now = ggml_time_us();
            if (begun == 0) {
                begun = now;
            } else if (now - begun >= us) {
                return false;
            }
        }
    }
}

// False when the wait must go on asleep. Two threads may write at once: either value will do.
static bool galosh_spin(atomic_int * word, int seen, struct galosh_patience * patience, int most) {
    const int us   = atomic_load_explicit(&patience->us, memory_order_relaxed);
    const int wait = atomic_fetch_add_explicit(&patience->waits, 1, memory_order_relaxed);
    const bool look = us < GALOSH_LOOK_US && (unsigned) wait % GALOSH_LOOK_EVERY == 0;
    if (galosh_spin_for(word, seen, look ? GALOSH_LOOK_US : us)) {
        const int more = us + 4 + (look ? us : 0);
        if (us < most) {
            atomic_store_explicit(&patience->us, more < most ? more : most, memory_order_relaxed);
        }
        return true;
    }
    if (!look) {
        atomic_store_explicit(&patience->us, us / 2, memory_order_relaxed);
    }
    return false;
}
#endif

"""
_LAST = """\
        // exit barrier (full seq-cst fence)
        atomic_fetch_add_explicit(&tp->n_barrier_passed, 1, memory_order_seq_cst);
        return;
"""
_WAKE = """\
        // exit barrier (full seq-cst fence)
        atomic_fetch_add_explicit(&tp->n_barrier_passed, 1, memory_order_seq_cst);
        if (atomic_load_explicit(&tp->galosh_sleepers, memory_order_seq_cst) > 0) {
            // A sleeper counted itself with the mutex held, then looked at n_barrier_passed.
            ggml_mutex_lock(&tp->mutex);
            ggml_mutex_unlock(&tp->mutex);
            ggml_cond_broadcast(&tp->galosh_cond);
        }
        return;
"""
_BARRIER = """\
    while (atomic_load_explicit(&tp->n_barrier_passed, memory_order_relaxed) == n_passed) {
        ggml_thread_cpu_relax();
    }
"""
_SLEEP = """\
    if (!galosh_spin(&tp->n_barrier_passed, n_passed, &tp->galosh_barrier, GALOSH_BARRIER_US)) {
        ggml_mutex_lock_shared(&tp->mutex);
        atomic_fetch_add_explicit(&tp->galosh_sleepers, 1, memory_order_seq_cst);
        while (atomic_load_explicit(&tp->n_barrier_passed, memory_order_seq_cst) == n_passed) {
            ggml_cond_wait(&tp->galosh_cond, &tp->mutex);
        }
        atomic_fetch_add_explicit(&tp->galosh_sleepers, -1, memory_order_relaxed);
        ggml_mutex_unlock_shared(&tp->mutex);
    }
"""
_POLL = """\
    const uint64_t n_rounds = 1024UL * 128 * threadpool->poll;

    for (uint64_t i=0; !ggml_graph_compute_thread_ready(state) && i < n_rounds; i++) {
        // No new work. Keep polling.
        ggml_thread_cpu_relax();
    }
"""
_PATIENT_POLL = """\
    // galosh: a thread that was left out of the last graph sleeps at once.
    const bool used = state->ith < (state->last_graph & GGML_THREADPOOL_N_THREADS_MASK);
    if (!ggml_graph_compute_thread_ready(state) && used && threadpool->poll > 0) {
        galosh_spin(&threadpool->n_graph, state->last_graph, &threadpool->galosh_poll, \
GALOSH_POLL_US);
        ggml_graph_compute_thread_ready(state);
    }
"""
_BEGIN_AFTER = "    ggml_cond_init(&threadpool->cond);\n"
_BEGIN = """\
    ggml_cond_init(&threadpool->galosh_cond);
    threadpool->galosh_sleepers      = 0;
    threadpool->galosh_barrier.us    = GALOSH_BARRIER_US;
    threadpool->galosh_barrier.waits = 0;
    threadpool->galosh_poll.us       = GALOSH_POLL_US;
    threadpool->galosh_poll.waits    = 0;
"""
_END_AFTER = "    ggml_cond_destroy(&threadpool->cond);\n"
_END = "    ggml_cond_destroy(&threadpool->galosh_cond);\n"

_CHANGES = (
    (_TYPE_BEFORE, _TYPE + _TYPE_BEFORE),
    (_FIELDS_AFTER, _FIELDS_AFTER + _FIELDS),
    (_HELPER_BEFORE, _HELPER + _HELPER_BEFORE),
    (_LAST, _WAKE),
    (_BARRIER, _SLEEP),
    (_POLL, _PATIENT_POLL),
    (_BEGIN_AFTER, _BEGIN_AFTER + _BEGIN),
    (_END_AFTER, _END_AFTER + _END),
)


def patient(text: str) -> str | None:
    """The source file with patient waits; None when it is not the text this was made for.

    A text that is changed already comes back as it is.
    """
    if MARK in text:
        return text
    if any(text.count(before) != 1 for before, _ in _CHANGES):
        return None
    for before, after in _CHANGES:
        text = text.replace(before, after)
    return text
