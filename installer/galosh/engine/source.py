"""The changes galosh makes to the engine's source before compiling it. Pure.

Waits. llama.cpp's threads wait for each other some hundred times a token, by spinning. With one
other busy program on the PC a thread that spins keeps the one it waits for off the
processor: measured on two cores with one busy loop, 0.3 tokens/s instead of 60. Threads that
sleep at once lose two thirds of the speed on a quiet PC. So a wait spins for as long as
spinning has lately paid, then sleeps (docs/decisions/0007-threads-that-know-when-to-wait.md).

Rows. Alone, a token's attention over 512 cells and more is summed up in as many parts as
there are threads; among others, in one. The sums differ in their last bits, so a token's
words would depend on what is computed beside it, and on the number of threads, which changes
within an answer. Here the parts are the same for up to 16 rows, and the engine says so among
its features (docs/decisions/0008-guesses-change-no-word.md).

Masked. A part of a prompt that looks at 64 cells, none of which it may see, passes them by: later
ones of its own prompt, those of other conversations. llama.cpp does so too, after it has turned
each of the masks into a float, for every head anew.

Few. Two to eight tokens at once (guesses that are checked, answers side by side) are computed
by routines made for long prompts, which cost more than the tokens one by one would: weights
in parts of 16 rows, each asked for under a counter that all threads share, and llamafile's
tiles. Here they take the way of a single token
(docs/decisions/0015-a-few-rows-are-no-prompt.md).

Columns. Up to four columns of a product share what is unpacked of a row, bit for bit as one
column alone comes out: otherwise each token of a few unpacks all weights again.

Top. The likeliest tokens, found in the logits: llama.cpp's samplers copy the whole vocabulary
for every token (`galosh.worker.shortlist`).

Write. Several tokens one after another without a turn of Python between them: computing one
pushes all that Python needs out of the processor's caches (`galosh.worker.streak`).
"""

from __future__ import annotations

from collections.abc import Mapping

from galosh.engine.source_products import COLUMNS, FEW
from galosh.engine.source_writing import TOP, WRITE

# Names this form of the changes. An engine made with another one is not taken from the cache.
MARK = (
    "galosh_patience galosh_rows galosh_few galosh_top galosh_write_until galosh_dots_of"
    " galosh_masked"
)

_FOLDER = "vendor/llama.cpp/ggml/src/ggml-cpu/"

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

_WAITS = (
    (_TYPE_BEFORE, _TYPE + _TYPE_BEFORE),
    (_FIELDS_AFTER, _FIELDS_AFTER + _FIELDS),
    (_HELPER_BEFORE, _HELPER + _HELPER_BEFORE),
    (_LAST, _WAKE),
    (_BARRIER, _SLEEP),
    (_POLL, _PATIENT_POLL),
    (_BEGIN_AFTER, _BEGIN_AFTER + _BEGIN),
    (_END_AFTER, _END_AFTER + _END),
)

_SPLIT_BEFORE = "static void ggml_flash_attn_ext_reduce_partials(\n"
_SPLIT = """\
#define GALOSH_ROWS 16
#define GALOSH_PART 512

// galosh: a row is summed up over the same parts of the cells alone, among a few others, and
// with any number of threads, so that it comes out the same to the last bit. A part in which
// all is masked changes nothing; a single part is what the path without parts computes.
static void galosh_flash_attn_ext_parts(const ggml_compute_params * params, ggml_tensor * dst) {
    const ggml_tensor * q = dst->src[0];
    const ggml_tensor * k = dst->src[1];
    const ggml_tensor * v = dst->src[2];

    const int64_t DK    = k->ne[0];
    const int64_t DV    = v->ne[0];
    const int64_t cells = k->ne[1];
    const int64_t rows  = q->ne[1]*q->ne[2];
    const int64_t parts = (cells + GALOSH_PART - 1)/GALOSH_PART;
    const int64_t size  = 2 + DV; // M, S, VKQ
    const int     ith   = params->ith;
    const int     nth   = params->nth;

    float * partials = (float *) params->wdata + nth*(DK + 2*DV + CACHE_LINE_SIZE_F32);

    // Part by part: every thread gets as many long parts as the others, but one.
    for (int64_t task = ith; task < parts*rows; task += nth) {
        const int64_t part = task/rows;
        const int64_t row  = task%rows;
        ggml_compute_forward_flash_attn_ext_f16_one_chunk(
            params, dst, row, row + 1, part*GALOSH_PART, MIN((part + 1)*GALOSH_PART, cells),
            partials + part*size, parts*size);
    }
    ggml_barrier(params->threadpool);

    float * sum = (float *) params->wdata + ith*(DK + 2*DV + CACHE_LINE_SIZE_F32);
    for (int64_t row = ith; row < rows; row += nth) {
        float M = -INFINITY;
        float S = 0.0f;
        memset(sum, 0, DV*sizeof(float));
        for (int64_t part = 0; part < parts; ++part) {
            const float * partial = partials + (row*parts + part)*size;
            if (partial[1] == 0.0f) {
                continue;
            }
            const float M_new     = fmaxf(M, partial[0]);
            const float scale_old = expf(M - M_new);
            const float scale_new = expf(partial[0] - M_new);
            for (int64_t d = 0; d < DV; ++d) {
                sum[d] = sum[d]*scale_old + partial[2 + d]*scale_new;
            }
            S = S*scale_old + partial[1]*scale_new;
            M = M_new;
        }
        ggml_vec_scale_f32(DV, sum, S == 0.0f ? 0.0f : 1.0f/S);
        // permute(0, 2, 1, 3)
        const int64_t head  = row/q->ne[1];
        const int64_t token = row%q->ne[1];
        memcpy((char *) dst->data + (head + token*dst->ne[1])*dst->nb[1], sum, dst->nb[1]);
    }
}

"""
_CHOICE = (
    "    const bool use_split_kv_path = !use_ref && (neq1 == 1 && neq3 == 1) && kv_is_f32_or_f16"
    " && (k->type == v->type) && q->type == GGML_TYPE_F32 && nek1 >= 512;\n"
)
_NEW_CHOICE = """\
    if (!use_ref && neq1 <= GALOSH_ROWS && neq3 == 1 && kv_is_f32_or_f16 && k->type == v->type &&
        q->type == GGML_TYPE_F32 && nek1 >= GALOSH_PART) {
        galosh_flash_attn_ext_parts(params, dst);
        return;
    }
    const bool use_split_kv_path = false;
"""
_ROOM = "                        size_t n_chunks = n_tasks;\n"
_NEW_ROOM = """\
                        // galosh: the parts of up to 16 rows, 512 cells each (ops.cpp)
                        const int64_t galosh_rows = node->src[0]->ne[1];
                        size_t n_chunks = n_tasks;
                        if (galosh_rows <= 16) {
                            n_chunks = MAX(n_chunks, (size_t) \
(galosh_rows*((node->src[1]->ne[1] + 511)/512)));
                        }
"""
_LAST_FEATURE = "        features.push_back({ nullptr, nullptr });\n"
# Read by the worker: galosh.worker.exact.
_FEATURE = '        features.push_back({ "GALOSH_ROWS", "16" });\n'

