// The maps in one dimension for one width of vectors. winograd.c includes this once for each width, and defines beforehand
//   LANES          floats in a vector
//   TARGET         the attribute that lets the compiler use such vectors
//   WIDTH(x)       x with a suffix of this width
//
// Lanes only decide which channels are computed side by side, so every width gives the same bits.
//
// The points are 0 (for m = 4 and 6), pairs of numbers of either sign, and infinity:
//   m = 4: 0, +-1, +-2     m = 5: +-1, +-2, +-1/2     m = 6: 0, +-1, +-2, +-1/2
// Of a pair p, -p the maps share what is even and what is odd in p.

typedef float WIDTH(vector) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t WIDTH(numbers) __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint8_t WIDTH(bytes) __attribute__((vector_size(LANES), aligned(1), may_alias));

#define INLINE static inline __attribute__((always_inline)) TARGET
#define V WIDTH(vector)
#define FMA(factor, x, y) __builtin_elementwise_fma((factor) - (V){0}, x, y)

INLINE V WIDTH(load)(const float *p) { return *(const V *)p; }
INLINE void WIDTH(store)(float *p, V x) { *(V *)p = x; }
INLINE V WIDTH(where)(WIDTH(numbers) mask, V x, V y) {
  return (V)((mask & (WIDTH(numbers))x) | (~mask & (WIDTH(numbers))y));
}

// B': inputs of a tile to as many.
INLINE void WIDTH(input_4)(const V d[6], V o[6]) {
  const V even = FMA(-4.0f, d[2], d[4]), odd = FMA(-4.0f, d[1], d[3]), far = d[4] - d[2], far_odd = d[3] - d[1];
  o[0] = FMA(4.0f, d[0], FMA(-5.0f, d[2], d[4]));
  o[1] = even + odd;
  o[2] = even - odd;
  o[3] = FMA(2.0f, far_odd, far);
  o[4] = FMA(-2.0f, far_odd, far);
  o[5] = FMA(4.0f, d[1], FMA(-5.0f, d[3], d[5]));
}

INLINE void WIDTH(input_5)(const V d[7], V o[7]) {
  const V even = FMA(-4.25f, d[2], d[0] + d[4]), odd = FMA(-4.25f, d[3], d[1] + d[5]);
  const V far = FMA(-1.25f, d[2], FMA(0.25f, d[0], d[4])), far_odd = FMA(-1.25f, d[3], FMA(0.25f, d[1], d[5]));
  const V near = FMA(-5.0f, d[2], FMA(4.0f, d[0], d[4])), near_odd = FMA(-5.0f, d[3], FMA(4.0f, d[1], d[5]));
  o[0] = even + odd;
  o[1] = even - odd;
  o[2] = FMA(2.0f, far, far_odd);
  o[3] = FMA(2.0f, far, -far_odd);
  o[4] = FMA(0.5f, near, near_odd);
  o[5] = FMA(0.5f, near, -near_odd);
  o[6] = FMA(5.25f, d[2] - d[4], d[6] - d[0]);
}

INLINE void WIDTH(input_6)(const V d[8], V o[8]) {
  const V even = FMA(-4.25f, d[4], d[2] + d[6]), odd = FMA(-4.25f, d[3], d[1] + d[5]);
  const V far = FMA(-1.25f, d[4], FMA(0.25f, d[2], d[6])), far_odd = FMA(-1.25f, d[3], FMA(0.25f, d[1], d[5]));
  const V near = FMA(-5.0f, d[4], FMA(4.0f, d[2], d[6])), near_odd = FMA(-5.0f, d[3], FMA(4.0f, d[1], d[5]));
  o[0] = FMA(5.25f, d[4] - d[2], d[0] - d[6]);
  o[1] = even + odd;
  o[2] = even - odd;
  o[3] = FMA(2.0f, far_odd, far);
  o[4] = FMA(-2.0f, far_odd, far);
  o[5] = FMA(0.5f, near_odd, near);
  o[6] = FMA(-0.5f, near_odd, near);
  o[7] = FMA(5.25f, d[3] - d[5], d[7] - d[1]);
}

