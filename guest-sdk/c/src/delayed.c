/* Delivering to a connection that is held, given only the number. The contract's resource lives for one call here. */
#include "border.h"

typedef holdline_websocket_delayed_own_delayed_web_socket_t socket_t;

static socket_t of(holdline_handle_t handle) {
    return holdline_websocket_delayed_constructor_delayed_web_socket(handle);
}

static holdline_error_t send(
    holdline_handle_t handle, holdline_message_t message, holdline_websocket_delayed_send_options_t *options) {
    holdline_websocket_delayed_message_t wire = message_to_wire(message);
    holdline_websocket_delayed_delayed_error_t error = 0;
    return outcome(
        holdline_websocket_delayed_static_delayed_web_socket_send(of(handle), &wire, options, &error), DELAYED, error);
}

static holdline_error_t push(
    holdline_handle_t handle, holdline_message_t message, holdline_websocket_delayed_send_options_t *options) {
    holdline_websocket_delayed_message_t wire = message_to_wire(message);
    holdline_websocket_delayed_delayed_error_t error = 0;
    socket_t socket = of(handle);
    bool done = holdline_websocket_delayed_method_delayed_web_socket_push(
        holdline_websocket_delayed_borrow_delayed_web_socket(socket), &wire, options, &error);
    holdline_websocket_delayed_delayed_web_socket_drop_own(socket);
    return outcome(done, DELAYED, error);
}

holdline_error_t holdline_delayed_send(holdline_handle_t handle, holdline_message_t message) {
    return send(handle, message, NULL);
}

holdline_error_t holdline_delayed_send_json(holdline_handle_t handle, const holdline_json_t *value) {
    size_t size;
    char *text = holdline_json_print(value, &size);
    holdline_error_t error = send(handle, holdline_text_n(text, size), NULL);
    free(text);
    return error;
}

holdline_error_t holdline_delayed_send_confirmed(holdline_handle_t handle, holdline_message_t message) {
    holdline_websocket_delayed_send_options_t options = {.confirm = true};
    return send(handle, message, &options);
}

static holdline_error_t close(holdline_handle_t handle, holdline_websocket_delayed_close_frame_t *frame) {
    holdline_websocket_delayed_delayed_error_t error = 0;
    return outcome(
        holdline_websocket_delayed_static_delayed_web_socket_close(of(handle), frame, &error), DELAYED, error);
}

holdline_error_t holdline_delayed_close(holdline_handle_t handle) {
    return close(handle, NULL);
}

holdline_error_t holdline_delayed_close_with(holdline_handle_t handle, uint16_t code, const char *reason) {
    holdline_websocket_delayed_close_frame_t frame = {code, text_to_wire(reason)};
    return close(handle, &frame);
}

holdline_error_t holdline_delayed_release(holdline_handle_t handle) {
    holdline_websocket_delayed_delayed_error_t error = 0;
    return outcome(holdline_websocket_delayed_static_delayed_web_socket_release(of(handle), &error), DELAYED, error);
}

holdline_error_t holdline_delayed_send_after(
    holdline_handle_t handle, holdline_message_t message, uint64_t delay_ms, holdline_delivery_id_t *delivery) {
    holdline_websocket_delayed_message_t wire = message_to_wire(message);
    holdline_websocket_delayed_delivery_id_t id = 0;
    holdline_websocket_delayed_delayed_error_t error = 0;
    bool done = holdline_websocket_delayed_static_delayed_web_socket_send_after(
        of(handle), &wire, delay_ms, &id, &error);
    if (delivery != NULL) {
        *delivery = id;
    }
    return outcome(done, DELAYED, error);
}

holdline_error_t holdline_delayed_send_at(
    holdline_handle_t handle, holdline_message_t message, uint64_t unix_ms, holdline_delivery_id_t *delivery) {
    holdline_websocket_delayed_message_t wire = message_to_wire(message);
    holdline_websocket_delayed_delivery_id_t id = 0;
    holdline_websocket_delayed_delayed_error_t error = 0;
    bool done = holdline_websocket_delayed_static_delayed_web_socket_send_at(of(handle), &wire, unix_ms, &id, &error);
    if (delivery != NULL) {
        *delivery = id;
    }
    return outcome(done, DELAYED, error);
}

holdline_error_t holdline_delayed_push(holdline_handle_t handle, holdline_message_t message) {
    return push(handle, message, NULL);
}

holdline_error_t holdline_delayed_push_json(holdline_handle_t handle, const holdline_json_t *value) {
    size_t size;
    char *text = holdline_json_print(value, &size);
    holdline_error_t error = push(handle, holdline_text_n(text, size), NULL);
    free(text);
    return error;
}

holdline_error_t holdline_delayed_push_confirmed(holdline_handle_t handle, holdline_message_t message) {
    holdline_websocket_delayed_send_options_t options = {.confirm = true};
    return push(handle, message, &options);
}

holdline_error_t holdline_delayed_extend(holdline_handle_t handle, uint64_t deadline_ms) {
    holdline_websocket_delayed_delayed_error_t error = 0;
    socket_t socket = of(handle);
    bool done = holdline_websocket_delayed_method_delayed_web_socket_extend(
        holdline_websocket_delayed_borrow_delayed_web_socket(socket), deadline_ms, &error);
    holdline_websocket_delayed_delayed_web_socket_drop_own(socket);
    return outcome(done, DELAYED, error);
}

holdline_error_t holdline_delayed_cancel(holdline_delivery_id_t delivery, holdline_handle_t *handle) {
    holdline_websocket_delayed_web_socket_handle_t again = 0;
    holdline_websocket_delayed_delayed_error_t error = 0;
    bool done = holdline_websocket_delayed_cancel(delivery, &again, &error);
    if (handle != NULL) {
        *handle = again;
    }
    return outcome(done, DELAYED, error);
}
