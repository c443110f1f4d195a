#ifndef LOCKSTEP_CHDF5_H
#define LOCKSTEP_CHDF5_H

#include <stddef.h>
#include <stdint.h>

// Reads files in the HDF5 format (docs.hdfgroup.org, "HDF5 File Format Specification"), by libhdf5, which is loaded when the
// first file is opened: most uses of Lockstep have none. Any number of files may be open, on any threads.

// No data set with more dimensions is read.
enum { CHDF5_RANKS = 8 };

typedef enum {
  CHDF5_DONE,
  CHDF5_NO_LIBRARY,
  CHDF5_NO_MEMORY,
  // The file is no HDF5, or damaged, or what is asked for has another type.
  CHDF5_DAMAGED,
  // What is asked for is not in the file.
  CHDF5_MISSING,
} chdf5_outcome;

typedef struct chdf5_file chdf5_file;

// Opens a file whose bytes are in memory; they are copied.
chdf5_outcome chdf5_open(const uint8_t *bytes, size_t count, chdf5_file **file);
void chdf5_close(chdf5_file *file);

// The extents of the data set at `path`, e.g. `layers/dense/vars/0`.
chdf5_outcome chdf5_shape(chdf5_file *file, const char *path, int *rank, int64_t extents[CHDF5_RANKS]);

// The numbers of a data set of `count` elements, the last index varying fastest.
chdf5_outcome chdf5_floats(chdf5_file *file, const char *path, float *values, size_t count);

// The texts of an attribute of the group at `path`, `/` being the file's own: one behind the other in `texts`, each ended by
// a zero. The caller frees them.
chdf5_outcome chdf5_texts(chdf5_file *file, const char *path, const char *attribute, char **texts, size_t *count);

#endif
