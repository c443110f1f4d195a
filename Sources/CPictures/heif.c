#include "shrink.h"

#include <dlfcn.h>
#include <libheif/heif.h>
#include <stdio.h>
#include <stdlib.h>

// libheif brings video decoders with it, so it is loaded when a file asks for it, and ranks of a training never do.
#define FUNCTIONS(DO)                                                                                                  \
  DO(heif_context_alloc)                                                                                               \
  DO(heif_context_free)                                                                                                \
  DO(heif_context_read_from_memory_without_copy)                                                                       \
  DO(heif_context_get_primary_image_handle)                                                                            \
  DO(heif_image_handle_get_width)                                                                                      \
  DO(heif_image_handle_get_height)                                                                                     \
  DO(heif_image_handle_release)                                                                                        \
  DO(heif_decode_image)                                                                                                \
  DO(heif_image_get_width)                                                                                             \
  DO(heif_image_get_height)                                                                                            \
  DO(heif_image_get_plane_readonly)                                                                                    \
  DO(heif_image_release)

typedef struct {
#define DECLARE(name) __typeof__(name) *name;
  FUNCTIONS(DECLARE)
#undef DECLARE
} heif_library;

static int load(heif_library *library) {
  void *handle = dlopen("libheif.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) return 0;
#define LOAD(name)                                                                                                     \
  library->name = (__typeof__(name) *)dlsym(handle, #name);                                                            \
  if (library->name == NULL) return 0;
  FUNCTIONS(LOAD)
#undef LOAD
  return 1;
}

cpictures_outcome decode_heif(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, char *message) {
  heif_library lib;
  if (!load(&lib)) {
    snprintf(message, CPICTURES_MESSAGE, "HEIC and AVIF need libheif, which is not installed (Debian: libheif1)");
    return CPICTURES_UNSUPPORTED;
  }
  struct heif_context *context = lib.heif_context_alloc();
  struct heif_image_handle *handle = NULL;
  struct heif_image *image = NULL;
  cpictures_outcome outcome = CPICTURES_NO_MEMORY;
  if (context == NULL) return outcome;

  struct heif_error error = lib.heif_context_read_from_memory_without_copy(context, bytes, count, NULL);
  if (error.code == heif_error_Ok) error = lib.heif_context_get_primary_image_handle(context, &handle);
  if (error.code == heif_error_Ok) {
    outcome = check_size(
      lib.heif_image_handle_get_width(handle), lib.heif_image_handle_get_height(handle), limit, message);
    if (outcome != CPICTURES_DONE) goto done;
    // The library itself turns the picture as the file says.
    error = lib.heif_decode_image(handle, &image, heif_colorspace_RGB, heif_chroma_interleaved_RGBA, NULL);
  }
  if (error.code != heif_error_Ok) {
    outcome = error.code == heif_error_Unsupported_filetype || error.code == heif_error_Unsupported_feature
      ? CPICTURES_UNSUPPORTED
      : CPICTURES_DAMAGED;
    snprintf(message, CPICTURES_MESSAGE, "%s", error.message);
    goto done;
  }
  int stride = 0;
  const uint8_t *pixels = lib.heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
  const int width = lib.heif_image_get_width(image, heif_channel_interleaved);
  const int height = lib.heif_image_get_height(image, heif_channel_interleaved);
  shrink picked;
  outcome = CPICTURES_NO_MEMORY;
  if (pixels == NULL || !shrink_begin(&picked, width, height, kept)) goto done;
  for (int y = 0; y < height; y++) shrink_row(&picked, y, pixels + (size_t)y * (size_t)stride, 4);
  if (shrink_end(&picked, picture)) outcome = CPICTURES_DONE;

done:
  if (image != NULL) lib.heif_image_release(image);
  if (handle != NULL) lib.heif_image_handle_release(handle);
  lib.heif_context_free(context);
  return outcome;
}