// B, their adjoints.
INLINE void WIDTH(input_adjoint_4)(const V t[6], V o[6]) {
  const V p = t[1] + t[2], q = t[1] - t[2], r = t[3] + t[4], s = t[3] - t[4];
  o[0] = 4.0f * t[0];
  o[1] = FMA(-2.0f, s, 4.0f * (t[5] - q));
  o[2] = FMA(-5.0f, t[0], FMA(-4.0f, p, -r));
  o[3] = FMA(-5.0f, t[5], FMA(2.0f, s, q));
  o[4] = t[0] + p + r;
  o[5] = t[5];
}

INLINE void WIDTH(input_adjoint_5)(const V t[7], V o[7]) {
  const V p = t[0] + t[1], q = t[0] - t[1], r = t[2] + t[3], s = t[2] - t[3], v = t[4] + t[5], w = t[4] - t[5];
  o[0] = FMA(0.5f, r, FMA(2.0f, v, p - t[6]));
  o[1] = FMA(0.25f, s, FMA(4.0f, w, q));
  o[2] = FMA(-4.25f, p, FMA(-2.5f, r + v, 5.25f * t[6]));
  o[3] = FMA(-4.25f, q, FMA(-1.25f, s, -5.0f * w));
  o[4] = FMA(2.0f, r, FMA(0.5f, v, FMA(-5.25f, t[6], p)));
  o[5] = q + s + w;
  o[6] = t[6];
}

INLINE void WIDTH(input_adjoint_6)(const V t[8], V o[8]) {
  const V p = t[1] + t[2], q = t[1] - t[2], r = t[3] + t[4], s = t[3] - t[4], v = t[5] + t[6], w = t[5] - t[6];
  o[0] = t[0];
  o[1] = FMA(0.5f, s, FMA(2.0f, w, q - t[7]));
  o[2] = FMA(-5.25f, t[0], FMA(0.25f, r, FMA(4.0f, v, p)));
  o[3] = FMA(-4.25f, q, FMA(-2.5f, s + w, 5.25f * t[7]));
  o[4] = FMA(-4.25f, p, FMA(-1.25f, r, FMA(-5.0f, v, 5.25f * t[0])));
  o[5] = FMA(2.0f, s, FMA(0.5f, w, FMA(-5.25f, t[7], q)));
  o[6] = (p - t[0]) + (r + v);
  o[7] = t[7];
}

// A': products of a tile to outputs.
INLINE void WIDTH(output_4)(const V m[6], V o[4]) {
  const V p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4];
  o[0] = m[0] + p + r;
  o[1] = FMA(2.0f, s, q);
  o[2] = FMA(4.0f, r, p);
  o[3] = FMA(8.0f, s, q) + m[5];
}

INLINE void WIDTH(output_5)(const V m[7], V o[5]) {
  const V p = m[0] + m[1], q = m[0] - m[1], r = m[2] + m[3], s = m[2] - m[3], v = m[4] + m[5], w = m[4] - m[5];
  o[0] = p + r + v;
  o[1] = FMA(2.0f, s, FMA(0.5f, w, q));
  o[2] = FMA(4.0f, r, FMA(0.25f, v, p));
  o[3] = FMA(8.0f, s, FMA(0.125f, w, q));
  o[4] = FMA(16.0f, r, FMA(0.0625f, v, p)) + m[6];
}

INLINE void WIDTH(output_6)(const V m[8], V o[6]) {
  const V p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4], v = m[5] + m[6], w = m[5] - m[6];
  o[0] = (m[0] + p) + (r + v);
  o[1] = FMA(2.0f, s, FMA(0.5f, w, q));
  o[2] = FMA(4.0f, r, FMA(0.25f, v, p));
  o[3] = FMA(8.0f, s, FMA(0.125f, w, q));
  o[4] = FMA(16.0f, r, FMA(0.0625f, v, p));
  o[5] = FMA(32.0f, s, FMA(0.03125f, w, q)) + m[7];
}

// A, their adjoints.
INLINE void WIDTH(output_adjoint_4)(const V y[4], V o[6]) {
  const V even = y[0] + y[2], odd = y[1] + y[3], far = FMA(4.0f, y[2], y[0]), far_odd = FMA(4.0f, y[3], y[1]);
  o[0] = y[0];
  o[1] = even + odd;
  o[2] = even - odd;
  o[3] = FMA(2.0f, far_odd, far);
  o[4] = FMA(-2.0f, far_odd, far);
  o[5] = y[3];
}

