// Everything is in the header, which says what the program that includes it was compiled for.
#include "CProcessor.h"
