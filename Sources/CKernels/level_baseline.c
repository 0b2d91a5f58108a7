#define LEVEL baseline
#include "kernels/level.h"
