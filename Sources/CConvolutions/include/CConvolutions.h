#ifndef LOCKSTEP_CCONVOLUTIONS_H
#define LOCKSTEP_CCONVOLUTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Convolutions without im2col, one source for vectors of 4, 8 and 16 floats, all of the same bits
// (docs/reproducibility.md). `lanes` is one of these; the processor must have such vectors (cproducts_widest).

// A convolution in front of which nobody needs a gradient, with the max pooling, bias and ReLU behind it.
//
// Images lie in frames [rows, frame_row] that hold the zeros around them too, so that a patch needs no bounds.
struct cconvolutions_first {
  ptrdiff_t kernel;              // rows of the kernel
  ptrdiff_t run;                 // floats of one row of it, which lie together: kernel * input channels
  ptrdiff_t step;                // floats from a position's patch to the next one's: stride * input channels
  ptrdiff_t row_step;            // floats from a row of positions to the next: stride * frame_row
  ptrdiff_t frame_row, frame;    // floats of a frame's row, and from a sample's frame to the next
  ptrdiff_t height, width;       // the convolution's output
  ptrdiff_t channels;            // of the output
  ptrdiff_t padded;              // channels rounded up to whole vectors
  ptrdiff_t pool, pool_stride;   // side and distance of the pooling's windows, which do not overlap; 1 and 1 without
  ptrdiff_t pooled_height, pooled_width;
  bool adds_bias, rectifies;     // with `rectifies` there is a bias too
};

// output [count, pooled_height, pooled_width, channels] <- the layer of `count` frames.
//
// weights: [kernel * run + 1, padded], the bias in the last row. band: room for [pool, width, padded]. winners
// [count, pooled_height, pooled_width, padded]: which of a window's positions, row by row, held the maximum; not
// written without pooling.
void cconvolutions_first_forward(
    int lanes, const struct cconvolutions_first *layer, ptrdiff_t count, const float *frames, const float *weights,
    float *band, float *output, uint8_t *winners);

// gradient <- 0 where output <= 0, if the layer rectifies; bias <- the gradient's sums, position by position, which go
// on from what is there where `adds`. Both are [rows, channels]; up to 15 floats behind them are read.
void cconvolutions_first_mask(
    int lanes, const struct cconvolutions_first *layer, ptrdiff_t rows, const float *output, float *gradient,
    bool adds, float *bias);

// weights [kernel * run, channels] <- the gradient of `count` samples, or + it where `adds`: for each weight one chain
// of fused multiply-adds over the positions, in their order. gradient is that of the pooled output, masked; up to 15
// floats behind it are read.
void cconvolutions_first_weights(
    int lanes, const struct cconvolutions_first *layer, ptrdiff_t count, const float *frames, const float *gradient,
    const uint8_t *winners, bool adds, float *weights);

// A 3 x 3 convolution of stride 1 by Winograd's minimal filtering F(3x3, 3x3), in its parts.
//
// Inputs lie in frames [rows, frame_row] of whole tiles: 3 * tile_rows + 2 rows of 3 * tile_columns + 2 pixels. Tiles
// are counted through a micro-batch. A transformed tile has 25 places, which lie a plane apart: [25, tiles, channels].
// Channels are whole vectors of eight.
struct cconvolutions_winograd {
  ptrdiff_t tile_rows, tile_columns;           // of a sample
  ptrdiff_t height, width;                     // of the output
  ptrdiff_t in, out;                           // channels
  ptrdiff_t frame_row, frame;                  // floats of a frame's row, and from a sample's frame to the next
  ptrdiff_t in_plane, out_plane, weight_plane; // floats from one place to the next
};

// target [25, in, out] <- G g G^T of the kernel g [3, 3, in, out]; in either order of the channels.
void cconvolutions_winograd_weights(
    int lanes, const struct cconvolutions_winograd *layer, const float *kernel, float *target);

// target [25, tiles, in] <- B^T d B of the tiles from `first` up to `end`.
void cconvolutions_winograd_input(
    int lanes, const struct cconvolutions_winograd *layer, ptrdiff_t first, ptrdiff_t end, const float *frames,
    float *target);

// frames <- the adjoint of that; neighbouring tiles are added where they overlap, in their order.
void cconvolutions_winograd_input_gradient(
    int lanes, const struct cconvolutions_winograd *layer, ptrdiff_t first, ptrdiff_t end, const float *source,
    float *frames);

// output [samples, height, width, out] <- A^T m A of the tiles' products m [25, tiles, out].
void cconvolutions_winograd_output(
    int lanes, const struct cconvolutions_winograd *layer, ptrdiff_t first, ptrdiff_t end, const float *source,
    float *output);

// target [25, tiles, out] <- the adjoint of that.
void cconvolutions_winograd_output_gradient(
    int lanes, const struct cconvolutions_winograd *layer, ptrdiff_t first, ptrdiff_t end, const float *gradient,
    float *target);

// At each of the 25 places, target [rows, columns] <- tiles [rows, depth] * weights [depth, columns], as cproducts_gemm
// defines it.
void cconvolutions_winograd_products(
    int lanes, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *tiles, ptrdiff_t tiles_plane,
    const float *weights, ptrdiff_t weights_plane, float *target, ptrdiff_t target_plane);

// weights [3, 3, in, out] <- the weights' gradient of so many tiles, or + it where `adds`: at each place the product of
// the transposed tiles and their output's gradient, and the adjoint of G g G^T of these.
void cconvolutions_winograd_weight_gradient(
    int lanes, const struct cconvolutions_winograd *layer, ptrdiff_t rows, const float *tiles, const float *gradient,
    bool adds, float *weights);

#endif
