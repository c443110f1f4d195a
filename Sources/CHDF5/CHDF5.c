#include "CHDF5.h"

#include <dlfcn.h>
#if __has_include(<hdf5/serial/hdf5.h>)
#include <hdf5/serial/hdf5.h>
#else
#include <hdf5.h>
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(DO)                                                                                                  \
  DO(H5open)                                                                                                           \
  DO(H5free_memory)                                                                                                    \
  DO(H5Eset_auto2)                                                                                                     \
  DO(H5Pcreate)                                                                                                        \
  DO(H5Pset_fapl_core)                                                                                                 \
  DO(H5Pset_file_image)                                                                                                \
  DO(H5Pclose)                                                                                                         \
  DO(H5Fopen)                                                                                                          \
  DO(H5Fclose)                                                                                                         \
  DO(H5Lexists)                                                                                                        \
  DO(H5Dopen2)                                                                                                         \
  DO(H5Dget_space)                                                                                                     \
  DO(H5Dget_type)                                                                                                      \
  DO(H5Dread)                                                                                                          \
  DO(H5Dclose)                                                                                                         \
  DO(H5Sget_simple_extent_dims)                                                                                        \
  DO(H5Sget_simple_extent_ndims)                                                                                       \
  DO(H5Sget_simple_extent_npoints)                                                                                     \
  DO(H5Sclose)                                                                                                         \
  DO(H5Tget_class)                                                                                                     \
  DO(H5Tget_size)                                                                                                      \
  DO(H5Tis_variable_str)                                                                                               \
  DO(H5Tclose)                                                                                                         \
  DO(H5Aexists_by_name)                                                                                                \
  DO(H5Aopen_by_name)                                                                                                  \
  DO(H5Aget_type)                                                                                                      \
  DO(H5Aget_space)                                                                                                     \
  DO(H5Aread)                                                                                                          \
  DO(H5Aclose)

typedef struct {
#define DECLARE(name) __typeof__(name) *name;
  FUNCTIONS(DECLARE)
#undef DECLARE
  // What H5P_FILE_ACCESS and H5T_NATIVE_FLOAT stand for.
  hid_t file_access, native_float;
} hdf5_library;

struct chdf5_file {
  hdf5_library lib;
  hid_t id;
};

// H5F_ACC_RDONLY, whose macro calls the library by name.
enum { READ_ONLY = 0 };

// By Debian's name for the library without MPI, and by that of others; versions 1.10, 1.12 and 1.14 have these functions.
static const char *const names[] = {
  "libhdf5_serial.so.103", "libhdf5_serial.so.200", "libhdf5_serial.so.310", "libhdf5_serial.so",
  "libhdf5.so.103",        "libhdf5.so.200",        "libhdf5.so.310",        "libhdf5.so",
};

// Not every build of the library may be called by several threads at once. Held to the end of a function.
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static void unlock(pthread_mutex_t **lock) { pthread_mutex_unlock(*lock); }
#define ONE_AT_A_TIME                                                                                                  \
  __attribute__((cleanup(unlock))) pthread_mutex_t *held = &library_lock;                                              \
  pthread_mutex_lock(held);

static int load(hdf5_library *lib) {
  void *handle = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && handle == NULL; i++)
    handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) return 0;
#define LOAD(name)                                                                                                     \
  lib->name = (__typeof__(name) *)dlsym(handle, #name);                                                                \
  if (lib->name == NULL) return 0;
  FUNCTIONS(LOAD)
#undef LOAD
  if (lib->H5open() < 0) return 0;
  const hid_t *file_access = (const hid_t *)dlsym(handle, "H5P_CLS_FILE_ACCESS_ID_g");
  const hid_t *native_float = (const hid_t *)dlsym(handle, "H5T_NATIVE_FLOAT_g");
  if (file_access == NULL || native_float == NULL) return 0;
  lib->file_access = *file_access;
  lib->native_float = *native_float;
  // It would print its errors.
  lib->H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return 1;
}

