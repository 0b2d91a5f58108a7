// PNG and JPEG as plain calls. libpng and libjpeg report errors by longjmp, which must not pass
// through Swift's frames: here every one is caught and becomes a `cp_failure`.

#ifndef C_PICTURES_H
#define C_PICTURES_H

#include <stddef.h>
#include <stdint.h>

// Why a file was refused.
typedef enum {
    CP_NONE,
    CP_TRUNCATED,    // it ends before its picture does
    CP_DAMAGED,      // it breaks the rules of its format
    CP_UNSUPPORTED,  // it keeps the rules, and is of a kind that is not read
    CP_CMYK,         // it has inks in place of light
    CP_NO_MEMORY,
} cp_reason;

typedef struct {
    cp_reason reason;
    char message[200];  // the library's own words, ending in NUL
} cp_failure;

typedef struct {
    uint32_t width, height;
    uint32_t channels;  // bytes of a decoded pixel: 3, or 4 with alpha last
} cp_header;

typedef struct cp_png cp_png;
typedef struct cp_jpeg cp_jpeg;

// Reads a header. NULL if it is refused. The bytes must stay until the reader is closed.
cp_png *cp_png_open(const uint8_t *bytes, size_t count, cp_header *header, cp_failure *failure);
cp_jpeg *cp_jpeg_open(const uint8_t *bytes, size_t count, cp_header *header, cp_failure *failure);

// Reads all pixels, row after row, into `height * width * channels` bytes. False if refused.
// May be called once.
_Bool cp_png_read(cp_png *reader, uint8_t *pixels, cp_failure *failure);
_Bool cp_jpeg_read(cp_jpeg *reader, uint8_t *pixels, cp_failure *failure);

void cp_png_close(cp_png *reader);
void cp_jpeg_close(cp_jpeg *reader);

// Encodes pixels of three bytes. The result is to be freed with `free`; NULL if that failed.
uint8_t *cp_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *count,
                       cp_failure *failure);

#endif
