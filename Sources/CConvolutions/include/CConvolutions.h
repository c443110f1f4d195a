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

// gradient <- 0 where output <= 0, if the layer rectifies; bias <- the gradient's sums, position by position, which go on
// from what is there where `adds`. Both are [rows, channels]; up to 15 floats behind them are read.
void cconvolutions_first_mask(
    int lanes, const struct cconvolutions_first *layer, ptrdiff_t rows, const float *output, float *gradient,
    bool adds, float *bias);

// weights [kernel * run, channels] <- the gradient of `count` samples, or + it where `adds`: for each weight one chain
// of fused multiply-adds over the positions, in their order. gradient is that of the pooled output, masked; up to 15
// floats behind it are read.
void cconvolutions_first_weights(
    int lanes, const struct cconvolutions_first *layer, ptrdiff_t count, const float *frames, const float *gradient,
    const uint8_t *winners, bool adds, float *weights);

#endif
