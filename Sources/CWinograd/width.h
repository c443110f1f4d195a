// Everything for one width of vectors: see points.h and maps.h for what winograd.c defines beforehand.

#define WIDTH(x) JOIN(x, LANES)
#include "points.h"
#define OUTPUTS 4
#include "maps.h"
#define OUTPUTS 5
#include "maps.h"
#define OUTPUTS 6
#include "maps.h"

static const struct cwinograd_maps *WIDTH(maps)(int outputs) {
  switch (outputs) {
    case 4: return &JOIN(maps_4, LANES);
    case 5: return &JOIN(maps_5, LANES);
    case 6: return &JOIN(maps_6, LANES);
    default: return NULL;
  }
}

#undef WIDTH
#undef NARROWER
#undef TARGET
#undef LANES