chdf5_outcome chdf5_open(const uint8_t *bytes, size_t count, chdf5_file **result) {
  ONE_AT_A_TIME
  chdf5_file *file = calloc(1, sizeof *file);
  if (file == NULL) return CHDF5_NO_MEMORY;
  hdf5_library *lib = &file->lib;
  chdf5_outcome outcome = CHDF5_NO_LIBRARY;
  if (!load(lib)) goto failed;
  outcome = CHDF5_NO_MEMORY;
  const hid_t access = lib->H5Pcreate(lib->file_access);
  if (access < 0) goto failed;
  // No file of that name is read or written, but to the library two open files of one name are one file.
  static unsigned long opened;
  char name[32];
  snprintf(name, sizeof name, "model-%lu.h5", opened++);
  if (lib->H5Pset_fapl_core(access, 1 << 20, 0) >= 0 && lib->H5Pset_file_image(access, (void *)bytes, count) >= 0) {
    outcome = CHDF5_DAMAGED;
    file->id = lib->H5Fopen(name, READ_ONLY, access);
    if (file->id >= 0) outcome = CHDF5_DONE;
  }
  lib->H5Pclose(access);
  if (outcome == CHDF5_DONE) {
    *result = file;
    return outcome;
  }
failed:
  free(file);
  return outcome;
}

void chdf5_close(chdf5_file *file) {
  ONE_AT_A_TIME
  file->lib.H5Fclose(file->id);
  free(file);
}

// Whether all of a path is there: the library asks to look at each part by itself.
static int exists(chdf5_file *file, const char *path) {
  char part[1024];
  if (strlen(path) >= sizeof part) return 0;
  for (const char *end = path; *end != 0;) {
    end = strchr(end + 1, '/');
    if (end == NULL) end = path + strlen(path);
    memcpy(part, path, (size_t)(end - path));
    part[end - path] = 0;
    if (file->lib.H5Lexists(file->id, part, H5P_DEFAULT) <= 0) return 0;
  }
  return 1;
}

// Opens a data set of floating-point numbers.
static chdf5_outcome open_floats(chdf5_file *file, const char *path, hid_t *set) {
  const hdf5_library *lib = &file->lib;
  if (!exists(file, path)) return CHDF5_MISSING;
  *set = lib->H5Dopen2(file->id, path, H5P_DEFAULT);
  if (*set < 0) return CHDF5_DAMAGED;
  const hid_t type = lib->H5Dget_type(*set);
  const H5T_class_t kind = type < 0 ? H5T_NO_CLASS : lib->H5Tget_class(type);
  if (type >= 0) lib->H5Tclose(type);
  if (kind == H5T_FLOAT) return CHDF5_DONE;
  lib->H5Dclose(*set);
  return CHDF5_DAMAGED;
}

chdf5_outcome chdf5_shape(chdf5_file *file, const char *path, int *rank, int64_t extents[CHDF5_RANKS]) {
  ONE_AT_A_TIME
  const hdf5_library *lib = &file->lib;
  hid_t set;
  chdf5_outcome outcome = open_floats(file, path, &set);
  if (outcome != CHDF5_DONE) return outcome;
  outcome = CHDF5_DAMAGED;
  const hid_t space = lib->H5Dget_space(set);
  if (space >= 0) {
    hsize_t found[H5S_MAX_RANK];
    *rank = lib->H5Sget_simple_extent_ndims(space);
    if (*rank >= 0 && *rank <= CHDF5_RANKS && lib->H5Sget_simple_extent_dims(space, found, NULL) >= 0) {
      outcome = CHDF5_DONE;
      for (int i = 0; i < *rank; i++) {
        if (found[i] > INT64_MAX) outcome = CHDF5_DAMAGED;
        extents[i] = (int64_t)found[i];
      }
    }
    lib->H5Sclose(space);
  }
  lib->H5Dclose(set);
  return outcome;
}

