#include "CWinograd.h"

// What is written is what is computed: fused multiply-adds stand where `FMA` does and nowhere else.
#pragma STDC FP_CONTRACT OFF

#define JOIN_EXPANDED(x, y) x##_##y
#define JOIN(x, y) JOIN_EXPANDED(x, y)

// A tile of the micro-batch.
struct tile {
  ptrdiff_t sample, row, column;
};

static inline struct tile tile_at(const struct cwinograd_geometry *g, ptrdiff_t index) {
  const ptrdiff_t tiles = g->tile_rows * g->tile_columns, rest = index % tiles;
  return (struct tile){index / tiles, rest / g->tile_columns, rest % g->tile_columns};
}

static inline struct tile next_tile(const struct cwinograd_geometry *g, struct tile t) {
  if (++t.column < g->tile_columns) return t;
  t.column = 0;
  if (++t.row < g->tile_rows) return t;
  t.row = 0;
  t.sample++;
  return t;
}

// A tile's positions in an image, or those of them that the image has.
struct window {
  // Floats from the image's first to the window's first, which may lie outside.
  ptrdiff_t offset;
  ptrdiff_t top, bottom, left, right;
  // Whether the image has them all.
  bool is_inside;
};

static inline struct window window_at(
    ptrdiff_t y, ptrdiff_t x, ptrdiff_t side, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels) {
  struct window w = {
      .offset = (y * width + x) * channels, .top = y < 0 ? -y : 0, .bottom = height - y < side ? height - y : side,
      .left = x < 0 ? -x : 0, .right = width - x < side ? width - x : side};
  w.is_inside = w.top == 0 && w.left == 0 && w.bottom == side && w.right == side;
  return w;
}

static inline struct window input_window(const struct cwinograd_geometry *g, struct tile t, int outputs) {
  return window_at(
      outputs * t.row - g->padding, outputs * t.column - g->padding, outputs + 2, g->input_height, g->input_width,
      g->input_channels);
}

static inline struct window output_window(const struct cwinograd_geometry *g, struct tile t, int outputs) {
  return window_at(outputs * t.row, outputs * t.column, outputs, g->output_height, g->output_width, g->output_channels);
}

static inline bool holds(const struct window *w, ptrdiff_t y, ptrdiff_t x) {
  return y >= w->top && y < w->bottom && x >= w->left && x < w->right;
}

// Rows of tiles whose outputs make whole windows of 2x2.
struct band {
  ptrdiff_t tiles;
  // Of windows.
  ptrdiff_t rows, columns;
  // From the micro-batch's first pooled output to the band's first.
  ptrdiff_t offset;
};

// The columns of `band`: an even number, so that windows that reach beyond the tiles have room.
static inline ptrdiff_t band_width(const struct cwinograd_geometry *g, int outputs) {
  return (g->tile_columns * outputs + 1) / 2 * 2;
}

static inline struct band band_at(const struct cwinograd_geometry *g, struct tile t, int outputs) {
  const ptrdiff_t height = g->output_height / 2, width = g->output_width / 2, top = t.row * outputs / 2;
  const ptrdiff_t most = cwinograd_band_rows(outputs), left = g->tile_rows - t.row, tile_rows = left < most ? left : most;
  const ptrdiff_t rows = tile_rows * outputs / 2;
  return (struct band){
      .tiles = tile_rows * g->tile_columns, .rows = rows < height - top ? rows : height - top, .columns = width,
      .offset = (t.sample * height + top) * width * g->output_channels};
}

static inline struct tile next_band(const struct cwinograd_geometry *g, struct tile t, struct band b) {
  t.row += b.tiles / g->tile_columns;
  return t.row < g->tile_rows ? t : (struct tile){t.sample + 1, 0, 0};
}

#define LANES 4
#if defined(__x86_64__)
#define TARGET __attribute__((target("fma")))
#else
#define TARGET
#endif
#include "width.h"

#if defined(__x86_64__)

#define LANES 8
#define TARGET __attribute__((target("avx2,fma")))
#include "width.h"

#define LANES 16
#define TARGET __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"), min_vector_width(512)))
#define NARROWER 8
#include "width.h"

#endif

const struct cwinograd_maps *cwinograd_maps_of(int outputs, int lanes) {
  switch (lanes) {
#if defined(__x86_64__)
    case 16: return maps_16(outputs);
    case 8: return maps_8(outputs);
#endif
    case 4: return maps_4(outputs);
    default: return NULL;
  }
}
