// LAPACKE names its complex types with C99's keyword, which Swift does not import.
// This library calls none of the complex routines, so their element types need only exist.
#define lapack_complex_float float
#define lapack_complex_double double
#define LAPACK_COMPLEX_CUSTOM
#include <lapacke.h>
