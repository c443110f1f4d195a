#ifndef LOCKSTEP_CMINIZIP_SHIM_H
#define LOCKSTEP_CMINIZIP_SHIM_H

#include <minizip/unzip.h>
#include <minizip/zip.h>

#endif
