/* A picture whose pixels are numbers of colours, and the PNG of it. */
#ifndef PNG_H
#define PNG_H

#include <stddef.h>
#include <stdint.h>

#define WIDTH 240
#define HEIGHT 60

/* No line of pixels needs more than one block of what PNG calls compression: 240 * 60 fits into 65,535 bytes. */
typedef struct picture {
    uint8_t pixels[HEIGHT][WIDTH];
} picture_t;

/* The most bytes that png_write writes. */
#define PNG_ROOM (HEIGHT * (WIDTH + 1) + 256)

/* Writes the picture, with these colours (red, green, blue), and returns how many bytes it has. */
size_t png_write(const picture_t *picture, const uint8_t colours[][3], size_t colour_count, uint8_t *out);

#endif