_TILED_BEFORE = "static void ggml_compute_forward_flash_attn_ext_tiled(\n"
_MASKED = """\
// galosh: whether none of these rows may see any of these cells, told by the bits of the mask.
static bool galosh_masked(
        const char * mask, const size_t row_size, const int rows, const int64_t cell,
        const int cells) {
    for (int row = 0; row < rows; row++) {
        const ggml_fp16_t * bits = (const ggml_fp16_t *) (mask + row*row_size) + cell;
        uint16_t other = 0;
        for (int i = 0; i < cells; i++) {
            other |= bits[i] ^ 0xFC00; // minus infinity
        }
        if (other != 0) {
            return false;
        }
    }
    return true;
}

"""
_CONVERT = """\
                bool can_skip = true;
                for (int tq = 0; tq < tile_rows; tq++) {
                    const ggml_fp16_t * mp_row = (const ggml_fp16_t *)((const char *) mask->data \
+ (iq1 + tq)*mask->nb[1] + (iq2%mask->ne[2])*mask->nb[2] + (iq3%mask->ne[3])*mask->nb[3]);
                    for (int tk = 0; tk < kv_tile; tk++) {
                        mask32[tq * KV_TILE_SZ + tk] = slope * GGML_CPU_FP16_TO_FP32(\
mp_row[ic + tk]);
                        if (mask32[tq * KV_TILE_SZ + tk] != -INFINITY) {
                            can_skip = false;
                        }
                    }
"""
_LOOK_FIRST = """\
                const char * seen = (const char *) mask->data + iq1*mask->nb[1] + \
(iq2%mask->ne[2])*mask->nb[2] + (iq3%mask->ne[3])*mask->nb[3];
                const bool can_skip = galosh_masked(seen, mask->nb[1], tile_rows, ic, kv_tile);
                for (int tq = 0; tq < tile_rows && !can_skip; tq++) {
                    const ggml_fp16_t * mp_row = (const ggml_fp16_t *) (seen + tq*mask->nb[1]);
                    ggml_cpu_fp16_to_fp32(mp_row + ic, mask32 + tq * KV_TILE_SZ, kv_tile);
                    if (slope != 1.0f) {
                        ggml_vec_scale_f32(kv_tile, mask32 + tq * KV_TILE_SZ, slope);
                    }
"""

# Each group is made whole or not at all: what it is called, and the changes by file.
GROUPS: Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]] = {
    "waits": {_FOLDER + "ggml-cpu.c": _WAITS},
    "masked": {
        _FOLDER + "ops.cpp": ((_TILED_BEFORE, _MASKED + _TILED_BEFORE), (_CONVERT, _LOOK_FIRST)),
    },
    "few": FEW,
    "columns": COLUMNS,
    "top": TOP,
    "write": WRITE,
    "rows": {
        _FOLDER + "ggml-cpu.c": ((_ROOM, _NEW_ROOM),),
        _FOLDER + "ops.cpp": ((_SPLIT_BEFORE, _SPLIT + _SPLIT_BEFORE), (_CHOICE, _NEW_CHOICE)),
        _FOLDER + "ggml-cpu.cpp": ((_LAST_FEATURE, _FEATURE + _LAST_FEATURE),),
    },
}


def changed(group: str, texts: Mapping[str, str]) -> dict[str, str] | None:
    """The texts of a group's files as galosh wants them; None where one of them is not the
    text this was made for. A text that is changed already comes back as it is.
    """
    found = {}
    for file, changes in GROUPS[group].items():
        text = _change(texts[file], changes)
        if text is None:
            return None
        found[file] = text
    return found


def _change(text: str, changes: tuple[tuple[str, str], ...]) -> str | None:
    for before, after in changes:
        if after in text:
            continue
        if text.count(before) != 1:
            return None
        text = text.replace(before, after)
    return text
