// The first convolution for one width of vectors; convolutions.c includes this once for each (see there).

enum { NAME(most_positions) = MOST_1, NAME(most_windows) = WINDOWS_1 };

INLINE NAME(vector) NAME(activate)(const struct cconvolutions_first *layer, NAME(vector) x, const float *bias) {
  if (layer->adds_bias) x += *(const NAME(vector) *)bias;
  return layer->rectifies ? NAME(choose)(x < 0, (NAME(vector)){0}, x) : x;
}

// The larger of `best` and `value`, and which position of the window it is from.
INLINE void NAME(compare)(NAME(vector) *best, NAME(integers) *winner, NAME(vector) value, int32_t position) {
  const NAME(integers) is_larger = value > *best;
  *best = NAME(choose)(is_larger, value, *best);
  *winner = (is_larger & position) | (~is_larger & *winner);
}

// `columns` neighbouring positions of `lines` rows, `vectors` of their channels: each element is one chain of fused
// multiply-adds in the order of the patch. Two lines are windows of 2 x 2, pooled before they leave the registers. The
// first three arguments are constants wherever this is inlined.
INLINE void NAME(positions)(int lines, int columns, int vectors, const struct tile *t) {
  NAME(vector) sum[2][MOST_1][2];
  EACH(y, lines) EACH(x, columns) EACH(v, vectors) sum[y][x][v] = (NAME(vector)){0};
  const struct cconvolutions_first *const layer = t->layer;
  const ptrdiff_t padded = layer->padded, run = layer->run, step = layer->step, row_step = layer->row_step;
  const float *patch = t->patch, *weights = t->weights;
_Pragma("clang loop unroll(disable)")
  for (ptrdiff_t ky = layer->kernel; ky > 0; ky--) {
    // A pointer for every third position: an address is one of them and once or twice `step`.
    const float *a[2][(MOST_1 + 2) / 3];
    EACH(y, lines) EACH(x, (columns + 2) / 3) a[y][x] = patch + y * row_step + 3 * x * step;
_Pragma("clang loop unroll(disable)")
    for (ptrdiff_t kx = 0; kx < run; kx++) {
      NAME(vector) w[2];
      EACH(v, vectors) w[v] = *(const NAME(vector) *)(weights + v * LANES);
      EACH(y, lines) EACH(x, columns) {
        const NAME(vector) factor = NAME(all)(a[y][x / 3][(x % 3) * step + kx]);
        EACH(v, vectors) sum[y][x][v] = __builtin_elementwise_fma(factor, w[v], sum[y][x][v]);
      }
      weights += padded;
    }
    patch += layer->frame_row;
  }
  const ptrdiff_t channels = layer->channels, left = t->left;
  const float *const bias = t->bias;
  float *const band = t->band, *const output = t->output;
  uint8_t *const winners = t->winners;
  if (lines == 2) {
    EACH(x, columns / 2) EACH(v, vectors) {
      NAME(vector) best = sum[0][2 * x][v];
      NAME(integers) winner = {0};
      NAME(compare)(&best, &winner, sum[0][2 * x + 1][v], 1);
      NAME(compare)(&best, &winner, sum[1][2 * x][v], 2);
      NAME(compare)(&best, &winner, sum[1][2 * x + 1][v], 3);
      *(NAME(bytes) *)(winners + x * padded + v * LANES) = __builtin_convertvector(winner, NAME(bytes));
      NAME(store)(
          output + x * channels + v * LANES, left - v * LANES, NAME(activate)(layer, best, bias + v * LANES));
    }
  } else if (band) {
    EACH(x, columns) EACH(v, vectors) *(NAME(vector) *)(band + x * padded + v * LANES) = sum[0][x][v];
  } else {
    EACH(x, columns) EACH(v, vectors)
      NAME(store)(
          output + x * channels + v * LANES, left - v * LANES,
          NAME(activate)(layer, sum[0][x][v], bias + v * LANES));
  }
}

#define CASE(columns, vectors) case columns: NAME(positions)(1, columns, vectors, t); break;
#define PAIR(columns, vectors) case columns: NAME(positions)(2, columns, vectors, t); break;

static __attribute__((noinline)) TARGET void NAME(narrow_tile)(int lines, int columns, const struct tile *t) {
  if (lines == 2) {
    switch (columns) {
      PAIR(2, 1) PAIR(4, 1) PAIR(6, 1)
#if REGISTERS == 32
      PAIR(8, 1) PAIR(10, 1) PAIR(12, 1)
#endif
    }
  } else {
    switch (columns) {
      CASE(1, 1) CASE(2, 1) CASE(3, 1) CASE(4, 1) CASE(5, 1) CASE(6, 1) CASE(7, 1) CASE(8, 1) CASE(9, 1) CASE(10, 1)
      CASE(11, 1) CASE(12, 1)
#if REGISTERS == 32
      CASE(13, 1) CASE(14, 1)
#endif
    }
  }
}

