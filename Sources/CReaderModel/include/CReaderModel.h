#ifndef LOCKSTEP_CREADERMODEL_H
#define LOCKSTEP_CREADERMODEL_H

#include <stddef.h>
#include <stdint.h>

// reader.safetensors, which lies beside the source: part of the program, so that it is there wherever the program is.
const uint8_t *creader_model(void);
size_t creader_model_size(void);

#endif
