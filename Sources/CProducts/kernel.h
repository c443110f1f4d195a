// The product for one width of vectors. products.c includes this once for each width, and defines beforehand
//   LANES            floats in a vector
//   TARGET           the attribute that lets the compiler use such vectors
//   ROWS_1, ROWS_2   rows of a tile one or two vectors wide: as many as the registers hold
//   NAME(x)          x with a suffix of this width
//   NAME(load_first), NAME(store_first)    the first few floats of a vector; the others are zero, or left alone
//   NARROWER         optional: `rows` of half this width, for the last columns
//
// C is computed in panels of two vectors' width, a panel in tiles of some rows, a tile in registers while k runs. Each
// element is one chain of fused multiply-adds, in the order of k. Lanes and rows only decide which chains run side by
// side, so every width gives the same bits.

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4)));

#define INLINE static inline __attribute__((always_inline)) TARGET
#define PANEL (2 * LANES)
#define EACH \
  _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) \
  _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++)
#define COUNT(v) ((v) + 1 == vectors ? last : LANES)

INLINE NAME(vector) NAME(all)(float x) { return x - (NAME(vector)){0}; }

INLINE NAME(vector) NAME(load)(const float *p, int count) {
  return count == LANES ? *(const NAME(vector) *)p : NAME(load_first)(p, count);
}

INLINE void NAME(store)(float *p, int count, NAME(vector) x) {
  if (count == LANES) *(NAME(vector) *)p = x;
  else NAME(store_first)(p, count, x);
}

// One tile. The first four arguments are constants wherever this is inlined.
INLINE void NAME(multiply)(int rows, int vectors, bool is_partial, bool is_transposed, const struct tile *t) {
  NAME(vector) sum[ROWS_1][2];
  const int last = is_partial ? t->last : LANES;
  if (t->begins) {
    EACH sum[r][v] = (NAME(vector)){0};
  } else {
    EACH sum[r][v] = *(const NAME(vector) *)(t->sums + r * SUMS_ROW + v * LANES);
  }
  const float *b = t->b;
  const ptrdiff_t b_row = t->b_row, k = t->k;
  const ptrdiff_t a_row = is_transposed ? 1 : t->a_row, a_column = is_transposed ? t->a_column : 1;
  // A pointer for every third row: an address is one of them and once or twice a_row.
  const float *a[(ROWS_1 + 2) / 3];
_Pragma("clang loop unroll(full)")
  for (int r = 0; r < rows; r += 3) a[r / 3] = t->a + r * a_row;
  const char *ahead = t->ahead;
  const ptrdiff_t stride = t->stride;
_Pragma("clang loop unroll(disable)")
  for (ptrdiff_t i = 0; i < k; i++) {
    __builtin_prefetch(ahead);
    ahead += stride;
    NAME(vector) columns[2];
_Pragma("clang loop unroll(full)")
    for (int v = 0; v < vectors; v++) columns[v] = NAME(load)(b + v * LANES, COUNT(v));
_Pragma("clang loop unroll(full)")
    for (int r = 0; r < rows; r++) {
      const NAME(vector) factor = NAME(all)(is_transposed ? a[0][r] : a[r / 3][(r % 3) * a_row]);
_Pragma("clang loop unroll(full)")
      for (int v = 0; v < vectors; v++) sum[r][v] = __builtin_elementwise_fma(factor, columns[v], sum[r][v]);
    }
    b += b_row;
    if (is_transposed) {
      a[0] += a_column;
    } else {
_Pragma("clang loop unroll(full)")
      for (int r = 0; r < rows; r += 3) a[r / 3]++;
    }
  }
  float *const c = t->c;
  const ptrdiff_t c_row = t->c_row;
  if (!t->ends) {
    EACH *(NAME(vector) *)(t->sums + r * SUMS_ROW + v * LANES) = sum[r][v];
  } else if (t->is_plain) {
    EACH NAME(store)(c + r * c_row + v * LANES, COUNT(v), sum[r][v]);
  } else if (t->beta == 0) {
    const NAME(vector) alpha = NAME(all)(t->alpha);
    EACH NAME(store)(c + r * c_row + v * LANES, COUNT(v), alpha * sum[r][v]);
  } else {
    const NAME(vector) alpha = NAME(all)(t->alpha), beta = NAME(all)(t->beta);
    EACH {
      float *const place = c + r * c_row + v * LANES;
      NAME(store)(
          place, COUNT(v), __builtin_elementwise_fma(beta, NAME(load)(place, COUNT(v)), alpha * sum[r][v]));
    }
  }
}

