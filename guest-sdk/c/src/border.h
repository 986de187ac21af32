/* Between the words of holdline.h and those of the generated code. */
#ifndef HOLDLINE_BORDER_H
#define HOLDLINE_BORDER_H

#include "../bindings/wire.h"
#include "inner.h"

/* The generated functions read what they are given and do not keep it, so that nothing is copied on the way out. */
static inline wire_string_t text_to_wire(const char *text) {
    return (wire_string_t){(uint8_t *)(uintptr_t)text, strlen(text)};
}

static inline wire_list_u8_t bytes_to_wire(const void *bytes, size_t size) {
    return (wire_list_u8_t){(uint8_t *)(uintptr_t)bytes, size};
}

/* A block for the host to free. The generated code leaves alone what is empty, so that there must be no block then. */
static inline wire_list_u8_t block_to_wire(const void *bytes, size_t size) {
    return bytes_to_wire(size == 0 ? NULL : holdline_copy(bytes, size), size);
}

static inline holdline_websocket_types_message_t message_to_wire(holdline_message_t message) {
    holdline_websocket_types_message_t wire;
    if (message.binary) {
        wire.tag = HOLDLINE_WEBSOCKET_TYPES_MESSAGE_BINARY;
        wire.val.binary = bytes_to_wire(message.data, message.size);
    } else {
        wire.tag = HOLDLINE_WEBSOCKET_TYPES_MESSAGE_TEXT;
        wire.val.text = (wire_string_t){(uint8_t *)(uintptr_t)message.data, message.size};
    }
    return wire;
}

/* What comes from the host was allocated by cabi_realloc: a block with a zero byte behind it, even if it is empty. */
static inline char *text_from_wire(wire_string_t text) {
    return (char *)text.ptr;
}

static inline holdline_bytes_t bytes_from_wire(wire_list_u8_t bytes) {
    return (holdline_bytes_t){(char *)bytes.ptr, bytes.len};
}

/* The errors of an interface begin at a number of their own, and are there in the contract's order. */
enum {
    RETAIN = HOLDLINE_RETAIN_ALREADY_RETAINED,
    REPLY = HOLDLINE_REPLY_RETAINED,
    DELAYED = HOLDLINE_DELAYED_INVALID_HANDLE,
    CHANNEL = HOLDLINE_CHANNEL_FULL,
    TIMER = HOLDLINE_TIMER_INVALID_SCHEDULE,
    WORKER = HOLDLINE_WORKER_UNKNOWN,
    BROADCAST = HOLDLINE_BROADCAST_TOO_LARGE
};

#define SAME_LAST(interface, last, wire) \
    _Static_assert((interface) + (wire) == (last), "the errors are not those of the contract")

SAME_LAST(RETAIN, HOLDLINE_RETAIN_INTERNAL, HOLDLINE_WEBSOCKET_REQUESTS_RETAIN_ERROR_INTERNAL);
SAME_LAST(REPLY, HOLDLINE_REPLY_INTERNAL, HOLDLINE_WEBSOCKET_REQUESTS_REPLY_ERROR_INTERNAL);
SAME_LAST(DELAYED, HOLDLINE_DELAYED_INTERNAL, HOLDLINE_WEBSOCKET_DELAYED_DELAYED_ERROR_INTERNAL);
SAME_LAST(CHANNEL, HOLDLINE_CHANNEL_INTERNAL, HOLDLINE_WEBSOCKET_CHANNELS_CHANNEL_ERROR_INTERNAL);
SAME_LAST(TIMER, HOLDLINE_TIMER_INTERNAL, HOLDLINE_WEBSOCKET_TIMERS_TIMER_ERROR_INTERNAL);
SAME_LAST(WORKER, HOLDLINE_WORKER_INTERNAL, HOLDLINE_WEBSOCKET_WORKERS_WORKER_ERROR_INTERNAL);
SAME_LAST(BROADCAST, HOLDLINE_BROADCAST_INTERNAL, HOLDLINE_WEBSOCKET_BROADCAST_BROADCAST_ERROR_INTERNAL);

/* What came of a call whose generated function returned this. */
static inline holdline_error_t outcome(bool done, int interface, uint8_t error) {
    return done ? HOLDLINE_OK : (holdline_error_t)(interface + error);
}

#endif
