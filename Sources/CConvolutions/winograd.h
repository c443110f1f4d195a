// Winograd's F(3x3, 3x3) for one width of vectors; convolutions.c includes this once for each (see there).
//
// The points are 0, 1, -1, -2 and infinity. Each map below is that of one dimension; a tile goes through it column by
// column and then row by row, an adjoint the other way round. Factors of 2 and 4 are exact, so it makes no difference
// that they are fused with what they are added to.

// a + 2 b and a - 2 b, and with 4.
#define PLUS_2(a, b) __builtin_elementwise_fma(NAME(all)(2), b, a)
#define MINUS_2(a, b) __builtin_elementwise_fma(NAME(all)(-2), b, a)
#define PLUS_4(a, b) __builtin_elementwise_fma(NAME(all)(4), b, a)
#define MINUS_4(a, b) __builtin_elementwise_fma(NAME(all)(-4), b, a)

// B^T: five inputs to five.
INLINE void NAME(to_input)(NAME(vector) *t, int s, const NAME(vector) *d, int r) {
  const NAME(vector) e = d[3 * r] - d[r], f = d[2 * r] + d[3 * r], h = d[0] - d[2 * r];
  t[0] = PLUS_2(-e, h);
  t[s] = PLUS_2(f, d[r] + d[2 * r]);
  t[2 * s] = MINUS_2(f, d[r]);
  t[3 * s] = e;
  t[4 * s] = PLUS_2(d[4 * r] - d[2 * r], e);
}

// B, the adjoint of to_input.
INLINE void NAME(from_input)(NAME(vector) *d, int s, const NAME(vector) *t, int r) {
  const NAME(vector) p = t[r] + t[2 * r], q = t[0] - t[3 * r];
  d[0] = t[0] + t[0];
  d[s] = PLUS_2(q, (t[r] - t[2 * r]) - t[4 * r]);
  d[2 * s] = PLUS_2(p - t[4 * r], t[r] - t[0]);
  d[3 * s] = PLUS_2(p - q, t[4 * r]);
  d[4 * s] = t[4 * r];
}

// A^T: five products to three outputs. The points' divisors stand here and not in G, since weights, and their gradients
// after every micro-batch, are more than outputs.
INLINE void NAME(to_output)(NAME(vector) *y, int s, const NAME(vector) *m, int r) {
  const NAME(vector) half = NAME(all)(0.5f), sixth = NAME(all)(1.0f / 6);
  const NAME(vector) a = m[r] * sixth, b = m[2 * r] * half, c = m[3 * r] * sixth, p = a + b;
  y[0] = (m[0] * half + p) + c;
  y[s] = MINUS_2(a - b, c);
  y[2 * s] = PLUS_4(p + m[4 * r], c);
}

// A, the adjoint of to_output.
INLINE void NAME(from_output)(NAME(vector) *m, int s, const NAME(vector) *y, int r) {
  const NAME(vector) half = NAME(all)(0.5f), sixth = NAME(all)(1.0f / 6), p = y[0] + y[2 * r];
  m[0] = y[0] * half;
  m[s] = (p + y[r]) * sixth;
  m[2 * s] = (p - y[r]) * half;
  m[3 * s] = PLUS_4(MINUS_2(y[0], y[r]), y[2 * r]) * sixth;
  m[4 * s] = y[2 * r];
}

// G: three weights to five.
INLINE void NAME(to_weights)(NAME(vector) *u, int s, const NAME(vector) *g, int r) {
  const NAME(vector) p = g[0] + g[2 * r];
  u[0] = g[0];
  u[s] = p + g[r];
  u[2 * s] = p - g[r];
  u[3 * s] = MINUS_4(PLUS_2(-g[0], g[r]), g[2 * r]);
  u[4 * s] = g[2 * r];
}

// G^T, the adjoint of to_weights.
INLINE void NAME(from_weights)(NAME(vector) *g, int s, const NAME(vector) *u, int r) {
  const NAME(vector) p = u[r] + u[2 * r];
  g[0] = (u[0] + p) - u[3 * r];
  g[s] = PLUS_2(u[r] - u[2 * r], u[3 * r]);
  g[2 * s] = MINUS_4(p, u[3 * r]) + u[4 * r];
}

// The maps of a whole tile, for one vector of channels.

INLINE void NAME(transform_input)(
    const struct cconvolutions_winograd *layer, const float *corner, float *target) {
  NAME(vector) d[25], t[25];
  EACH(y, 5) EACH(x, 5)
    d[5 * y + x] = *(const NAME(vector) *)(corner + y * layer->frame_row + x * layer->in);
  EACH(x, 5) NAME(to_input)(t + x, 5, d + x, 5);
  EACH(y, 5) NAME(to_input)(d + 5 * y, 1, t + 5 * y, 1);
  EACH(i, 25) *(NAME(vector) *)(target + i * layer->in_plane) = d[i];
}

