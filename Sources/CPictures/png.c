#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "CPictures.h"

struct cp_png {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t count, position;
    cp_header header;
    int passes;
    cp_reason reason;
    char message[sizeof(((cp_failure *)0)->message)];
};

static void note(cp_png *reader, cp_reason reason, const char *message) {
    if (reader->reason != CP_NONE) return;
    reader->reason = reason;
    strncpy(reader->message, message, sizeof reader->message - 1);
}

static void refuse(png_structp png, png_const_charp message) {
    cp_png *reader = png_get_error_ptr(png);
    note(reader, strstr(message, "emory") ? CP_NO_MEMORY : CP_DAMAGED, message);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message) { (void)png, (void)message; }

static void take(png_structp png, png_bytep target, size_t wanted) {
    cp_png *reader = png_get_io_ptr(png);
    if (wanted > reader->count - reader->position) {
        note(reader, CP_TRUNCATED, "the file ends early");
        png_error(png, "the file ends early");
    }
    memcpy(target, reader->bytes + reader->position, wanted);
    reader->position += wanted;
}

static void hand_over(const cp_png *reader, cp_failure *failure) {
    failure->reason = reader->reason == CP_NONE ? CP_NO_MEMORY : reader->reason;
    memcpy(failure->message, reader->message, sizeof failure->message);
}

// Chunks that say nothing about the pixels as they are wanted. Not to read them is also the defence
// against compressed texts and profiles that grow without bound.
static const png_byte skipped[] =
    "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0sTER\0tEXt\0"
    "tIME\0zTXt";

static void read_header(cp_png *reader) {
    png_structp png = reader->png;
    png_infop info = reader->info;
    png_set_read_fn(png, reader, take);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // By default a transparency whose checksum is wrong would be left out in silence.
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, skipped, sizeof skipped / 5);
    png_read_info(png, info);
    reader->header.width = png_get_image_width(png, info);
    reader->header.height = png_get_image_height(png, info);
    _Bool has_alpha = png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA ||
                      png_get_valid(png, info, PNG_INFO_tRNS);
    reader->header.channels = has_alpha ? 4 : 3;
}

// From here on libpng asks for memory, some rows of it. It is called when the size is known to be allowed.
static void prepare(cp_png *reader) {
    png_structp png = reader->png;
    png_infop info = reader->info;
    if (png_get_bit_depth(png, info) == 16) png_set_scale_16(png);
    png_set_expand(png);
    if (!(png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    reader->passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_bit_depth(png, info) != 8 ||
        png_get_channels(png, info) != reader->header.channels ||
        png_get_rowbytes(png, info) != (size_t)reader->header.width * reader->header.channels) {
        note(reader, CP_UNSUPPORTED, "its pixels cannot be brought into 8 bits a colour");
        png_error(png, "unsupported");
    }
}

cp_png *cp_png_open(const uint8_t *bytes, size_t count, cp_header *header, cp_failure *failure) {
    cp_png *reader = calloc(1, sizeof *reader);
    if (!reader) {
        failure->reason = CP_NO_MEMORY;
        return NULL;
    }
    reader->bytes = bytes;
    reader->count = count;
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, refuse, ignore);
    reader->info = reader->png ? png_create_info_struct(reader->png) : NULL;
    if (!reader->info || setjmp(png_jmpbuf(reader->png))) {
        hand_over(reader, failure);
        cp_png_close(reader);
        return NULL;
    }
    read_header(reader);
    *header = reader->header;
    return reader;
}

_Bool cp_png_read(cp_png *reader, uint8_t *pixels, cp_failure *failure) {
    size_t stride = (size_t)reader->header.width * reader->header.channels;
    if (setjmp(png_jmpbuf(reader->png))) {
        hand_over(reader, failure);
        return 0;
    }
    prepare(reader);
    if (reader->passes > 1) memset(pixels, 0, stride * reader->header.height);
    for (int pass = 0; pass < reader->passes; pass++) {
        for (uint32_t row = 0; row < reader->header.height; row++) {
            png_read_row(reader->png, pixels + row * stride, NULL);
        }
    }
    png_read_end(reader->png, NULL);
    return 1;
}

void cp_png_close(cp_png *reader) {
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    free(reader);
}

// MARK: Writing

typedef struct {
    uint8_t *bytes;
    size_t count, capacity;
} buffer;

static void give(png_structp png, png_bytep source, size_t count) {
    buffer *target = png_get_io_ptr(png);
    if (count > target->capacity - target->count) {
        size_t capacity = 2 * target->capacity + count;
        uint8_t *grown = realloc(target->bytes, capacity);
        if (!grown) png_error(png, "Out of memory");
        target->bytes = grown;
        target->capacity = capacity;
    }
    memcpy(target->bytes + target->count, source, count);
    target->count += count;
}

static void nothing(png_structp png) { (void)png; }

uint8_t *cp_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *count,
                       cp_failure *failure) {
    // Only what is not a local variable is sure to survive a longjmp.
    cp_png *writer = calloc(1, sizeof *writer);
    buffer *target = calloc(1, sizeof *target);
    if (writer && target) {
        writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, writer, refuse, ignore);
        writer->info = writer->png ? png_create_info_struct(writer->png) : NULL;
    }
    if (!writer || !target || !writer->info) {
        failure->reason = CP_NO_MEMORY;
    } else if (setjmp(png_jmpbuf(writer->png))) {
        hand_over(writer, failure);
        free(target->bytes);
        target->bytes = NULL;
    } else {
        png_set_write_fn(writer->png, target, give, nothing);
        png_set_user_limits(writer->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
        png_set_IHDR(writer->png, writer->info, width, height, 8, PNG_COLOR_TYPE_RGB,
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(writer->png, writer->info);
        for (uint32_t row = 0; row < height; row++) {
            png_write_row(writer->png, pixels + (size_t)row * width * 3);
        }
        png_write_end(writer->png, NULL);
    }
    uint8_t *bytes = target ? target->bytes : NULL;
    *count = target ? target->count : 0;
    if (writer) png_destroy_write_struct(&writer->png, &writer->info);
    free(writer);
    free(target);
    return bytes;
}
