#include "shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <webp/decode.h>
#include <webp/demux.h>

cpictures_outcome decode_webp(
  const uint8_t *bytes, size_t count, int64_t kept, int64_t limit, cpictures_picture *picture, int *orientation,
  char *message) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return CPICTURES_UNSUPPORTED;
  if (WebPGetFeatures(bytes, count, &config.input) != VP8_STATUS_OK) {
    snprintf(message, CPICTURES_MESSAGE, "its header is damaged");
    return CPICTURES_DAMAGED;
  }
  if (config.input.has_animation) {
    snprintf(message, CPICTURES_MESSAGE, "it is an animation");
    return CPICTURES_UNSUPPORTED;
  }
  const int32_t width = config.input.width, height = config.input.height;
  cpictures_outcome outcome = check_size(width, height, limit, message);
  if (outcome != CPICTURES_DONE) return outcome;

  const WebPData data = {bytes, count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (demuxer != NULL) {
    WebPChunkIterator chunk;
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
      *orientation = exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
      WebPDemuxReleaseChunkIterator(&chunk);
    }
    WebPDemuxDelete(demuxer);
  }

  int32_t factor = 1;
  while ((int64_t)(width / factor) * (height / factor) > kept) factor++;
  config.output.colorspace = MODE_RGBA;
  if (factor > 1) {
    config.options.use_scaling = 1;
    config.options.scaled_width = (width + factor - 1) / factor;
    config.options.scaled_height = (height + factor - 1) / factor;
  }
  const VP8StatusCode status = WebPDecode(bytes, count, &config);
  if (status != VP8_STATUS_OK) {
    WebPFreeDecBuffer(&config.output);
    snprintf(
      message, CPICTURES_MESSAGE, "%s",
      status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED ? "it ends early" : "its data are damaged");
    return status == VP8_STATUS_OUT_OF_MEMORY ? CPICTURES_NO_MEMORY : CPICTURES_DAMAGED;
  }
  // Only for what is transparent: nothing is left to shrink.
  shrink picked;
  if (!shrink_begin(&picked, config.output.width, config.output.height, INT64_MAX)) {
    WebPFreeDecBuffer(&config.output);
    return CPICTURES_NO_MEMORY;
  }
  for (int32_t y = 0; y < config.output.height; y++) {
    shrink_row(&picked, y, config.output.u.RGBA.rgba + (size_t)y * (size_t)config.output.u.RGBA.stride, 4);
  }
  WebPFreeDecBuffer(&config.output);
  if (!shrink_end(&picked, picture)) return CPICTURES_NO_MEMORY;
  picture->full_width = width;
  picture->full_height = height;
  return CPICTURES_DONE;
}