static __attribute__((noinline)) TARGET void NAME(wide_tile)(int lines, int columns, const struct tile *t) {
  if (lines == 2) {
    switch (columns) {
      PAIR(2, 2)
#if REGISTERS == 32
      PAIR(4, 2) PAIR(6, 2)
#endif
    }
  } else {
    switch (columns) {
      CASE(1, 2) CASE(2, 2) CASE(3, 2) CASE(4, 2) CASE(5, 2) CASE(6, 2)
#if REGISTERS == 32
      CASE(7, 2) CASE(8, 2) CASE(9, 2) CASE(10, 2) CASE(11, 2) CASE(12, 2) CASE(13, 2)
#endif
    }
  }
}

#undef CASE
#undef PAIR

// A row of positions, or of windows. The last few channels go through vectors of half the width, where they fill one.
static TARGET void NAME(row)(int lines, const struct cut cuts[3], const struct tile *row) {
  const struct cconvolutions_first *const layer = row->layer;
  ptrdiff_t channels;
  for (ptrdiff_t c = 0; c < layer->padded; c += channels) {
    const ptrdiff_t left = layer->padded - c;
    channels = left >= 2 * LANES ? 2 * LANES : left < LANES ? left : LANES;
    void (*const multiply)(int, int, const struct tile *) =
        channels < LANES ? NARROWER(narrow_tile) : channels == LANES ? NAME(narrow_tile) : NAME(wide_tile);
    const struct cut cut = cuts[channels < LANES ? 0 : channels == LANES ? 1 : 2];
    struct tile t = *row;
    t.weights += c;
    t.bias += c;
    t.output += c;
    t.winners += c;
    if (t.band) t.band += c;
    t.left -= c;
    for (ptrdiff_t tile = 0; tile < cut.count; tile++) {
      const ptrdiff_t units = cut.columns + (tile < cut.longer), columns = units * lines;
      multiply(lines, (int)columns, &t);
      t.patch += columns * layer->step;
      t.output += units * layer->channels;
      t.winners += units * layer->padded;
      if (t.band) t.band += columns * layer->padded;
    }
  }
}

// A row of the pooled output from a band of the convolution's.
static TARGET void NAME(pool_band)(const struct tile *row) {
  const struct cconvolutions_first *const layer = row->layer;
  const ptrdiff_t padded = layer->padded, pool = layer->pool;
  for (ptrdiff_t x = 0; x < layer->pooled_width; x++) {
    for (ptrdiff_t c = 0; c < padded; c += LANES) {
      const float *const window = row->band + x * layer->pool_stride * padded + c;
      NAME(vector) best = *(const NAME(vector) *)window;
      NAME(integers) winner = {0};
      for (ptrdiff_t dy = 0; dy < pool; dy++)
        for (ptrdiff_t dx = dy == 0; dx < pool; dx++)
          NAME(compare)(
              &best, &winner, *(const NAME(vector) *)(window + (dy * layer->width + dx) * padded),
              (int32_t)(dy * pool + dx));
      *(NAME(bytes) *)(row->winners + x * padded + c) = __builtin_convertvector(winner, NAME(bytes));
      NAME(store)(
          row->output + x * layer->channels + c, layer->channels - c, NAME(activate)(layer, best, row->bias + c));
    }
  }
}

static TARGET void NAME(first_forward)(
    const struct cconvolutions_first *layer, ptrdiff_t count, const float *frames, const float *weights, float *band,
    float *output, uint8_t *winners) {
  const bool is_two = layer->pool == 2 && layer->pool_stride == 2;
  const int lines = is_two ? 2 : 1;
  const ptrdiff_t units = is_two ? layer->pooled_width : (layer->pooled_width - 1) * layer->pool_stride + layer->pool;
  const struct cut cuts[3] = {
      cut_row(units, is_two ? NARROWER(most_windows) : NARROWER(most_positions)),
      cut_row(units, is_two ? WINDOWS_1 : MOST_1), cut_row(units, is_two ? WINDOWS_2 : MOST_2)};
  struct tile row = {
      .layer = layer, .weights = weights, .bias = weights + layer->kernel * layer->run * layer->padded,
      .output = output, .winners = winners, .left = layer->channels};
  for (ptrdiff_t sample = 0; sample < count; sample++) {
    for (ptrdiff_t y = 0; y < layer->pooled_height; y++) {
      const float *const patch = frames + sample * layer->frame + y * layer->pool_stride * layer->row_step;
      row.patch = patch;
      if (is_two || layer->pool == 1) {
        NAME(row)(lines, cuts, &row);
      } else {
        for (ptrdiff_t dy = 0; dy < layer->pool; dy++) {
          row.patch = patch + dy * layer->row_step;
          row.band = band + dy * layer->width * layer->padded;
          NAME(row)(1, cuts, &row);
        }
        row.band = band;
        (layer->padded % LANES ? NARROWER(pool_band) : NAME(pool_band))(&row);
      }
      row.output += layer->pooled_width * layer->channels;
      row.winners += layer->pooled_width * layer->padded;
    }
  }
}