INLINE void NAME(adjoint_input)(
    const struct cconvolutions_winograd *layer, const float *source, bool is_below, bool is_right, float *corner) {
  NAME(vector) d[25], t[25];
  EACH(i, 25) d[i] = *(const NAME(vector) *)(source + i * layer->in_plane);
  EACH(y, 5) NAME(from_input)(t + 5 * y, 1, d + 5 * y, 1);
  EACH(x, 5) NAME(from_input)(d + x, 5, t + x, 5);
  EACH(y, 5) EACH(x, 5) {
    NAME(vector) *const place = (NAME(vector) *)(corner + y * layer->frame_row + x * layer->in);
    // Two rows and two columns are those of the tiles above and to the left too.
    const bool adds = (y < 2 && is_below) || (x < 2 && is_right);
    *place = adds ? *place + d[5 * y + x] : d[5 * y + x];
  }
}

INLINE void NAME(transform_output)(
    const struct cconvolutions_winograd *layer, const float *source, int height, int width, float *corner) {
  NAME(vector) m[25], t[15];
  EACH(i, 25) m[i] = *(const NAME(vector) *)(source + i * layer->out_plane);
  EACH(x, 5) NAME(to_output)(t + x, 5, m + x, 5);
  EACH(y, 3) NAME(to_output)(m + 3 * y, 1, t + 5 * y, 1);
  EACH(y, 3) EACH(x, 3)
    if (y < height && x < width)
      *(NAME(vector) *)(corner + (y * layer->width + x) * layer->out) = m[3 * y + x];
}

INLINE void NAME(adjoint_output)(
    const struct cconvolutions_winograd *layer, const float *corner, int height, int width, float *target) {
  NAME(vector) y[9], t[15], m[25];
  EACH(i, 3) EACH(j, 3)
    y[3 * i + j] = i < height && j < width
        ? *(const NAME(vector) *)(corner + (i * layer->width + j) * layer->out)
        : (NAME(vector)){0};
  EACH(i, 3) NAME(from_output)(t + 5 * i, 1, y + 3 * i, 1);
  EACH(j, 5) NAME(from_output)(m + j, 5, t + j, 5);
  EACH(i, 25) *(NAME(vector) *)(target + i * layer->out_plane) = m[i];
}

INLINE void NAME(transform_weights)(const float *kernel, ptrdiff_t count, float *target, ptrdiff_t plane) {
  NAME(vector) g[9], t[15], u[25];
  EACH(i, 9) g[i] = *(const NAME(vector) *)(kernel + i * count);
  EACH(x, 3) NAME(to_weights)(t + x, 3, g + x, 3);
  EACH(y, 5) NAME(to_weights)(u + 5 * y, 1, t + 3 * y, 1);
  EACH(i, 25) *(NAME(vector) *)(target + i * plane) = u[i];
}

// The body once for each vector of channels, the last few in vectors of half the width.
#define EACH_VECTOR(channels, function, ...) \
  { \
    ptrdiff_t c = 0; \
    for (; c + LANES <= (channels); c += LANES) NAME(function)(__VA_ARGS__); \
    if (c < (channels)) NARROWER(function)(__VA_ARGS__); \
  }

static TARGET void NAME(winograd_weights)(
    const struct cconvolutions_winograd *layer, const float *kernel, float *target) {
  const ptrdiff_t count = layer->in * layer->out;
  EACH_VECTOR(count, transform_weights, kernel + c, count, target + c, layer->weight_plane)
}

static TARGET void NAME(winograd_input)(
    const struct cconvolutions_winograd *layer, ptrdiff_t first, ptrdiff_t end, const float *frames, float *target) {
  for (ptrdiff_t tile = first; tile < end; tile++) {
    const struct place place = place_of(layer, tile);
    EACH_VECTOR(layer->in, transform_input, layer, frames + place.in_frame + c, target + c)
    target += layer->in;
  }
}

static TARGET void NAME(winograd_input_gradient)(
    const struct cconvolutions_winograd *layer, ptrdiff_t first, ptrdiff_t end, const float *source, float *frames) {
  for (ptrdiff_t tile = first; tile < end; tile++) {
    const struct place place = place_of(layer, tile);
    EACH_VECTOR(
        layer->in, adjoint_input, layer, source + c, place.is_below, place.is_right, frames + place.in_frame + c)
    source += layer->in;
  }
}

static TARGET void NAME(winograd_output)(
    const struct cconvolutions_winograd *layer, ptrdiff_t first, ptrdiff_t end, const float *source, float *output) {
  for (ptrdiff_t tile = first; tile < end; tile++) {
    const struct place place = place_of(layer, tile);
    EACH_VECTOR(
        layer->out, transform_output, layer, source + c, place.height, place.width, output + place.in_output + c)
    source += layer->out;
  }
}

