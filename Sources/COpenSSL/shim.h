#ifndef LOCKSTEP_COPENSSL_SHIM_H
#define LOCKSTEP_COPENSSL_SHIM_H

#include <openssl/evp.h>

#endif
