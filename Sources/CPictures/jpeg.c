#include "shrink.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// jpeglib.h needs FILE and size_t before it.
#include <jpeglib.h>

typedef struct {
  struct jpeg_error_mgr manager;
  jmp_buf failed;
  char *message;
} errors;

static void fail(j_common_ptr info) {
  errors *e = (errors *)info->err;
  if (e->message != NULL) {
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    snprintf(e->message, CPICTURES_MESSAGE, "%s", text);
  }
  longjmp(e->failed, 1);
}

static void count_warning(j_common_ptr info, int level) {
  if (level < 0) info->err->num_warnings++;
}

cpictures_outcome decode_jpeg(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, int *orientation,
  char *message) {
  struct jpeg_decompress_struct info;
  errors e = {.message = message};
  // What is changed after setjmp and used after a longjmp must be volatile.
  uint8_t *volatile pixels = NULL;
  uint8_t *volatile row = NULL;
  info.err = jpeg_std_error(&e.manager);
  e.manager.error_exit = fail;
  e.manager.emit_message = count_warning;
  if (setjmp(e.failed)) {
    jpeg_destroy_decompress(&info);
    free(pixels);
    free(row);
    return CPICTURES_DAMAGED;
  }
  jpeg_create_decompress(&info);
  // A progressive file keeps all its coefficients: the library puts them into a file beyond this.
  info.mem->max_memory_to_use = 512l << 20;
  jpeg_mem_src(&info, bytes, count);
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&info, TRUE);
  cpictures_outcome outcome = check_size(info.image_width, info.image_height, limit, message);
  if (outcome != CPICTURES_DONE) {
    jpeg_destroy_decompress(&info);
    return outcome;
  }
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != NULL; marker = marker->next) {
    if (marker->data_length > 6 && memcmp(marker->data, "Exif", 4) == 0) {
      *orientation = exif_orientation(marker->data, marker->data_length);
      break;
    }
  }
  // An eighth, a quarter or a half comes out of the transform itself.
  info.scale_num = 8;
  info.scale_denom = 8;
  while (info.scale_num > 1 &&
         (int64_t)info.image_width * info.scale_num / 8 * ((int64_t)info.image_height * info.scale_num / 8) > kept) {
    info.scale_num /= 2;
  }
  const int cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&info);
  const size_t width = info.output_width, height = info.output_height;
  pixels = malloc(width * height * 3);
  row = malloc(width * 4);
  if (pixels == NULL || row == NULL) {
    jpeg_destroy_decompress(&info);
    free(pixels);
    free(row);
    return CPICTURES_NO_MEMORY;
  }
  // Adobe's programs write CMYK inverted; nobody else writes it.
  const int inverted = info.saw_Adobe_marker;
  while (info.output_scanline < height) {
    uint8_t *out = pixels + (size_t)info.output_scanline * width * 3;
    uint8_t *line = cmyk ? row : out;
    jpeg_read_scanlines(&info, &line, 1);
    if (!cmyk) continue;
    for (size_t x = 0; x < width; x++) {
      const int k = inverted ? line[x * 4 + 3] : 255 - line[x * 4 + 3];
      for (size_t c = 0; c < 3; c++) {
        const int ink = inverted ? line[x * 4 + c] : 255 - line[x * 4 + c];
        out[x * 3 + c] = (uint8_t)((ink * k + 127) / 255);
      }
    }
  }
  picture->pixels = pixels;
  picture->width = (int32_t)width;
  picture->height = (int32_t)height;
  picture->full_width = (int32_t)info.image_width;
  picture->full_height = (int32_t)info.image_height;
  // A file cut short decodes to grey below the cut; the library only warns.
  picture->incomplete = info.err->num_warnings > 0;
  pixels = NULL;
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  free(row);
  return CPICTURES_DONE;
}

uint8_t *cpictures_encode_jpeg(
  const uint8_t *pixels, int32_t width, int32_t height, int32_t quality, size_t *count) {
  struct jpeg_compress_struct info;
  errors e = {.message = NULL};
  unsigned char *file = NULL;
  unsigned long size = 0;
  info.err = jpeg_std_error(&e.manager);
  e.manager.error_exit = fail;
  if (setjmp(e.failed)) {
    jpeg_destroy_compress(&info);
    return NULL;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &file, &size);
  info.image_width = (JDIMENSION)width;
  info.image_height = (JDIMENSION)height;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)info.next_scanline * (size_t)width * 3);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  *count = size;
  return file;
}
