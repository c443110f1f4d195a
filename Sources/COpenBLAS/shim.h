#ifndef LOCKSTEP_COPENBLAS_SHIM_H
#define LOCKSTEP_COPENBLAS_SHIM_H

#include <cblas.h>

// OpenBLAS's own additions; Debian's cblas.h declares them only partly.
void openblas_set_num_threads(int count);
char *openblas_get_config(void);
char *openblas_get_corename(void);

#endif