#define CASE(rows, vectors) \
  case rows: \
    if (partial) \
      transposed ? NAME(multiply)(rows, vectors, true, true, t) : NAME(multiply)(rows, vectors, true, false, t); \
    else \
      transposed ? NAME(multiply)(rows, vectors, false, true, t) : NAME(multiply)(rows, vectors, false, false, t); \
    break;

static __attribute__((noinline)) TARGET void NAME(narrow)(
    int rows, bool partial, bool transposed, const struct tile *t) {
  switch (rows) {
    CASE(1, 1) CASE(2, 1) CASE(3, 1) CASE(4, 1) CASE(5, 1) CASE(6, 1) CASE(7, 1) CASE(8, 1) CASE(9, 1)
    CASE(10, 1) CASE(11, 1) CASE(12, 1)
#if ROWS_1 > 12
    CASE(13, 1) CASE(14, 1) CASE(15, 1) CASE(16, 1) CASE(17, 1) CASE(18, 1) CASE(19, 1) CASE(20, 1) CASE(21, 1)
    CASE(22, 1) CASE(23, 1) CASE(24, 1) CASE(25, 1)
#endif
  }
}

static __attribute__((noinline)) TARGET void NAME(wide)(
    int rows, bool partial, bool transposed, const struct tile *t) {
  switch (rows) {
    CASE(1, 2) CASE(2, 2) CASE(3, 2) CASE(4, 2) CASE(5, 2) CASE(6, 2)
#if ROWS_2 > 6
    CASE(7, 2) CASE(8, 2) CASE(9, 2) CASE(10, 2) CASE(11, 2) CASE(12, 2)
#endif
  }
}

// Up to a panel's columns of m rows, in tiles of nearly equal height. Moves `t` behind the last row.
static TARGET void NAME(rows)(ptrdiff_t m, int columns, bool transposed, struct tile *t) {
#ifdef NARROWER
  if (columns <= LANES / 2) {
    NARROWER(m, columns, transposed, t);
    return;
  }
  if (columns > LANES && columns <= LANES + LANES / 2) {
    struct tile rest = *t;
    NAME(rows)(m, LANES, transposed, t);
    rest.b += LANES;
    rest.c += LANES;
    rest.sums += LANES;
    NARROWER(m, columns - LANES, transposed, &rest);
    return;
  }
#endif
  const bool is_wide = columns > LANES;
  const int most = is_wide ? ROWS_2 : ROWS_1;
  t->last = is_wide ? columns - LANES : columns;
  for (ptrdiff_t tiles = (m + most - 1) / most; tiles > 0; tiles--) {
    const int rows = (int)((m + tiles - 1) / tiles);
    if (is_wide) NAME(wide)(rows, t->last != LANES, transposed, t);
    else NAME(narrow)(rows, t->last != LANES, transposed, t);
    t->a += rows * t->a_row;
    t->c += rows * t->c_row;
    t->sums += rows * SUMS_ROW;
    t->ahead += t->k * t->stride;
    m -= rows;
  }
}

// Rows of a panel of B that make 32 KB.
#define DEPTH (8192 / PANEL)

// The tiles that m rows make of a panel.
static inline ptrdiff_t NAME(tiles)(ptrdiff_t m, int columns) {
  const int most = columns > LANES ? ROWS_2 : ROWS_1;
  return (m + most - 1) / most;
}

