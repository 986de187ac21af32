/* Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker
 * answers by that number alone.
 *
 * Three messages sent at once by one client come back one after the other: the connection is held during each of them. */
#include <holdline.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* The way from the handlers to the workers. Over a thousand clients may wait; the next one is told that there is too much
 * to do. */
#define CHANNEL "background"
#define CAPACITY 1024

/* How long a worker takes over one answer if its argument says nothing, in milliseconds. */
#define DELAY 1000

/* An item that was received, and when it is to be answered. */
typedef struct waiting {
    struct waiting *next;
    uint64_t due;
    holdline_json_t *item;
} waiting_t;

static holdline_json_t *complaint(const char *text) {
    holdline_json_t *object = holdline_json_object();
    holdline_json_set(object, "error", holdline_json_new_text(text));
    return object;
}

static holdline_error_t hand_over(holdline_handle_t handle, holdline_message_t message) {
    holdline_channel_t channel;
    holdline_error_t error = holdline_channel_open(CHANNEL, CAPACITY, &channel);
    if (error != HOLDLINE_OK) {
        return error;
    }
    holdline_json_t *item = holdline_json_object();
    holdline_json_set(item, "webSocketHandle", holdline_json_new_u64(handle));
    holdline_json_set(item, "msg", holdline_json_new_text_n(message.data, message.size));
    error = holdline_channel_offer_json(channel, item);
    holdline_json_free(item);
    holdline_channel_drop(channel);
    return error;
}

static holdline_error_t on_open(holdline_request_t request) {
    return holdline_request_send(request, holdline_text("hello from mirror"));
}

static holdline_error_t on_message(holdline_request_t request, holdline_message_t message) {
    holdline_error_t error;
    holdline_json_t *answer = NULL;
    if (message.binary) {
        answer = complaint("mirror takes text");
        error = holdline_request_send_json(request, answer);
    } else {
        holdline_handle_t handle;
        error = holdline_request_retain_web_socket(request, &handle);
        holdline_error_t lost = error == HOLDLINE_OK ? hand_over(handle, message) : HOLDLINE_OK;
        if (lost != HOLDLINE_OK) {
            /* Nobody else knows the handle: the client would wait until the deadline. */
            answer = complaint(holdline_error_text(lost));
            error = holdline_delayed_send_json(handle, answer);
        }
    }
    holdline_json_free(answer);
    return error;
}

/* The text from its last character to its first. It is UTF-8, so that a character is a byte that begins one and those
 * behind it. */
static char *mirrored(const char *text, size_t size) {
    char *mirror = malloc(size + 1);
    if (mirror == NULL) {
        abort();
    }
    size_t end = size;
    for (size_t at = size; at-- > 0;) {
        if ((text[at] & 0xc0) != 0x80) {
            memcpy(mirror + (size - end), text + at, end - at);
            end = at;
        }
    }
    mirror[size] = 0;
    return mirror;
}

/* Needs nothing but the number: the connection may be any, and the instance that held it is long gone. */
static void answer(const holdline_json_t *item) {
    const holdline_json_t *msg = holdline_json_get(item, "msg");
    const char *text = holdline_json_text(msg);
    size_t size = holdline_json_size(msg);
    holdline_handle_t handle = 0;
    holdline_json_u64(holdline_json_get(item, "webSocketHandle"), &handle);

    char *mirror = mirrored(text, size);
    holdline_json_t *reply = holdline_json_object();
    holdline_json_set(reply, "mirrored", holdline_json_new_text_n(mirror, size));
    holdline_json_set(reply, "msg", holdline_json_new_text_n(text, size));
    holdline_error_t error = holdline_delayed_send_json(handle, reply);
    if (error != HOLDLINE_OK) {
        holdline_log_info("could not answer %" PRIu64 ": %s", handle, holdline_error_text(error));
    }
    holdline_json_free(reply);
    free(mirror);
}

static bool is_ours(const holdline_json_t *item) {
    holdline_handle_t handle;
    return holdline_json_u64(holdline_json_get(item, "webSocketHandle"), &handle)
        && holdline_json_text(holdline_json_get(item, "msg")) != NULL;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* The argument is a number of milliseconds, as text. */
static holdline_error_t read_delay(const char *argument, uint64_t *delay) {
    char *end;
    *delay = *argument == 0 ? DELAY : strtoull(argument, &end, 10);
    if (*argument != 0 && (*argument < '0' || *argument > '9' || *end != 0)) {
        return holdline_fail("the argument `%s` is not a number of milliseconds", argument);
    }
    return HOLDLINE_OK;
}

/* All of them wait equally long, so the one that came first is due first, and one worker can wait for any number. */
static holdline_error_t run(const char *name, const char *argument, size_t size) {
    (void)name;
    (void)size;
    uint64_t delay;
    holdline_channel_t channel;
    holdline_error_t error = read_delay(argument, &delay);
    if (error == HOLDLINE_OK) {
        error = holdline_channel_open(CHANNEL, CAPACITY, &channel);
    }
    waiting_t *first = NULL;
    waiting_t **last = &first;
    while (error == HOLDLINE_OK) {
        uint64_t timeout = HOLDLINE_FOREVER;
        if (first != NULL) {
            uint64_t time = now();
            timeout = first->due > time ? first->due - time : 0;
        }
        holdline_json_t *item;
        error = holdline_channel_receive_json(channel, timeout, &item);
        if (error == HOLDLINE_OK && is_ours(item)) {
            waiting_t *waiting = malloc(sizeof *waiting);
            if (waiting == NULL) {
                abort();
            }
            *waiting = (waiting_t){NULL, now() + delay, item};
            *last = waiting;
            last = &waiting->next;
        } else if (error == HOLDLINE_OK) {
            holdline_log_info("passed over an item that is not one of ours");
            holdline_json_free(item);
        } else if (error == HOLDLINE_INVALID_JSON) {
            holdline_log_info("passed over an item that is not one of ours: %s", holdline_error_text(error));
            error = HOLDLINE_OK;
        } else if (error == HOLDLINE_CHANNEL_TIMEOUT) {
            waiting_t *due = first;
            first = due->next;
            last = first == NULL ? &first : last;
            answer(due->item);
            holdline_json_free(due->item);
            free(due);
            error = HOLDLINE_OK;
        }
    }
    return error == HOLDLINE_CHANNEL_CLOSED ? HOLDLINE_OK : error;
}

HOLDLINE_HANDLER(.open = on_open, .message = on_message);
HOLDLINE_WORKER(run);
