"""Functions that engines compiled here offer to the worker; see `galosh.engine.source`."""

from __future__ import annotations

_TOP_BEFORE = "int ggml_cpu_has_avx2(void) {\n"
_TOP = """\
// galosh: a token as llama_token_data has it.
struct galosh_token {
    int32_t id;
    float   logit;
    float   p;
};

GGML_BACKEND_API int32_t galosh_top(const float * logits, int32_t n, int32_t k, \
struct galosh_token * top);

// The k largest of n logits above minus infinity, in no order: a heap with the least in front.
// Of equal ones the first. Returns how many there are.
int32_t galosh_top(const float * logits, int32_t n, int32_t k, struct galosh_token * top) {
    int32_t count = 0;
    float   least = -INFINITY;
    for (int32_t i = 0; i < n; i++) {
        const float logit = logits[i];
        if (!(logit > least)) {
            continue;
        }
        int32_t at = 0;
        if (count < k) {
            at = count++;
            for (; at > 0 && top[(at - 1)/2].logit > logit; at = (at - 1)/2) {
                top[at] = top[(at - 1)/2];
            }
        } else {
            for (int32_t next; (next = 2*at + 1) < k; at = next) {
                if (next + 1 < k && top[next + 1].logit < top[next].logit) {
                    next++;
                }
                if (top[next].logit >= logit) {
                    break;
                }
                top[at] = top[next];
            }
        }
        top[at] = (struct galosh_token) { i, logit, 0.0f };
        if (count == k) {
            least = top[0].logit;
        }
    }
    return count;
}

"""

_CHAIN_BEFORE = """\
void llama_sampler_chain_add(struct llama_sampler * chain, struct llama_sampler * smpl) {
"""
_WRITE = """\
// galosh: what one answer is written with.
struct galosh_writer {
    struct llama_sampler * chain;
    llama_token_data     * entries;  // room for the likeliest tokens that the chain is to see
    int32_t                keep;     // how many; 0: it sees all
    llama_seq_id           sequence;
    llama_pos              position; // of `token`
    llama_token            token;    // chosen, and not computed yet
};

typedef int32_t (*galosh_find_top)(const float * logits, int32_t n, int32_t k, \
llama_token_data * top);

static llama_token galosh_choose(llama_context * ctx, const galosh_writer & writer, int32_t row, \
int32_t n_vocab, galosh_find_top find_top) {
    const float * logits = writer.keep > 0 ? llama_get_logits_ith(ctx, row) : nullptr;
    const int32_t found = logits ? find_top(logits, n_vocab, writer.keep, writer.entries) : 0;
    if (found > 0) {
        llama_token_data_array array = { writer.entries, (size_t) found, -1, false };
        llama_sampler_apply(writer.chain, &array);
        if (array.selected >= 0 && array.selected < (int64_t) array.size) {
            const llama_token token = array.data[array.selected].id;
            llama_sampler_accept(writer.chain, token);
            return token;
        }
    }
    return llama_sampler_sample(writer.chain, ctx, row);
}

extern "C" LLAMA_API int32_t galosh_write_until(llama_context * ctx, galosh_writer * writers, \
int32_t n_writers, int32_t n_steps, int64_t microseconds, const volatile int32_t * news, \
galosh_find_top find_top, llama_token * chosen, int32_t * status);

// Computes a token of every writer and chooses the next one, n_steps times at most, until one
// has ended, the time is up, *news is not 0, or a step took three times as long as another:
// whoever chooses the number of threads is to hear of that. Returns how often; status: what
// llama_decode said last.
int32_t galosh_write_until(llama_context * ctx, galosh_writer * writers, int32_t n_writers, \
int32_t n_steps, int64_t microseconds, const volatile int32_t * news, \
galosh_find_top find_top, llama_token * chosen, int32_t * status) {
    const llama_vocab * vocab = llama_model_get_vocab(llama_get_model(ctx));
    const int32_t n_vocab = llama_vocab_n_tokens(vocab);
    const int64_t begun = ggml_time_us();
    int64_t before = begun;
    int64_t quickest = INT64_MAX;
    std::vector<llama_token>    tokens(n_writers);
    std::vector<llama_pos>      positions(n_writers);
    std::vector<int32_t>        counts(n_writers, 1);
    std::vector<llama_seq_id *> sequences(n_writers);
    std::vector<int8_t>         outputs(n_writers, 1);
    llama_batch batch = { n_writers, tokens.data(), nullptr, positions.data(), counts.data(), \
sequences.data(), outputs.data() };
    for (int32_t step = 0; step < n_steps; step++) {
        for (int32_t i = 0; i < n_writers; i++) {
            tokens[i]    = writers[i].token;
            positions[i] = writers[i].position;
            sequences[i] = &writers[i].sequence;
        }
        *status = llama_decode(ctx, batch);
        if (*status != 0) {
            return step;
        }
        bool over = false;
        for (int32_t i = 0; i < n_writers; i++) {
            const llama_token token = galosh_choose(ctx, writers[i], i, n_vocab, find_top);
            writers[i].token = token;
            writers[i].position++;
            chosen[step*n_writers + i] = token;
            over = over || llama_vocab_is_eog(vocab, token);
        }
        const int64_t now = ggml_time_us();
        const bool slow = (now - before)/3 > quickest;
        quickest = std::min(quickest, now - before);
        before = now;
        if (over || slow || *news != 0 || now - begun >= microseconds) {
            return step + 1;
        }
    }
    return n_steps;
}

"""

TOP = {
    "vendor/llama.cpp/ggml/src/ggml-cpu/ggml-cpu.c": ((_TOP_BEFORE, _TOP + _TOP_BEFORE),),
}
WRITE = {
    "vendor/llama.cpp/src/llama-sampler.cpp": ((_CHAIN_BEFORE, _WRITE + _CHAIN_BEFORE),),
}
