/* Named queues that the plugins of one tenant share. */
#include "border.h"

static holdline_websocket_channels_borrow_channel_t of(holdline_channel_t channel) {
    return (holdline_websocket_channels_borrow_channel_t){channel.resource};
}

/* The contract has none for waiting without limit. */
static uint64_t *limit(uint64_t *timeout_ms) {
    return *timeout_ms == HOLDLINE_FOREVER ? NULL : timeout_ms;
}

holdline_error_t holdline_channel_open(const char *name, uint32_t capacity, holdline_channel_t *channel) {
    wire_string_t wire = text_to_wire(name);
    holdline_websocket_channels_own_channel_t opened = {0};
    holdline_websocket_channels_channel_error_t error = 0;
    bool done = holdline_websocket_channels_static_channel_open(&wire, capacity, &opened, &error);
    channel->resource = opened.__handle;
    return outcome(done, CHANNEL, error);
}

holdline_error_t holdline_channel_lookup(const char *name, holdline_channel_t *channel) {
    wire_string_t wire = text_to_wire(name);
    holdline_websocket_channels_own_channel_t found = {0};
    holdline_websocket_channels_channel_error_t error = 0;
    bool done = holdline_websocket_channels_static_channel_lookup(&wire, &found, &error);
    channel->resource = found.__handle;
    return outcome(done, CHANNEL, error);
}

void holdline_channel_drop(holdline_channel_t channel) {
    holdline_websocket_channels_channel_drop_own((holdline_websocket_channels_own_channel_t){channel.resource});
}

holdline_error_t holdline_channel_send(
    holdline_channel_t channel, const void *item, size_t size, uint64_t timeout_ms) {
    wire_list_u8_t wire = bytes_to_wire(item, size);
    holdline_websocket_channels_channel_error_t error = 0;
    return outcome(
        holdline_websocket_channels_method_channel_send(of(channel), &wire, limit(&timeout_ms), &error), CHANNEL,
        error);
}

holdline_error_t holdline_channel_send_json(
    holdline_channel_t channel, const holdline_json_t *value, uint64_t timeout_ms) {
    size_t size;
    char *text = holdline_json_print(value, &size);
    holdline_error_t error = holdline_channel_send(channel, text, size, timeout_ms);
    free(text);
    return error;
}

holdline_error_t holdline_channel_offer(holdline_channel_t channel, const void *item, size_t size) {
    wire_list_u8_t wire = bytes_to_wire(item, size);
    holdline_websocket_channels_channel_error_t error = 0;
    return outcome(holdline_websocket_channels_method_channel_offer(of(channel), &wire, &error), CHANNEL, error);
}

holdline_error_t holdline_channel_offer_json(holdline_channel_t channel, const holdline_json_t *value) {
    size_t size;
    char *text = holdline_json_print(value, &size);
    holdline_error_t error = holdline_channel_offer(channel, text, size);
    free(text);
    return error;
}

holdline_error_t holdline_channel_receive(holdline_channel_t channel, uint64_t timeout_ms, holdline_bytes_t *item) {
    wire_list_u8_t wire = {0};
    holdline_websocket_channels_channel_error_t error = 0;
    bool done = holdline_websocket_channels_method_channel_receive(of(channel), limit(&timeout_ms), &wire, &error);
    *item = bytes_from_wire(wire);
    return outcome(done, CHANNEL, error);
}

holdline_error_t holdline_channel_receive_json(
    holdline_channel_t channel, uint64_t timeout_ms, holdline_json_t **value) {
    holdline_bytes_t item;
    *value = NULL;
    holdline_error_t error = holdline_channel_receive(channel, timeout_ms, &item);
    if (error == HOLDLINE_OK) {
        *value = holdline_json_parse(item.data, item.size);
        error = *value == NULL ? HOLDLINE_INVALID_JSON : HOLDLINE_OK;
    }
    free(item.data);
    return error;
}

static holdline_bytes_t maybe(const wire_option_list_u8_t *wire) {
    return wire->is_some ? bytes_from_wire(wire->val) : (holdline_bytes_t){NULL, 0};
}

holdline_error_t holdline_channel_poll(holdline_channel_t channel, holdline_bytes_t *item) {
    wire_option_list_u8_t wire = {.is_some = false};
    holdline_websocket_channels_channel_error_t error = 0;
    bool done = holdline_websocket_channels_method_channel_poll(of(channel), &wire, &error);
    *item = maybe(&wire);
    return outcome(done, CHANNEL, error);
}

holdline_error_t holdline_channel_peek(holdline_channel_t channel, holdline_bytes_t *item) {
    wire_option_list_u8_t wire = {.is_some = false};
    holdline_websocket_channels_channel_error_t error = 0;
    bool done = holdline_websocket_channels_method_channel_peek(of(channel), &wire, &error);
    *item = maybe(&wire);
    return outcome(done, CHANNEL, error);
}

uint32_t holdline_channel_len(holdline_channel_t channel) {
    return holdline_websocket_channels_method_channel_len(of(channel));
}

uint32_t holdline_channel_capacity(holdline_channel_t channel) {
    return holdline_websocket_channels_method_channel_capacity(of(channel));
}

void holdline_channel_close(holdline_channel_t channel) {
    holdline_websocket_channels_method_channel_close(of(channel));
}

_Static_assert(
    sizeof(holdline_channel_t) == sizeof(holdline_websocket_channels_borrow_channel_t),
    "an array of channels is one of the generated code");

holdline_error_t holdline_channel_select(
    const holdline_channel_t *channels, size_t count, uint64_t timeout_ms, size_t *position, holdline_bytes_t *item) {
    holdline_websocket_channels_list_borrow_channel_t wire = {
        (holdline_websocket_channels_borrow_channel_t *)(uintptr_t)channels, count};
    wire_tuple2_u32_list_u8_t received = {0};
    holdline_websocket_channels_channel_error_t error = 0;
    bool done = holdline_websocket_channels_select(&wire, limit(&timeout_ms), &received, &error);
    *position = received.f0;
    *item = bytes_from_wire(received.f1);
    return outcome(done, CHANNEL, error);
}