INLINE void WIDTH(output_adjoint_5)(const V y[5], V o[7]) {
  const V even = y[0] + y[2] + y[4], odd = y[1] + y[3];
  const V far = FMA(16.0f, y[4], FMA(4.0f, y[2], y[0])), far_odd = FMA(4.0f, y[3], y[1]);
  const V near = FMA(0.0625f, y[4], FMA(0.25f, y[2], y[0])), near_odd = FMA(0.25f, y[3], y[1]);
  o[0] = even + odd;
  o[1] = even - odd;
  o[2] = FMA(2.0f, far_odd, far);
  o[3] = FMA(-2.0f, far_odd, far);
  o[4] = FMA(0.5f, near_odd, near);
  o[5] = FMA(-0.5f, near_odd, near);
  o[6] = y[4];
}

INLINE void WIDTH(output_adjoint_6)(const V y[6], V o[8]) {
  const V even = y[0] + y[2] + y[4], odd = y[1] + y[3] + y[5];
  const V far = FMA(16.0f, y[4], FMA(4.0f, y[2], y[0])), far_odd = FMA(16.0f, y[5], FMA(4.0f, y[3], y[1]));
  const V near = FMA(0.0625f, y[4], FMA(0.25f, y[2], y[0])), near_odd = FMA(0.0625f, y[5], FMA(0.25f, y[3], y[1]));
  o[0] = y[0];
  o[1] = even + odd;
  o[2] = even - odd;
  o[3] = FMA(2.0f, far_odd, far);
  o[4] = FMA(-2.0f, far_odd, far);
  o[5] = FMA(0.5f, near_odd, near);
  o[6] = FMA(-0.5f, near_odd, near);
  o[7] = y[5];
}

// G: three weights to the points +p and -p, times `scale`; and its adjoint, from both points' gradients.
INLINE void WIDTH(weights_pair)(const V g[3], float p, float scale, V o[2]) {
  const V even = FMA(p * p, g[2], g[0]);
  o[0] = FMA(p, g[1], even) * scale;
  o[1] = FMA(-p, g[1], even) * scale;
}

INLINE void WIDTH(weights_pair_adjoint)(const V u[2], float p, float scale, V o[3]) {
  const V even = (u[0] + u[1]) * scale, odd = (u[0] - u[1]) * scale;
  o[0] = o[0] + even;
  o[1] = FMA(p, odd, o[1]);
  o[2] = FMA(p * p, even, o[2]);
}

#define WEIGHTS_4(pair, u) \
  pair(1.0f, -1.0f / 6, u + 1); \
  pair(2.0f, 1.0f / 24, u + 3)
#define WEIGHTS_5(pair, u) \
  pair(1.0f, -2.0f / 9, u); \
  pair(2.0f, 1.0f / 45, u + 2); \
  pair(0.5f, 16.0f / 45, u + 4)
#define WEIGHTS_6(pair, u) \
  pair(1.0f, -2.0f / 9, u + 1); \
  pair(2.0f, 1.0f / 90, u + 3); \
  pair(0.5f, 32.0f / 45, u + 5)
#define TO(p, scale, u) WIDTH(weights_pair)(g, p, scale, u)
#define FROM(p, scale, u) WIDTH(weights_pair_adjoint)(u, p, scale, o)

// `zero` is what g is multiplied by at the point 0.
#define WEIGHTS(m, has_zero, zero) \
  INLINE void WIDTH(weights_##m)(const V g[3], V o[m + 2]) { \
    if (has_zero) o[0] = g[0] * zero; \
    WEIGHTS_##m(TO, o); \
    o[m + 1] = g[2]; \
  } \
  INLINE void WIDTH(weights_adjoint_##m)(const V u[m + 2], V o[3]) { \
    o[0] = has_zero ? u[0] * zero : (V){0}; \
    o[1] = (V){0}; \
    o[2] = u[m + 1]; \
    WEIGHTS_##m(FROM, u); \
  }

WEIGHTS(4, true, 0.25f)
WEIGHTS(5, false, 0.0f)
WEIGHTS(6, true, 1.0f)

#undef WEIGHTS
#undef TO
#undef FROM
#undef WEIGHTS_4
#undef WEIGHTS_5
#undef WEIGHTS_6
#undef FMA
#undef V
#undef INLINE