INLINE void NAME(mask)(
    int vectors, const struct cconvolutions_first *layer, ptrdiff_t rows, ptrdiff_t c, const float *output,
    float *gradient, bool adds, float *bias) {
  const ptrdiff_t channels = layer->channels;
  NAME(vector) sum[2];
  EACH(v, vectors)
    sum[v] = adds ? NAME(load)(bias + c + v * LANES, channels - c - v * LANES) : (NAME(vector)){0};
  output += c;
  gradient += c;
_Pragma("clang loop unroll(disable)")
  for (ptrdiff_t row = 0; row < rows; row++) {
    EACH(v, vectors) {
      NAME(vector) value = *(const NAME(vector) *)(gradient + v * LANES);
      if (layer->rectifies) {
        value = NAME(choose)(*(const NAME(vector) *)(output + v * LANES) <= 0, (NAME(vector)){0}, value);
        NAME(store)(gradient + v * LANES, channels - c - v * LANES, value);
      }
      sum[v] += value;
    }
    output += channels;
    gradient += channels;
  }
  EACH(v, vectors) NAME(store)(bias + c + v * LANES, channels - c - v * LANES, sum[v]);
}

static TARGET void NAME(first_mask)(
    const struct cconvolutions_first *layer, ptrdiff_t rows, const float *output, float *gradient, bool adds,
    float *bias) {
  for (ptrdiff_t c = 0; c < layer->channels; c += 2 * LANES) {
    if (layer->channels - c > LANES) NAME(mask)(2, layer, rows, c, output, gradient, adds, bias);
    else NAME(mask)(1, layer, rows, c, output, gradient, adds, bias);
  }
}

// A tile of the weights' gradient: `rows` rows of the kernel, `run` floats of each, `vectors` of channels. The first
// four arguments are constants wherever this is inlined.
INLINE void NAME(weights)(
    int rows, int run, int vectors, bool is_pooled, const struct cconvolutions_first *layer, ptrdiff_t count,
    const float *frames, const float *gradient, const uint8_t *winners, bool adds, ptrdiff_t left, float *weights) {
  NAME(vector) sum[5][12][2];
  EACH(y, rows) EACH(x, run) EACH(v, vectors) sum[y][x][v] = (NAME(vector)){0};
  const ptrdiff_t frame_row = layer->frame_row, step = layer->step, channels = layer->channels;
  const ptrdiff_t padded = layer->padded, pool = layer->pool, pool_stride = layer->pool_stride;
  const ptrdiff_t windows = layer->pooled_width, width = layer->width;
#define MULTIPLY(columns) \
  EACH(ky, rows) EACH(kx, run) { \
    const NAME(vector) factor = NAME(all)(patch[ky * frame_row + kx]); \
    EACH(v, vectors) sum[ky][kx][v] = __builtin_elementwise_fma(factor, columns[v], sum[ky][kx][v]); \
  } \
  patch += step;
  for (ptrdiff_t sample = 0; sample < count; sample++) {
    for (ptrdiff_t row = 0; row < layer->height; row++) {
      const float *patch = frames + sample * layer->frame + row * layer->row_step;
      if (!is_pooled) {
_Pragma("clang loop unroll(disable)")
        for (ptrdiff_t x = 0; x < width; x++) {
          NAME(vector) columns[2];
          EACH(v, vectors) columns[v] = *(const NAME(vector) *)(gradient + v * LANES);
          MULTIPLY(columns)
          gradient += channels;
        }
        continue;
      }
      const ptrdiff_t dy = row % pool_stride, window_row = row / pool_stride;
      // Rows and columns that no window covers have gradients of zero.
      const bool is_covered = dy < pool && window_row < layer->pooled_height;
      const ptrdiff_t first = (sample * layer->pooled_height + (is_covered ? window_row : 0)) * windows;
      const float *g = gradient + first * channels;
      const uint8_t *w = winners + first * padded;
_Pragma("clang loop unroll(disable)")
      for (ptrdiff_t window = 0; window < windows; window++) {
        NAME(vector) values[2], columns[2];
        NAME(integers) places[2];
        EACH(v, vectors) {
          values[v] = *(const NAME(vector) *)(g + v * LANES);
          places[v] = __builtin_convertvector(*(const NAME(bytes) *)(w + v * LANES), NAME(integers));
        }
        const ptrdiff_t end = window + 1 < windows ? pool_stride : width - window * pool_stride;
_Pragma("clang loop unroll(disable)")
        for (ptrdiff_t dx = 0; dx < end; dx++) {
          const int32_t place = is_covered && dx < pool ? (int32_t)(dy * pool + dx) : -1;
          EACH(v, vectors) columns[v] = NAME(choose)(places[v] == place, values[v], (NAME(vector)){0});
          MULTIPLY(columns)
        }
        g += channels;
        w += padded;
      }
    }
  }
#undef MULTIPLY
  EACH(ky, rows) EACH(kx, run) EACH(v, vectors) {
    float *const place = weights + (ky * layer->run + kx) * channels + v * LANES;
    const ptrdiff_t some = left - v * LANES;
    NAME(store)(place, some, adds ? NAME(load)(place, some) + sum[ky][kx][v] : sum[ky][kx][v]);
  }
}

