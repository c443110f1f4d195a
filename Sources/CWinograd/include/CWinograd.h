#ifndef LOCKSTEP_CWINOGRAD_H
#define LOCKSTEP_CWINOGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The linear maps of Winograd's minimal filtering F(m x m, 3 x 3) (Lavin, Gray 2016, sections 4.2 and 4.3) for m = 4, 5
// and 6, and their adjoints, from images to planes and back.
//
// With a 3x3 kernel g and a tile d of the input, n x n with n = m + 2, the m x m outputs are Y = A'[(G g G') o (B' d B)]A.
// The transformed tiles lie in n x n planes, one for each product, of rows of channels. docs/reproducibility.md has the
// maps to the bit: columns first, then rows, every operation as it is written in points.h.
//
// This is C because one function is compiled for several instruction sets, which Swift cannot do.

// A 3x3 convolution of stride 1 and how it is cut into tiles. Images lie as [sample, row, column, channel]. Channels are
// multiples of 8.
struct cwinograd_geometry {
  ptrdiff_t input_height, input_width, input_channels;
  // Of the convolution, before pooling; with pooling, whole windows of it.
  ptrdiff_t output_height, output_width, output_channels;
  // Rows and columns of zeros around the input.
  ptrdiff_t padding;
  ptrdiff_t tile_rows, tile_columns;
  // Floats from one plane to the next.
  ptrdiff_t input_plane, output_plane;
  // Whether the outputs are those of the maximum over windows of 2x2, 2 apart; `winners` then says for each of them
  // which of a window's four values, row by row, was the first largest.
  bool pools;
  // As many zeros as a position has channels, of input or output; and as many floats that anything may be written to.
  const float *zeros;
  float *spare;
  // With pooling: room for 16 channels of a band's outputs, 2 m by m * tile_columns + 1 positions.
  float *band;
};

// The rows of tiles whose outputs make whole windows of 2x2: a band. With pooling the maps take whole bands, of which a
// sample's last may be a shorter one.
static inline ptrdiff_t cwinograd_band_rows(int outputs) { return outputs % 2 == 0 ? 1 : 2; }

// The maps over tiles `first`..<`first + count` of the micro-batch, a sample's tiles row by row. Plane rows count from
// `first`.
struct cwinograd_maps {
  // planes <- B' d B
  void (*transform_input)(
      const struct cwinograd_geometry *, ptrdiff_t first, ptrdiff_t count, const float *images, float *planes);
  // gradient of the images <- that of the planes; what tiles share is added up in their order
  void (*adjoint_input)(
      const struct cwinograd_geometry *, ptrdiff_t first, ptrdiff_t count, const float *planes, float *images);
  // outputs, pooled or not <- A' m A
  void (*transform_output)(
      const struct cwinograd_geometry *, ptrdiff_t first, ptrdiff_t count, const float *planes, float *outputs,
      uint8_t *winners);
  // gradient of the planes <- that of the outputs, pooled or not
  void (*adjoint_output)(
      const struct cwinograd_geometry *, ptrdiff_t first, ptrdiff_t count, const float *outputs, const uint8_t *winners,
      float *planes);
  // planes <- G g G', of `count` pairs of channels; `kernel` is [3, 3, count]
  void (*transform_weights)(ptrdiff_t count, ptrdiff_t plane, const float *kernel, float *planes);
  // gradient of the kernel <- that of the planes
  void (*adjoint_weights)(ptrdiff_t count, ptrdiff_t plane, const float *planes, float *kernel);
};

// The maps of F(outputs x outputs, 3 x 3) in vectors of 16, 8 or 4 floats, all of the same bits; NULL for other numbers.
// The processor must have such vectors (`cproducts_widest`).
const struct cwinograd_maps *cwinograd_maps_of(int outputs, int lanes);

#endif
