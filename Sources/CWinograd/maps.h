// The maps of F(m x m, 3 x 3) for one m and one width of vectors. winograd.c includes this once for each of them, after
// points.h, and defines beforehand
//   LANES, TARGET, WIDTH    as for points.h
//   OUTPUTS                 m
//   NARROWER                optional: the suffix of half this width, for the last eight of 8 + 16 n channels
//
// A cell is a tile in as many channels as a vector has.

#define N (OUTPUTS + 2)
#define NAME(x) JOIN(JOIN(x, OUTPUTS), LANES)
#define MAP(x) WIDTH(JOIN(x, OUTPUTS))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define EACH(i, n) _Pragma("clang loop unroll(full)") for (int i = 0; i < n; i++)
#define V WIDTH(vector)
#define LOAD WIDTH(load)
#define STORE WIDTH(store)

// Over all channels: whole vectors, then what is left.
#ifdef NARROWER
#define CHANNELS(count, cell, ...) \
  ptrdiff_t c = 0; \
  for (; c + LANES <= (count); c += LANES) NAME(cell)(__VA_ARGS__); \
  if (c < (count)) JOIN(JOIN(cell, OUTPUTS), NARROWER)(__VA_ARGS__)
#else
#define CHANNELS(count, cell, ...) \
  for (ptrdiff_t c = 0; c < (count); c += LANES) NAME(cell)(__VA_ARGS__)
#endif

// Where a tile lies inside, its positions are `row` and `column` apart from `corner`; else `places` has one pointer for
// each.
INLINE void NAME(input_cell)(
    bool is_inside, const float *corner, ptrdiff_t row, ptrdiff_t column, const float *const *places, ptrdiff_t c,
    float *target, ptrdiff_t plane) {
  V t[N][N];
  EACH(x, N) {
    V d[N], o[N];
    EACH(y, N) d[y] = LOAD((is_inside ? corner + y * row + x * column : places[N * y + x]) + c);
    MAP(input)(d, o);
    EACH(y, N) t[y][x] = o[y];
  }
  EACH(y, N) {
    V o[N];
    MAP(input)(t[y], o);
    EACH(x, N) STORE(target + (N * y + x) * plane + c, o[x]);
  }
}

// Positions that tiles above or to the left have too, two rows and two columns, are added to; the others overwritten.
INLINE void NAME(input_adjoint_cell)(
    bool is_inside, float *corner, ptrdiff_t row, ptrdiff_t column, float *const *places, bool is_top, bool is_left,
    ptrdiff_t c, const float *source, ptrdiff_t plane) {
  V t[N][N];
  EACH(y, N) {
    V m[N];
    EACH(x, N) m[x] = LOAD(source + (N * y + x) * plane + c);
    MAP(input_adjoint)(m, t[y]);
  }
  EACH(x, N) {
    V m[N], o[N];
    EACH(y, N) m[y] = t[y][x];
    MAP(input_adjoint)(m, o);
    EACH(y, N) {
      float *const p = (is_inside ? corner + y * row + x * column : places[N * y + x]) + c;
      STORE(p, (x < 2 && !is_left) || (y < 2 && !is_top) ? LOAD(p) + o[y] : o[y]);
    }
  }
}

INLINE void NAME(output_cell)(
    bool is_inside, float *corner, ptrdiff_t row, ptrdiff_t column, float *const *places, ptrdiff_t c,
    const float *source, ptrdiff_t plane) {
  V t[OUTPUTS][N];
  EACH(x, N) {
    V m[N], o[OUTPUTS];
    EACH(y, N) m[y] = LOAD(source + (N * y + x) * plane);
    MAP(output)(m, o);
    EACH(y, OUTPUTS) t[y][x] = o[y];
  }
  EACH(y, OUTPUTS) {
    V o[OUTPUTS];
    MAP(output)(t[y], o);
    EACH(x, OUTPUTS) STORE((is_inside ? corner + y * row + x * column : places[OUTPUTS * y + x]) + c, o[x]);
  }
}

INLINE void NAME(output_adjoint_cell)(
    bool is_inside, const float *corner, ptrdiff_t row, ptrdiff_t column, const float *const *places, ptrdiff_t c,
    float *target, ptrdiff_t plane) {
  V t[N][OUTPUTS];
  EACH(x, OUTPUTS) {
    V m[OUTPUTS], o[N];
    EACH(y, OUTPUTS) m[y] = LOAD((is_inside ? corner + y * row + x * column : places[OUTPUTS * y + x]) + c);
    MAP(output_adjoint)(m, o);
    EACH(y, N) t[y][x] = o[y];
  }
  EACH(y, N) {
    V o[N];
    MAP(output_adjoint)(t[y], o);
    EACH(x, N) STORE(target + (N * y + x) * plane, o[x]);
  }
}

// With pooling: a band's outputs in the channels of a vector lie as [row, column, lane] in `band`. `outputs` and `winners`
// are the band's first, at channel c; `planes` those of its first tile.

