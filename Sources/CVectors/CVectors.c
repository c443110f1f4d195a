// Everything is in the header: small functions that the compiler puts where they are called.
#include "CVectors.h"
