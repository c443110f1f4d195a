// Vectors of one width; convolutions.c includes this once for each (see there).

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t NAME(integers) __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint8_t NAME(bytes) __attribute__((vector_size(LANES), aligned(1)));

#if LANES == 16
INLINE NAME(vector) NAME(load_first)(const float *p, int count) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
INLINE void NAME(store_first)(float *p, int count, NAME(vector) x) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), x);
}
#elif LANES == 8
INLINE __m256i NAME(first)(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE NAME(vector) NAME(load_first)(const float *p, int count) {
  return _mm256_maskload_ps(p, NAME(first)(count));
}
INLINE void NAME(store_first)(float *p, int count, NAME(vector) x) {
  _mm256_maskstore_ps(p, NAME(first)(count), x);
}
#else
INLINE NAME(vector) NAME(load_first)(const float *p, int count) {
  NAME(vector) x = {0};
  for (int i = 0; i < count; i++) x[i] = p[i];
  return x;
}
INLINE void NAME(store_first)(float *p, int count, NAME(vector) x) {
  for (int i = 0; i < count; i++) p[i] = x[i];
}
#endif

INLINE NAME(vector) NAME(all)(float x) { return x - (NAME(vector)){0}; }

// a where the mask is set, b elsewhere.
INLINE NAME(vector) NAME(choose)(NAME(integers) mask, NAME(vector) a, NAME(vector) b) {
  return (NAME(vector))((mask & (NAME(integers))a) | (~mask & (NAME(integers))b));
}

// The first `count` floats of a vector; all of them where there are more.
INLINE void NAME(store)(float *place, ptrdiff_t count, NAME(vector) x) {
  if (count >= LANES) *(NAME(vector) *)place = x;
  else NAME(store_first)(place, (int)count, x);
}

// The others become zero.
INLINE NAME(vector) NAME(load)(const float *place, ptrdiff_t count) {
  return count >= LANES ? *(const NAME(vector) *)place : NAME(load_first)(place, (int)count);
}
