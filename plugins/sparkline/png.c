/* PNG without a library: the pixels are stored as they are, between the checksums that the format wants. */
#include "png.h"

#include <string.h>

static uint8_t *put32(uint8_t *out, uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        *out++ = (uint8_t)(number >> shift);
    }
    return out;
}

static uint32_t crc32(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320 & (0 - (crc & 1)));
        }
    }
    return ~crc;
}

/* A chunk is its size, its name, its data, and a checksum of the latter two. */
static uint8_t *begin(uint8_t *out, const char *name) {
    memcpy(out + 4, name, 4);
    return out + 8;
}

static uint8_t *end(uint8_t *chunk, uint8_t *out) {
    put32(chunk, (uint32_t)(out - chunk - 8));
    return put32(out, crc32(chunk + 4, (size_t)(out - chunk - 4)));
}

size_t png_write(const picture_t *picture, const uint8_t colours[][3], size_t colour_count, uint8_t *out) {
    uint8_t *start = out;
    memcpy(out, "\x89PNG\r\n\x1a\n", 8);
    out += 8;

    uint8_t *chunk = out;
    out = begin(chunk, "IHDR");
    out = put32(put32(out, WIDTH), HEIGHT);
    /* Eight bits for a pixel, which is the number of a colour; nothing unusual behind that. */
    memcpy(out, "\x08\x03\x00\x00\x00", 5);
    out = end(chunk, out + 5);

    chunk = out;
    out = begin(chunk, "PLTE");
    memcpy(out, colours, colour_count * 3);
    out = end(chunk, out + colour_count * 3);

    chunk = out;
    out = begin(chunk, "IDAT");
    uint16_t size = HEIGHT * (WIDTH + 1);
    uint8_t head[] = {0x78, 0x01, 0x01, size & 0xff, size >> 8, ~size & 0xff, (uint8_t)(~size >> 8)};
    memcpy(out, head, sizeof head);
    out += sizeof head;
    uint32_t low = 1;
    uint32_t high = 0;
    for (int y = 0; y < HEIGHT; y++) {
        /* Each line begins with a byte that says that it is not told apart from the one above. */
        *out = 0;
        memcpy(out + 1, picture->pixels[y], WIDTH);
        for (int i = 0; i <= WIDTH; i++) {
            low = (low + *out++) % 65521;
            high = (high + low) % 65521;
        }
    }
    out = end(chunk, put32(out, high << 16 | low));

    out = end(out, begin(out, "IEND"));
    return (size_t)(out - start);
}