// C <- A * B for a B of many rows that do not stay in the core's caches: panel by panel, each of its rows would come from
// beyond them for every tile. So all tiles go through some rows of B, then through the next ones.
static TARGET void NAME(deep)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, bool transpose_a, struct tile t) {
  float sums[DEEP_PANELS][HEIGHT * SUMS_ROW] __attribute__((aligned(64)));
  const float *const a = t.a, *const b = t.b;
  float *const c = t.c;
  const ptrdiff_t depth = 16384 / n;
  ptrdiff_t tiles = 0;
  for (ptrdiff_t j = 0; j < n; j += PANEL) tiles += NAME(tiles)(m, n - j < PANEL ? (int)(n - j) : PANEL);
  for (ptrdiff_t first = 0; first < k; first += depth) {
    const ptrdiff_t left = k - first - depth;
    t.k = left < 0 ? k - first : depth;
    t.begins = first == 0;
    t.ends = left <= 0;
    fetch(&t, b + (first + depth) * n, (left < depth ? left : depth) * n, tiles);
    for (ptrdiff_t j = 0; j < n; j += PANEL) {
      t.a = a + first * t.a_column;
      t.b = b + first * n + j;
      t.c = c + j;
      t.sums = sums[j / PANEL];
      NAME(rows)(m, n - j < PANEL ? (int)(n - j) : PANEL, transpose_a, &t);
    }
  }
}

// C <- A * B for a small B and many rows: some rows of C at a time, so that A is read and C is written once, from first to
// last. Part by part a transposed A is copied: its rows may be so far apart that they push each other out of the cache.
static TARGET void NAME(tall)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, bool transpose_a, struct tile t) {
  enum { PART = 4 * ROWS_2 };
  float part[TALL_DEPTH * PART] __attribute__((aligned(64)));
  const float *const a = t.a, *const b = t.b;
  float *const c = t.c;
  const bool is_far = m * n * (ptrdiff_t)sizeof(float) > FAR;
  if (transpose_a) t.a_column = PART;
  for (ptrdiff_t i = 0; i < m; i += PART) {
    const int rows = m - i < PART ? (int)(m - i) : PART;
    const ptrdiff_t left = m - i - PART;
    if (transpose_a) pack(part, PART, a + i, m, k, rows);
    if (is_far) fetch(&t, c + (i + PART) * n, (left < PART ? left : PART) * n, (n + PANEL - 1) / PANEL * 4);
    for (ptrdiff_t j = 0; j < n; j += PANEL) {
      t.a = transpose_a ? part : a + i * k;
      t.b = b + j;
      t.c = c + i * n + j;
      NAME(rows)(rows, n - j < PANEL ? (int)(n - j) : PANEL, transpose_a, &t);
    }
  }
}

// C <- A * B for a transposed B of many rows, and few rows of A, as C^T <- B^T * A^T: it is A that is transposed, and C,
// which are smaller. A product's factors may change places.
static TARGET void NAME(turned)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, bool transpose_a, struct tile t) {
  float packed[DEPTH * PANEL] __attribute__((aligned(64)));
  float sums[HEIGHT * SUMS_ROW] __attribute__((aligned(64)));
  const float *const b = t.b;
  float *const c = t.c;
  if (transpose_a) pack(packed, PANEL, t.a, m, k, (int)m);
  else pack_transposed(packed, PANEL, t.a, k, k, (int)m);
  const bool is_far = n * k * (ptrdiff_t)sizeof(float) > FAR;
  t.ends = false;
  t.a_row = k;
  t.a_column = 1;
  t.b = packed;
  t.b_row = PANEL;
  for (ptrdiff_t i = 0; i < n; i += HEIGHT) {
    const int rows = n - i < HEIGHT ? (int)(n - i) : HEIGHT;
    const ptrdiff_t left = n - i - HEIGHT;
    if (is_far)
      fetch(&t, b + (i + HEIGHT) * k, (left < HEIGHT ? left : HEIGHT) * k, NAME(tiles)(HEIGHT, (int)m));
    t.a = b + i * k;
    t.sums = sums;
    NAME(rows)(rows, (int)m, false, &t);
    store_transposed(c + i, n, sums, rows, (int)m, t.alpha, t.beta);
  }
}