INLINE void NAME(pooled_cell)(
    const struct cwinograd_geometry *g, struct band b, ptrdiff_t c, const float *planes, float *outputs,
    uint8_t *winners) {
  const ptrdiff_t width = band_width(g, OUTPUTS), channels = g->output_channels;
  for (ptrdiff_t tile = 0; tile < b.tiles; tile++)
    NAME(output_cell)(
        true, g->band + (tile / g->tile_columns * width + tile % g->tile_columns) * OUTPUTS * LANES, width * LANES, LANES,
        NULL, 0, planes + tile * channels + c, g->output_plane);
  outputs += c;
  winners += c;
  for (ptrdiff_t y = 0; y < b.rows; y++)
    for (ptrdiff_t x = 0; x < b.columns; x++, outputs += channels, winners += channels) {
      const float *const p = g->band + 2 * (y * width + x) * LANES;
      V best = LOAD(p);
      WIDTH(numbers) winner = {0};
      EACH(i, 3) {
        const V value = LOAD(p + ((i + 1) / 2 * width + (i + 1) % 2) * LANES);
        const WIDTH(numbers) is_larger = value > best;
        best = WIDTH(where)(is_larger, value, best);
        winner = (is_larger & (i + 1)) | (~is_larger & winner);
      }
      STORE(outputs, best);
      *(WIDTH(bytes) *)winners = __builtin_convertvector(winner, WIDTH(bytes));
    }
}

INLINE void NAME(pooled_adjoint_cell)(
    const struct cwinograd_geometry *g, struct band b, ptrdiff_t c, float *planes, const float *outputs,
    const uint8_t *winners) {
  const ptrdiff_t width = band_width(g, OUTPUTS), channels = g->output_channels;
  outputs += c;
  winners += c;
  for (ptrdiff_t y = 0; y < b.tiles / g->tile_columns * OUTPUTS; y += 2)
    for (ptrdiff_t x = 0; x < width; x += 2) {
      float *const p = g->band + (y * width + x) * LANES;
      const bool is_there = y / 2 < b.rows && x / 2 < b.columns;
      const ptrdiff_t place = is_there ? (y / 2 * b.columns + x / 2) * channels : 0;
      const V gradient = is_there ? LOAD(outputs + place) : (V){0};
      const WIDTH(numbers) winner = __builtin_convertvector(*(const WIDTH(bytes) *)(winners + place), WIDTH(numbers));
      EACH(i, 4) STORE(p + (i / 2 * width + i % 2) * LANES, WIDTH(where)(winner == i, gradient, (V){0}));
    }
  for (ptrdiff_t tile = 0; tile < b.tiles; tile++)
    NAME(output_adjoint_cell)(
        true, g->band + (tile / g->tile_columns * width + tile % g->tile_columns) * OUTPUTS * LANES, width * LANES, LANES,
        NULL, 0, planes + tile * channels + c, g->output_plane);
}

static TARGET void NAME(transform_input)(
    const struct cwinograd_geometry *g, ptrdiff_t first, ptrdiff_t count, const float *images, float *planes) {
  const ptrdiff_t channels = g->input_channels, row = g->input_width * channels, plane = g->input_plane;
  for (struct tile t = tile_at(g, first); count > 0; count--, t = next_tile(g, t), planes += channels) {
    const struct window w = input_window(g, t, OUTPUTS);
    const float *const corner = images + t.sample * g->input_height * row + w.offset;
    if (w.is_inside) {
      CHANNELS(channels, input_cell, true, corner, row, channels, NULL, c, planes, plane);
    } else {
      const float *places[N * N];
      for (ptrdiff_t y = 0, i = 0; y < N; y++)
        for (ptrdiff_t x = 0; x < N; x++, i++) places[i] = holds(&w, y, x) ? corner + y * row + x * channels : g->zeros;
      CHANNELS(channels, input_cell, false, NULL, 0, 0, places, c, planes, plane);
    }
  }
}

static TARGET void NAME(adjoint_input)(
    const struct cwinograd_geometry *g, ptrdiff_t first, ptrdiff_t count, const float *planes, float *images) {
  const ptrdiff_t channels = g->input_channels, row = g->input_width * channels, plane = g->input_plane;
  for (struct tile t = tile_at(g, first); count > 0; count--, t = next_tile(g, t), planes += channels) {
    const struct window w = input_window(g, t, OUTPUTS);
    const bool is_top = t.row == 0, is_left = t.column == 0;
    float *const corner = images + t.sample * g->input_height * row + w.offset;
    if (w.is_inside && !is_top && !is_left) {
      CHANNELS(channels, input_adjoint_cell, true, corner, row, channels, NULL, false, false, c, planes, plane);
    } else {
      float *places[N * N];
      for (ptrdiff_t y = 0, i = 0; y < N; y++)
        for (ptrdiff_t x = 0; x < N; x++, i++) places[i] = holds(&w, y, x) ? corner + y * row + x * channels : g->spare;
      CHANNELS(channels, input_adjoint_cell, false, NULL, 0, 0, places, is_top, is_left, c, planes, plane);
    }
  }
}