#define WEIGHTS(rows, run, vectors, pooled) \
  NAME(weights)( \
      rows, run, vectors, pooled, t->layer, t->count, t->frames, t->gradient, t->winners, t->adds, t->left, t->weights)
#define EITHER(rows, run, vectors) \
  if (t->layer->pool > 1) WEIGHTS(rows, run, vectors, true); \
  else WEIGHTS(rows, run, vectors, false);
#define WHOLE(kernel, vectors) EITHER(kernel, kernel, vectors)
#define CASE(run) \
  case run: \
    if (is_wide) { EITHER(1, run, 2) } else { EITHER(1, run, 1) } \
    break;

static __attribute__((noinline)) TARGET void NAME(weights_of_rows)(
    int rows, int run, bool is_wide, const struct weights_tile *t) {
#if REGISTERS == 32
  if (rows == 3 && is_wide) {
    WHOLE(3, 2)
    return;
  }
  if (rows == 5) {
    WHOLE(5, 1)
    return;
  }
#endif
  if (rows == 3) {
    WHOLE(3, 1)
    return;
  }
  switch (run) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if REGISTERS == 32
    CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
  }
}

#undef CASE
#undef WHOLE
#undef EITHER
#undef WEIGHTS

// The gradient of the weights of one or two vectors of channels. All sums of a tile stay in registers for all samples:
// whole kernels of 3 x 3 and 5 x 5, rows of other ones.
static TARGET void NAME(weights_of_channels)(bool is_wide, const struct weights_tile *channels) {
  const struct cconvolutions_first *const layer = channels->layer;
  const ptrdiff_t kernel = layer->kernel, run = layer->run;
  const bool is_whole =
      kernel == run && ((kernel == 3 && (REGISTERS == 32 || !is_wide)) || (kernel == 5 && REGISTERS == 32 && !is_wide));
  const ptrdiff_t rows = is_whole ? kernel : 1;
  const struct cut cut = cut_row(run, is_whole ? run : REGISTERS == 32 ? 12 : is_wide ? 5 : 6);
  for (ptrdiff_t y = 0; y < kernel; y += rows) {
    struct weights_tile t = *channels;
    t.frames += y * layer->frame_row;
    t.weights += y * run * layer->channels;
    for (ptrdiff_t tile = 0; tile < cut.count; tile++) {
      const ptrdiff_t columns = cut.columns + (tile < cut.longer);
      NAME(weights_of_rows)((int)rows, (int)columns, is_wide, &t);
      t.frames += columns;
      t.weights += columns * layer->channels;
    }
  }
}

static TARGET void NAME(first_weights)(
    const struct cconvolutions_first *layer, ptrdiff_t count, const float *frames, const float *gradient,
    const uint8_t *winners, bool adds, float *weights) {
  // Two vectors of channels at a time share the patch's values, unless one has a whole kernel in registers.
  const bool is_five = REGISTERS == 32 && layer->kernel == 5 && layer->run == 5;
  const bool is_three = REGISTERS == 16 && layer->kernel == 3 && layer->run == 3;
  const ptrdiff_t most = is_five || is_three ? LANES : 2 * LANES;
  ptrdiff_t columns;
  for (ptrdiff_t c = 0; c < layer->channels; c += columns) {
    const ptrdiff_t left = layer->channels - c;
    columns = left > LANES + LANES / 2 ? most : left > LANES / 2 ? LANES : LANES / 2;
    const struct weights_tile t = {
        .layer = layer, .count = count, .frames = frames, .gradient = gradient + c, .winners = winners + c,
        .adds = adds, .left = left, .weights = weights + c};
    if (columns == LANES / 2) NARROWER(weights_of_channels)(false, &t);
    else NAME(weights_of_channels)(columns > LANES, &t);
  }
}
