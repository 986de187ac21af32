/* Numbers in, a picture of their course out. The last values are the connection's attachment, which is plain memory. */
#include <holdline.h>
#include <math.h>
#include <stdlib.h>

#include "png.h"

/* One for every fourth pixel. */
#define MOST 60
#define STEP (WIDTH / MOST)

/* The paper, the area below the line, the line. */
static const uint8_t COLOURS[][3] = {{255, 255, 255}, {214, 232, 255}, {20, 92, 200}};

typedef struct values {
    size_t count;
    double last[MOST];
} values_t;

static void append(values_t *values, double value) {
    if (values->count == MOST) {
        memmove(values->last, values->last + 1, (MOST - 1) * sizeof(double));
        values->count--;
    }
    values->last[values->count++] = value;
}

/* Takes a number, or a list of numbers. */
static bool append_all(values_t *values, const holdline_json_t *json) {
    double value;
    if (holdline_json_type(json) != HOLDLINE_JSON_ARRAY) {
        bool number = holdline_json_double(json, &value) && isfinite(value);
        if (number) {
            append(values, value);
        }
        return number;
    }
    for (json = holdline_json_first(json); json != NULL; json = holdline_json_next(json)) {
        if (!holdline_json_double(json, &value) || !isfinite(value)) {
            return false;
        }
        append(values, value);
    }
    return values->count > 0;
}

static void draw(const values_t *values, picture_t *picture) {
    double lowest = values->last[0];
    double highest = values->last[0];
    for (size_t i = 1; i < values->count; i++) {
        lowest = fmin(lowest, values->last[i]);
        highest = fmax(highest, values->last[i]);
    }
    /* A course that is level is drawn in the middle. Halves, because the difference may be no number any more. */
    double half = highest / 2 - lowest / 2;
    int before = -1;
    for (size_t x = 0; x < (values->count - 1) * STEP + 1; x++) {
        size_t left = x / STEP;
        size_t right = left + 1 < values->count ? left + 1 : left;
        double part = (double)(x % STEP) / STEP;
        double value = values->last[left] * (1 - part) + values->last[right] * part;
        double height = half > 0 ? (value / 2 - lowest / 2) / half : 0.5;
        int y = (int)((1 - height) * (HEIGHT - 3)) + 1;
        for (int below = y; below < HEIGHT; below++) {
            picture->pixels[below][x] = 1;
        }
        int from = before < 0 ? y : before;
        for (int at = from < y ? from : y; at <= (from < y ? y : from); at++) {
            picture->pixels[at][x] = 2;
        }
        before = y;
    }
}

static holdline_error_t on_message(holdline_request_t request, holdline_message_t message) {
    values_t values = {0};
    holdline_bytes_t kept = holdline_request_attachment(request);
    if (kept.size == sizeof values) {
        memcpy(&values, kept.data, sizeof values);
    }
    free(kept.data);

    holdline_json_t *json = holdline_json_parse(message.data, message.size);
    bool understood = append_all(&values, json);
    holdline_json_free(json);
    if (!understood) {
        return holdline_request_send(request, holdline_text("{\"error\":\"send a number, or a list of numbers\"}"));
    }

    picture_t picture = {0};
    uint8_t png[PNG_ROOM];
    draw(&values, &picture);
    size_t size = png_write(&picture, COLOURS, sizeof COLOURS / sizeof *COLOURS, png);
    holdline_error_t error = holdline_request_set_attachment(request, &values, sizeof values);
    return error == HOLDLINE_OK ? holdline_request_send(request, holdline_binary(png, size)) : error;
}

HOLDLINE_HANDLER(.message = on_message);