static TARGET void NAME(transform_output)(
    const struct cwinograd_geometry *g, ptrdiff_t first, ptrdiff_t count, const float *planes, float *outputs,
    uint8_t *winners) {
  const ptrdiff_t channels = g->output_channels, row = g->output_width * channels, plane = g->output_plane;
  if (g->pools) {
    for (struct tile t = tile_at(g, first); count > 0;) {
      const struct band b = band_at(g, t, OUTPUTS);
      CHANNELS(channels, pooled_cell, g, b, c, planes, outputs + b.offset, winners + b.offset);
      planes += b.tiles * channels;
      count -= b.tiles;
      t = next_band(g, t, b);
    }
    return;
  }
  for (struct tile t = tile_at(g, first); count > 0; count--, t = next_tile(g, t), planes += channels) {
    const struct window w = output_window(g, t, OUTPUTS);
    float *const corner = outputs + t.sample * g->output_height * row + w.offset;
    if (w.is_inside) {
      CHANNELS(channels, output_cell, true, corner, row, channels, NULL, c, planes + c, plane);
    } else {
      float *places[OUTPUTS * OUTPUTS];
      for (ptrdiff_t y = 0, i = 0; y < OUTPUTS; y++)
        for (ptrdiff_t x = 0; x < OUTPUTS; x++, i++)
          places[i] = holds(&w, y, x) ? corner + y * row + x * channels : g->spare;
      CHANNELS(channels, output_cell, false, NULL, 0, 0, places, c, planes + c, plane);
    }
  }
}

static TARGET void NAME(adjoint_output)(
    const struct cwinograd_geometry *g, ptrdiff_t first, ptrdiff_t count, const float *outputs, const uint8_t *winners,
    float *planes) {
  const ptrdiff_t channels = g->output_channels, row = g->output_width * channels, plane = g->output_plane;
  if (g->pools) {
    for (struct tile t = tile_at(g, first); count > 0;) {
      const struct band b = band_at(g, t, OUTPUTS);
      CHANNELS(channels, pooled_adjoint_cell, g, b, c, planes, outputs + b.offset, winners + b.offset);
      planes += b.tiles * channels;
      count -= b.tiles;
      t = next_band(g, t, b);
    }
    return;
  }
  for (struct tile t = tile_at(g, first); count > 0; count--, t = next_tile(g, t), planes += channels) {
    const struct window w = output_window(g, t, OUTPUTS);
    const float *const corner = outputs + t.sample * g->output_height * row + w.offset;
    if (w.is_inside) {
      CHANNELS(channels, output_adjoint_cell, true, corner, row, channels, NULL, c, planes + c, plane);
    } else {
      const float *places[OUTPUTS * OUTPUTS];
      for (ptrdiff_t y = 0, i = 0; y < OUTPUTS; y++)
        for (ptrdiff_t x = 0; x < OUTPUTS; x++, i++)
          places[i] = holds(&w, y, x) ? corner + y * row + x * channels : g->zeros;
      CHANNELS(channels, output_adjoint_cell, false, NULL, 0, 0, places, c, planes + c, plane);
    }
  }
}

INLINE void NAME(weights_cell)(ptrdiff_t count, ptrdiff_t plane, const float *kernel, float *planes, ptrdiff_t c) {
  V t[N][3];
  EACH(x, 3) {
    V g[3], o[N];
    EACH(y, 3) g[y] = LOAD(kernel + (3 * y + x) * count + c);
    MAP(weights)(g, o);
    EACH(y, N) t[y][x] = o[y];
  }
  EACH(y, N) {
    V o[N];
    MAP(weights)(t[y], o);
    EACH(x, N) STORE(planes + (N * y + x) * plane + c, o[x]);
  }
}

INLINE void NAME(weights_adjoint_cell)(
    ptrdiff_t count, ptrdiff_t plane, const float *planes, float *kernel, ptrdiff_t c) {
  V t[N][3];
  EACH(y, N) {
    V u[N];
    EACH(x, N) u[x] = LOAD(planes + (N * y + x) * plane + c);
    MAP(weights_adjoint)(u, t[y]);
  }
  EACH(x, 3) {
    V u[N], o[3];
    EACH(y, N) u[y] = t[y][x];
    MAP(weights_adjoint)(u, o);
    EACH(y, 3) STORE(kernel + (3 * y + x) * count + c, o[y]);
  }
}

static TARGET void NAME(transform_weights)(ptrdiff_t count, ptrdiff_t plane, const float *kernel, float *planes) {
  CHANNELS(count, weights_cell, count, plane, kernel, planes, c);
}

static TARGET void NAME(adjoint_weights)(ptrdiff_t count, ptrdiff_t plane, const float *planes, float *kernel) {
  CHANNELS(count, weights_adjoint_cell, count, plane, planes, kernel, c);
}

static const struct cwinograd_maps NAME(maps) = {
    .transform_input = NAME(transform_input), .adjoint_input = NAME(adjoint_input),
    .transform_output = NAME(transform_output), .adjoint_output = NAME(adjoint_output),
    .transform_weights = NAME(transform_weights), .adjoint_weights = NAME(adjoint_weights)};

#undef CHANNELS
#undef STORE
#undef LOAD
#undef V
#undef EACH
#undef INLINE
#undef MAP
#undef NAME
#undef N
#undef OUTPUTS
