/* Starting workers, and sending one message to many connections. */
#include "border.h"

holdline_error_t holdline_workers_start(
    const char *name, const void *argument, size_t size, const char *exit_channel, holdline_worker_id_t *worker) {
    wire_string_t wire_name = text_to_wire(name);
    wire_list_u8_t wire_argument = bytes_to_wire(argument, size);
    wire_string_t wire_channel = text_to_wire(exit_channel == NULL ? "" : exit_channel);
    holdline_websocket_workers_worker_id_t id = 0;
    holdline_websocket_workers_worker_error_t error = 0;
    bool done = holdline_websocket_workers_start(
        &wire_name, &wire_argument, exit_channel == NULL ? NULL : &wire_channel, &id, &error);
    if (worker != NULL) {
        *worker = id;
    }
    return outcome(done, WORKER, error);
}

static holdline_error_t broadcast(
    holdline_websocket_broadcast_audience_t *audience, holdline_message_t message, uint32_t *reached) {
    holdline_websocket_broadcast_message_t wire = message_to_wire(message);
    uint32_t count = 0;
    holdline_websocket_broadcast_broadcast_error_t error = 0;
    bool done = holdline_websocket_broadcast_send(audience, &wire, &count, &error);
    if (reached != NULL) {
        *reached = count;
    }
    return outcome(done, BROADCAST, error);
}

holdline_error_t holdline_broadcast_to_path(const char *path, holdline_message_t message, uint32_t *reached) {
    holdline_websocket_broadcast_audience_t audience = {
        .tag = HOLDLINE_WEBSOCKET_BROADCAST_AUDIENCE_PATH, .val.path = text_to_wire(path)};
    return broadcast(&audience, message, reached);
}

holdline_error_t holdline_broadcast_to_connections(
    const char *const *ids, size_t count, holdline_message_t message, uint32_t *reached) {
    wire_string_t *wire = holdline_allocate(count * sizeof *wire);
    for (size_t i = 0; i < count; i++) {
        wire[i] = text_to_wire(ids[i]);
    }
    holdline_websocket_broadcast_audience_t audience = {
        .tag = HOLDLINE_WEBSOCKET_BROADCAST_AUDIENCE_CONNECTIONS, .val.connections = {wire, count}};
    holdline_error_t error = broadcast(&audience, message, reached);
    free(wire);
    return error;
}
