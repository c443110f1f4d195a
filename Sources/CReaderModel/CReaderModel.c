#include "CReaderModel.h"

// The assembler finds the file by the target's header search path.
__asm__(
  ".section .rodata\n"
  ".balign 16\n"
  "lockstep_reader_model:\n"
  ".incbin \"reader.safetensors\"\n"
  "lockstep_reader_model_end:\n"
  ".byte 0\n"
  ".previous\n");

extern const uint8_t lockstep_reader_model[], lockstep_reader_model_end[];

const uint8_t *creader_model(void) { return lockstep_reader_model; }

size_t creader_model_size(void) { return (size_t)(lockstep_reader_model_end - lockstep_reader_model); }