// C <- A * B, panel by panel.
static TARGET void NAME(panels)(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, bool transpose_a, bool transpose_b, struct tile t) {
  float packed[DEPTH * PANEL] __attribute__((aligned(64)));
  float sums[HEIGHT * SUMS_ROW] __attribute__((aligned(64)));
  const float *const a = t.a, *const b = t.b;
  float *const c = t.c;
  t.sums = sums;
  // A panel of B is copied if it lies column by column; and if its rows are so far apart that they would push each
  // other out of the nearest cache before the next tile reads them.
  const bool is_copied = transpose_b || (n >= 256 && m > 2 * ROWS_2);
  for (ptrdiff_t j = 0; j < n; j += PANEL) {
    const int columns = (int)(n - j < PANEL ? n - j : PANEL);
    if (!is_copied) {
      t.a = a;
      t.b = b + j;
      t.c = c + j;
      NAME(rows)(m, columns, transpose_a, &t);
      continue;
    }
    t.b_row = PANEL;
    const ptrdiff_t height = k <= DEPTH ? m : HEIGHT;
    for (ptrdiff_t i = 0; i < m; i += height) {
      ptrdiff_t first = 0;
      do {
        t.k = k - first < DEPTH ? k - first : DEPTH;
        if (i == 0 || k > DEPTH) {
          if (transpose_b) pack_transposed(packed, PANEL, b + j * k + first, k, t.k, columns);
          else pack(packed, PANEL, b + first * n + j, n, t.k, columns);
        }
        t.a = a + i * t.a_row + first * t.a_column;
        t.b = packed;
        t.c = c + i * n + j;
        t.sums = sums;
        t.begins = first == 0;
        t.ends = first + t.k == k;
        NAME(rows)(m - i < height ? m - i : height, columns, transpose_a, &t);
        first += t.k;
      } while (first < k);
    }
  }
}

static TARGET void NAME(gemm)(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha, const float *a, bool transpose_a, const float *b,
    bool transpose_b, float beta, float *c) {
  struct tile t = {
      .k = k, .a = a, .a_row = transpose_a ? 1 : k, .a_column = transpose_a ? m : 1, .b = b, .b_row = n,
      .ahead = (const char *)b, .begins = true, .ends = true, .is_plain = alpha == 1 && beta == 0, .alpha = alpha, .beta = beta, .c = c,
      .c_row = n};
  if (transpose_b) {
    // Vectors lie along A's rows then, and should be full, nearly.
    const bool is_full = m >= LANES && m <= PANEL && (m == LANES || m > LANES + LANES / 2);
    if (is_full && k >= m && k <= DEPTH && n >= HEIGHT) return NAME(turned)(m, n, k, transpose_a, t);
  } else if (n > PANEL && n <= DEEP_PANELS * PANEL) {
    if (k * n <= 8192 && k <= TALL_DEPTH && m > 4 * ROWS_2) return NAME(tall)(m, n, k, transpose_a, t);
    if (k * n * (ptrdiff_t)sizeof(float) > FAR && m > ROWS_2 && m <= HEIGHT)
      return NAME(deep)(m, n, k, transpose_a, t);
  }
  NAME(panels)(m, n, k, transpose_a, transpose_b, t);
}

// See cproducts_multiply_adds.
static __attribute__((noinline)) TARGET float NAME(multiply_adds)(ptrdiff_t count) {
  NAME(vector) sum[12];
  for (int i = 0; i < 12; i++) sum[i] = NAME(all)((float)i);
  const NAME(vector) factor = NAME(all)(0.5f), term = NAME(all)(1e-3f);
_Pragma("clang loop unroll(disable)")
  for (ptrdiff_t n = 0; n < count; n++) {
_Pragma("clang loop unroll(full)")
    for (int i = 0; i < 12; i++) sum[i] = __builtin_elementwise_fma(sum[i], factor, term);
  }
  float total = 0;
  for (int i = 0; i < 12; i++) total += sum[i][0];
  return total;
}

#undef CASE
#undef DEPTH
#undef COUNT
#undef EACH
#undef INLINE
#undef PANEL
#undef LANES
#undef TARGET
#undef ROWS_1
#undef ROWS_2
#undef NAME
#undef NARROWER
