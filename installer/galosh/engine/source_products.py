"""Changes to the engine's products of weights and a few columns; see `galosh.engine.source`."""

from __future__ import annotations

_FOLDER = "vendor/llama.cpp/ggml/src/ggml-cpu/"

_PARTS = """\
    const int64_t nr1 = ne1 * ne2 * ne3;

    // Now select a reasonable chunk size.
    int chunk_size = 16;

    // We need to step up the size if it's small
    if (nr0 == 1 || nr1 == 1) {
"""
_LARGER_PARTS = _PARTS.replace("nr1 == 1", "nr1 <= GALOSH_FEW")
_TILES = """\
#if GGML_USE_LLAMAFILE
    if (src1->type != vec_dot_type) {
        const void* wdata"""
_NO_TILES = _TILES.replace("vec_dot_type)", "vec_dot_type && ne11 > GALOSH_FEW)")
_PRODUCT_BEFORE = "// ggml_compute_forward_mul_mat\n\n"
_FEW = """\
// galosh: so many tokens at once are no prompt.
#define GALOSH_FEW 8

"""

_DOT_BEFORE = (
    "void ggml_vec_dot_mxfp4_q8_0(int n, float * GGML_RESTRICT s, size_t bs,"
    " const void * GGML_RESTRICT vx, size_t bx, const void * GGML_RESTRICT vy, size_t by,"
    " int nrc) {\n"
)
_DOTS = """\
// galosh: a row with some columns at once; each sum is that of ggml_vec_dot_..., bit for bit.
#if defined(__AVX2__)
static inline void galosh_dots_q4_1(int nb, int columns, float * s, const block_q4_1 * x, \
const char * vy, size_t by) {
    __m256 acc[4];
    float  summs[4];
    for (int c = 0; c < columns; ++c) {
        acc[c]   = _mm256_setzero_ps();
        summs[c] = 0;
    }
    for (int ib = 0; ib < nb; ++ib) {
        const float   m0  = GGML_CPU_FP16_TO_FP32(x[ib].m);
        const __m256  d0v = _mm256_set1_ps( GGML_CPU_FP16_TO_FP32(x[ib].d) );
        const __m256i qx  = bytes_from_nibbles_32(x[ib].qs);
        for (int c = 0; c < columns; ++c) {
            const block_q8_1 * y = (const block_q8_1 *) (vy + c*by) + ib;
            summs[c] += m0 * GGML_CPU_FP16_TO_FP32(y->s);
            const __m256  d1v  = _mm256_set1_ps( GGML_CPU_FP16_TO_FP32(y->d) );
            const __m256  d0d1 = _mm256_mul_ps( d0v, d1v );
            const __m256i qy   = _mm256_loadu_si256( (const __m256i *) y->qs );
            acc[c] = _mm256_fmadd_ps( d0d1, mul_sum_us8_pairs_float(qx, qy), acc[c] );
        }
    }
    for (int c = 0; c < columns; ++c) {
        s[c] = hsum_float_8(acc[c]) + summs[c];
    }
}

static inline __m256i galosh_bytes_q5_0(const block_q5_0 * x) {
    const __m256i high = _mm256_andnot_si256(bytes_from_bits_32(x->qh), \
_mm256_set1_epi8((char) 0xF0));
    return _mm256_or_si256(bytes_from_nibbles_32(x->qs), high);
}

static inline __m256i galosh_bytes_q8_0(const block_q8_0 * x) {
    return _mm256_loadu_si256((const __m256i *) x->qs);
}

#define GALOSH_SIGNED_DOTS(TYPE) \\
static inline void galosh_dots_##TYPE(int nb, int columns, float * s, const block_##TYPE * x, \\
                                      const char * vy, size_t by) { \\
    __m256 acc[4]; \\
    for (int c = 0; c < columns; ++c) { \\
        acc[c] = _mm256_setzero_ps(); \\
    } \\
    for (int ib = 0; ib < nb; ++ib) { \\
        const float   d0 = GGML_CPU_FP16_TO_FP32(x[ib].d); \\
        const __m256i qx = galosh_bytes_##TYPE(&x[ib]); \\
        for (int c = 0; c < columns; ++c) { \\
            const block_q8_0 * y = (const block_q8_0 *) (vy + c*by) + ib; \\
            const __m256  d  = _mm256_set1_ps( d0 * GGML_CPU_FP16_TO_FP32(y->d) ); \\
            const __m256i qy = _mm256_loadu_si256( (const __m256i *) y->qs ); \\
            acc[c] = _mm256_fmadd_ps( d, mul_sum_i8_pairs_float(qx, qy), acc[c] ); \\
        } \\
    } \\
    for (int c = 0; c < columns; ++c) { \\
        s[c] = hsum_float_8(acc[c]); \\
    } \\
}
GALOSH_SIGNED_DOTS(q5_0)
GALOSH_SIGNED_DOTS(q8_0)

// The number of columns is one that the compiler knows.
#define GALOSH_DOTS(TYPE) \\
void galosh_vec_dots_##TYPE(int n, int columns, float * s, const void * vx, const void * vy, \\
                            size_t by) { \\
    const int nb = n / 32; \\
    switch (columns) { \\
        case 2:  galosh_dots_##TYPE(nb, 2, s, vx, vy, by); break; \\
        case 3:  galosh_dots_##TYPE(nb, 3, s, vx, vy, by); break; \\
        default: galosh_dots_##TYPE(nb, 4, s, vx, vy, by); break; \\
    } \\
}
GALOSH_DOTS(q4_1)
GALOSH_DOTS(q5_0)
GALOSH_DOTS(q8_0)
#endif

"""
_COLUMN_BEFORE = """\
                //for (int64_t ir0 = iir0; ir0 < iir0 + blck_0 && ir0 < ir0_end; ++ir0) {
                //    vec_dot(ne00, &dst_col[ir0], src0_row + ir0*nb01, src1_col);
"""
_COLUMNS = """\
#if defined(__AVX2__)
                // galosh: some columns share what is unpacked of a row.
                const int64_t left = MIN(MIN(iir1 + blck_1, ir1_end) - ir1, ne1 - i11);
                const int64_t columns = left == 5 ? 3 : MIN(4, left); // none is left alone
                if (galosh_dots != NULL && columns > 1) {
                    float sums[4*16];
                    for (int64_t ir0 = iir0; ir0 < iir0 + blck_0 && ir0 < ir0_end; ++ir0) {
                        float of_row[4];
                        galosh_dots(ne00, columns, of_row, src0_row + ir0*nb01, src1_col, \
src1_col_stride);
                        for (int64_t c = 0; c < columns; ++c) {
                            sums[c*16 + ir0 - iir0] = of_row[c];
                        }
                    }
                    for (int64_t c = 0; c < columns; ++c) {
                        memcpy((char *) (dst_col + iir0) + c*nb1, sums + c*16, \
(MIN(iir0 + blck_0, ir0_end) - iir0)*sizeof(float));
                    }
                    ir1 += columns - num_rows_per_vec_dot;
                    continue;
                }
#endif
"""
_CHUNK_BEFORE = "static void ggml_compute_forward_mul_mat_one_chunk(\n"
_DECLARED = """\
#if defined(__AVX2__)
// galosh: a row with up to four columns at once (arch/x86/quants.c).
typedef void (*galosh_dots_t)(int n, int columns, float * s, const void * vx, const void * vy, \
size_t by);
void galosh_vec_dots_q4_1(int, int, float *, const void *, const void *, size_t);
void galosh_vec_dots_q5_0(int, int, float *, const void *, const void *, size_t);
void galosh_vec_dots_q8_0(int, int, float *, const void *, const void *, size_t);

static galosh_dots_t galosh_dots_of(enum ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q4_1: return galosh_vec_dots_q4_1;
        case GGML_TYPE_Q5_0: return galosh_vec_dots_q5_0;
        case GGML_TYPE_Q8_0: return galosh_vec_dots_q8_0;
        default:             return NULL;
    }
}
#endif

"""
_TMP_BEFORE = """\
    // attempt to reduce false-sharing (does not seem to make a difference)
    // 16 * 2, accounting for mmla kernels
    float tmp[32];

    for (int64_t iir1 = ir1_start; iir1 < ir1_end; iir1 += blck_1) {
        for (int64_t iir0 = ir0_start; iir0 < ir0_end; iir0 += blck_0) {
            for (int64_t ir1 = iir1;"""
_FIND_DOTS = """\
#if defined(__AVX2__)
    const galosh_dots_t galosh_dots = galosh_dots_of(type);
#endif

"""

FEW = {
    _FOLDER + "ggml-cpu.c": (
        (_PRODUCT_BEFORE, _FEW + _PRODUCT_BEFORE),
        (_PARTS, _LARGER_PARTS),
        (_TILES, _NO_TILES),
    ),
}
COLUMNS = {
    _FOLDER + "arch/x86/quants.c": ((_DOT_BEFORE, _DOTS + _DOT_BEFORE),),
    _FOLDER + "ggml-cpu.c": (
        (_CHUNK_BEFORE, _DECLARED + _CHUNK_BEFORE),
        (_TMP_BEFORE, _FIND_DOTS + _TMP_BEFORE),
        (_COLUMN_BEFORE, _COLUMNS + _COLUMN_BEFORE),
    ),
}
