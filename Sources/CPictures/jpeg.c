#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "CPictures.h"

// A progressive picture sends each coefficient in a handful of scans. A file of thousands of empty
// ones would keep a reader busy for hours.
enum { most_scans = 100 };

struct cp_jpeg {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    cp_header header;
    cp_reason reason;
    char message[JMSG_LENGTH_MAX];
};

static cp_jpeg *reader_of(j_common_ptr jpeg) { return jpeg->client_data; }

static _Noreturn void stop(cp_jpeg *reader, cp_reason reason, const char *message) {
    reader->reason = reason;
    if (message) {
        strncpy(reader->message, message, sizeof reader->message - 1);
    } else {
        reader->errors.format_message((j_common_ptr)&reader->jpeg, reader->message);
    }
    longjmp(reader->escape, 1);
}

static void refuse(j_common_ptr jpeg) {
    cp_jpeg *reader = reader_of(jpeg);
    switch (reader->errors.msg_code) {
    case JERR_OUT_OF_MEMORY: stop(reader, CP_NO_MEMORY, NULL);
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL: stop(reader, CP_UNSUPPORTED, NULL);
    default: stop(reader, CP_DAMAGED, NULL);
    }
}

// libjpeg goes on after damage and makes pixels up. Two of its warnings are about bytes that are
// in nobody's way.
static void warn(j_common_ptr jpeg, int level) {
    cp_jpeg *reader = reader_of(jpeg);
    if (level >= 0 || reader->errors.msg_code == JWRN_EXTRANEOUS_DATA ||
        reader->errors.msg_code == JWRN_JFIF_MAJOR) {
        return;
    }
    stop(reader, CP_DAMAGED, NULL);
}

static void say_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void begin(j_decompress_ptr jpeg) { (void)jpeg; }

static boolean ask_for_more(j_decompress_ptr jpeg) {
    stop(reader_of((j_common_ptr)jpeg), CP_TRUNCATED, "the file ends early");
    return FALSE;
}

static void skip(j_decompress_ptr jpeg, long count) {
    struct jpeg_source_mgr *source = jpeg->src;
    if (count <= 0) return;
    if ((size_t)count > source->bytes_in_buffer) ask_for_more(jpeg);
    source->next_input_byte += count;
    source->bytes_in_buffer -= (size_t)count;
}

static void count_scans(j_common_ptr jpeg) {
    if (((j_decompress_ptr)jpeg)->input_scan_number > most_scans) {
        stop(reader_of(jpeg), CP_UNSUPPORTED, "it has more than 100 scans");
    }
}

static void hand_over(const cp_jpeg *reader, cp_failure *failure) {
    failure->reason = reader->reason;
    snprintf(failure->message, sizeof failure->message, "%.*s", (int)sizeof failure->message - 1,
             reader->message);
}

cp_jpeg *cp_jpeg_open(const uint8_t *bytes, size_t count, cp_header *header, cp_failure *failure) {
    cp_jpeg *reader = calloc(1, sizeof *reader);
    if (!reader) {
        failure->reason = CP_NO_MEMORY;
        return NULL;
    }
    reader->jpeg.err = jpeg_std_error(&reader->errors);
    reader->errors.error_exit = refuse;
    reader->errors.emit_message = warn;
    reader->errors.output_message = say_nothing;
    reader->jpeg.client_data = reader;
    if (setjmp(reader->escape)) {
        hand_over(reader, failure);
        cp_jpeg_close(reader);
        return NULL;
    }
    jpeg_create_decompress(&reader->jpeg);
    reader->source = (struct jpeg_source_mgr){
        .next_input_byte = bytes,
        .bytes_in_buffer = count,
        .init_source = begin,
        .fill_input_buffer = ask_for_more,
        .skip_input_data = skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = begin,
    };
    reader->jpeg.src = &reader->source;
    reader->progress.progress_monitor = count_scans;
    reader->jpeg.progress = &reader->progress;
    jpeg_read_header(&reader->jpeg, TRUE);
    J_COLOR_SPACE space = reader->jpeg.jpeg_color_space;
    if (space == JCS_CMYK || space == JCS_YCCK) stop(reader, CP_CMYK, "it is in CMYK");
    reader->jpeg.out_color_space = JCS_RGB;
    reader->header = (cp_header){reader->jpeg.image_width, reader->jpeg.image_height, 3};
    *header = reader->header;
    return reader;
}

_Bool cp_jpeg_read(cp_jpeg *reader, uint8_t *pixels, cp_failure *failure) {
    if (setjmp(reader->escape)) {
        hand_over(reader, failure);
        return 0;
    }
    jpeg_start_decompress(&reader->jpeg);
    size_t stride = (size_t)reader->header.width * 3;
    while (reader->jpeg.output_scanline < reader->jpeg.output_height) {
        JSAMPROW row = pixels + reader->jpeg.output_scanline * stride;
        jpeg_read_scanlines(&reader->jpeg, &row, 1);
    }
    jpeg_finish_decompress(&reader->jpeg);
    return 1;
}

void cp_jpeg_close(cp_jpeg *reader) {
    jpeg_destroy_decompress(&reader->jpeg);
    free(reader);
}