chdf5_outcome chdf5_floats(chdf5_file *file, const char *path, float *values, size_t count) {
  ONE_AT_A_TIME
  const hdf5_library *lib = &file->lib;
  hid_t set;
  chdf5_outcome outcome = open_floats(file, path, &set);
  if (outcome != CHDF5_DONE) return outcome;
  outcome = CHDF5_DAMAGED;
  const hid_t space = lib->H5Dget_space(set);
  if (space >= 0 && lib->H5Sget_simple_extent_npoints(space) == (hssize_t)count &&
      lib->H5Dread(set, lib->native_float, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0)
    outcome = CHDF5_DONE;
  if (space >= 0) lib->H5Sclose(space);
  lib->H5Dclose(set);
  return outcome;
}

// Puts texts one behind the other; `at` gives the one of an index and its length.
static chdf5_outcome join(
  size_t count, const char *(*at)(const void *, size_t, size_t, size_t *), const void *source, size_t size, char **texts) {
  size_t total = 1, length;
  for (size_t i = 0; i < count; i++) {
    at(source, i, size, &length);
    total += length + 1;
  }
  char *end = *texts = calloc(total, 1);
  if (end == NULL) return CHDF5_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    const char *text = at(source, i, size, &length);
    if (length > 0) memcpy(end, text, length);
    end += length + 1;
  }
  return CHDF5_DONE;
}

static const char *variable(const void *source, size_t i, size_t size, size_t *length) {
  (void)size;
  const char *text = ((char *const *)source)[i];
  *length = text == NULL ? 0 : strlen(text);
  return text;
}

static const char *fixed(const void *source, size_t i, size_t size, size_t *length) {
  const char *text = (const char *)source + i * size;
  const char *end = memchr(text, 0, size);
  *length = end == NULL ? size : (size_t)(end - text);
  return text;
}

chdf5_outcome chdf5_texts(chdf5_file *file, const char *path, const char *attribute, char **texts, size_t *count) {
  ONE_AT_A_TIME
  const hdf5_library *lib = &file->lib;
  if (strcmp(path, "/") != 0 && !exists(file, path)) return CHDF5_MISSING;
  if (lib->H5Aexists_by_name(file->id, path, attribute, H5P_DEFAULT) <= 0) return CHDF5_MISSING;
  const hid_t id = lib->H5Aopen_by_name(file->id, path, attribute, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0) return CHDF5_DAMAGED;
  chdf5_outcome outcome = CHDF5_DAMAGED;
  const hid_t type = lib->H5Aget_type(id), space = lib->H5Aget_space(id);
  if (type < 0 || space < 0) goto done;
  const hssize_t points = lib->H5Sget_simple_extent_npoints(space);
  // What is no text, and more texts than networks have layers, is not ours: empty lists are of any type.
  if (points < 0 || points > 100000 || (points > 0 && lib->H5Tget_class(type) != H5T_STRING)) goto done;
  *count = (size_t)points;
  const size_t size = lib->H5Tget_size(type);
  if (points == 0) {
    outcome = join(0, fixed, NULL, 0, texts);
  } else if (lib->H5Tis_variable_str(type) > 0) {
    char **strings = calloc(*count, sizeof *strings);
    outcome = CHDF5_NO_MEMORY;
    if (strings == NULL) goto done;
    outcome = CHDF5_DAMAGED;
    if (lib->H5Aread(id, type, strings) >= 0) {
      outcome = join(*count, variable, strings, 0, texts);
      for (size_t i = 0; i < *count; i++) lib->H5free_memory(strings[i]);
    }
    free(strings);
  } else if (size > 0 && size <= (1u << 28) / *count) {
    char *characters = malloc(size * *count);
    outcome = CHDF5_NO_MEMORY;
    if (characters == NULL) goto done;
    outcome = CHDF5_DAMAGED;
    if (lib->H5Aread(id, type, characters) >= 0) outcome = join(*count, fixed, characters, size, texts);
    free(characters);
  }
done:
  if (space >= 0) lib->H5Sclose(space);
  if (type >= 0) lib->H5Tclose(type);
  lib->H5Aclose(id);
  return outcome;
}