static TARGET void NAME(winograd_output_gradient)(
    const struct cconvolutions_winograd *layer, ptrdiff_t first, ptrdiff_t end, const float *gradient, float *target) {
  for (ptrdiff_t tile = first; tile < end; tile++) {
    const struct place place = place_of(layer, tile);
    EACH_VECTOR(
        layer->out, adjoint_output, layer, gradient + place.in_output + c, place.height, place.width, target + c)
    target += layer->out;
  }
}

#undef EACH_VECTOR

// 25 products of tiles and weights: target [rows, columns] <- tiles [rows, depth] * weights [depth, columns] each.
static TARGET void NAME(winograd_products)(
    ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *tiles, ptrdiff_t tiles_plane, const float *weights,
    ptrdiff_t weights_plane, float *target, ptrdiff_t target_plane) {
  // As a convolution whose patches are the rows of tiles.
  const struct cconvolutions_first layer = {
      .kernel = 1, .run = depth, .step = depth, .channels = columns, .padded = columns, .pool = 1, .pool_stride = 1};
  const struct cut cuts[3] = {
      cut_row(rows, NARROWER(most_positions)), cut_row(rows, MOST_1), cut_row(rows, MOST_2)};
  for (int i = 0; i < 25; i++) {
    const struct tile row = {
        .layer = &layer, .patch = tiles + i * tiles_plane, .weights = weights + i * weights_plane,
        .band = target + i * target_plane, .left = columns};
    NAME(row)(1, cuts, &row);
  }
}

// The gradient of the weights of `ins` input channels and `vectors` of output channels: for each of the 25 places a chain
// over the tiles, five places at a time, and then the transform, all in registers. The first two arguments are constants
// wherever this is inlined.
INLINE void NAME(winograd_block)(
    int ins, int vectors, const struct cconvolutions_winograd *layer, ptrdiff_t rows, const float *tiles,
    const float *gradient, bool adds, float *weights) {
  NAME(vector) g[2][2][15];
  const ptrdiff_t in = layer->in, out = layer->out, in_plane = layer->in_plane, out_plane = layer->out_plane;
_Pragma("clang loop unroll(disable)")
  for (int i = 0; i < 5; i++) {
    NAME(vector) sum[5][2][2];
    EACH(j, 5) EACH(c, ins) EACH(v, vectors) sum[j][c][v] = (NAME(vector)){0};
    const float *x = tiles + 5 * i * in_plane, *dy = gradient + 5 * i * out_plane;
_Pragma("clang loop unroll(disable)")
    for (ptrdiff_t row = rows; row > 0; row--) {
      EACH(j, 5) {
        NAME(vector) columns[2];
        EACH(v, vectors) columns[v] = *(const NAME(vector) *)(dy + j * out_plane + v * LANES);
        EACH(c, ins) {
          const NAME(vector) factor = NAME(all)(x[j * in_plane + c]);
          EACH(v, vectors) sum[j][c][v] = __builtin_elementwise_fma(factor, columns[v], sum[j][c][v]);
        }
      }
      x += in;
      dy += out;
    }
    EACH(c, ins) EACH(v, vectors) {
      const NAME(vector) u[5] = {sum[0][c][v], sum[1][c][v], sum[2][c][v], sum[3][c][v], sum[4][c][v]};
      NAME(from_weights)(g[c][v] + 3 * i, 1, u, 1);
    }
  }
  EACH(c, ins) EACH(v, vectors) {
    NAME(vector) taps[9];
    EACH(x, 3) NAME(from_weights)(taps + x, 3, g[c][v] + x, 3);
    EACH(tap, 9) {
      NAME(vector) *const place = (NAME(vector) *)(weights + (tap * in + c) * out + v * LANES);
      *place = adds ? *place + taps[tap] : taps[tap];
    }
  }
}

static __attribute__((noinline)) TARGET void NAME(narrow_block)(
    const struct cconvolutions_winograd *layer, ptrdiff_t rows, const float *tiles, const float *gradient, bool adds,
    float *weights) {
  for (ptrdiff_t c = 0; c < layer->in; c += 2)
    NAME(winograd_block)(2, 1, layer, rows, tiles + c, gradient, adds, weights + c * layer->out);
}

static TARGET void NAME(winograd_weight_gradient)(
    const struct cconvolutions_winograd *layer, ptrdiff_t rows, const float *tiles, const float *gradient, bool adds,
    float *weights) {
  ptrdiff_t o = 0;
#if REGISTERS == 32
  for (; o + 2 * LANES <= layer->out; o += 2 * LANES)
    for (ptrdiff_t c = 0; c < layer->in; c += 2)
      NAME(winograd_block)(2, 2, layer, rows, tiles + c, gradient + o, adds, weights + c * layer->out + o);
#endif
  for (; o + LANES <= layer->out; o += LANES) NAME(narrow_block)(layer, rows, tiles, gradient + o, adds, weights + o);
  if (o < layer->out) NARROWER(narrow_block)(layer, rows, tiles, gradient + o, adds, weights + o);
}

#undef PLUS_2
#undef MINUS_2
#undef PLUS_4
#undef MINUS_4
