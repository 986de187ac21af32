/* What a handler can do with the connection whose event it is handling. */
#include "border.h"

holdline_error_t holdline_request_send(holdline_request_t request, holdline_message_t message) {
    holdline_websocket_requests_message_t wire = message_to_wire(message);
    holdline_websocket_requests_reply_error_t error = 0;
    return outcome(holdline_websocket_requests_send_web_socket(request.number, &wire, &error), REPLY, error);
}

holdline_error_t holdline_request_send_json(holdline_request_t request, const holdline_json_t *value) {
    size_t size;
    char *text = holdline_json_print(value, &size);
    holdline_error_t error = holdline_request_send(request, holdline_text_n(text, size));
    free(text);
    return error;
}

static holdline_error_t close(holdline_request_t request, holdline_websocket_requests_close_frame_t *frame) {
    holdline_websocket_requests_reply_error_t error = 0;
    return outcome(holdline_websocket_requests_close_web_socket(request.number, frame, &error), REPLY, error);
}

holdline_error_t holdline_request_close(holdline_request_t request) {
    return close(request, NULL);
}

holdline_error_t holdline_request_close_with(holdline_request_t request, uint16_t code, const char *reason) {
    holdline_websocket_requests_close_frame_t frame = {code, text_to_wire(reason)};
    return close(request, &frame);
}

char *holdline_request_id(holdline_request_t request) {
    wire_string_t id;
    holdline_websocket_requests_web_socket_id(request.number, &id);
    return text_from_wire(id);
}

char *holdline_request_path(holdline_request_t request) {
    wire_string_t path;
    holdline_websocket_requests_path(request.number, &path);
    return text_from_wire(path);
}

char *holdline_request_query(holdline_request_t request) {
    wire_string_t query;
    holdline_websocket_requests_query(request.number, &query);
    return text_from_wire(query);
}

char *holdline_request_subprotocol(holdline_request_t request) {
    wire_string_t subprotocol;
    return holdline_websocket_requests_subprotocol(request.number, &subprotocol) ? text_from_wire(subprotocol) : NULL;
}

char *holdline_request_remote_address(holdline_request_t request) {
    wire_string_t address;
    holdline_websocket_requests_remote_address(request.number, &address);
    return text_from_wire(address);
}

/* Each text of the list is a block of its own, and so is the list. */
static void free_headers(holdline_websocket_requests_list_header_t *headers) {
    for (size_t i = 0; i < headers->len; i++) {
        free(headers->ptr[i].name.ptr);
        free(headers->ptr[i].value.ptr);
    }
    free(headers->ptr);
}

/* Copies a text to the end of a block, and returns where it is there. */
static const char *append(char **end, const uint8_t *bytes, size_t size) {
    char *copy = *end;
    memcpy(copy, bytes, size + 1);
    *end += size + 1;
    return copy;
}

holdline_header_t *holdline_request_headers(holdline_request_t request, size_t *count) {
    holdline_websocket_requests_list_header_t wire;
    holdline_websocket_requests_headers(request.number, &wire);
    size_t size = wire.len * sizeof(holdline_header_t);
    for (size_t i = 0; i < wire.len; i++) {
        size += wire.ptr[i].name.len + 1 + wire.ptr[i].value.len + 1;
    }
    holdline_header_t *headers = holdline_allocate(size);
    char *end = (char *)(headers + wire.len);
    for (size_t i = 0; i < wire.len; i++) {
        headers[i].name_size = wire.ptr[i].name.len;
        headers[i].name = append(&end, wire.ptr[i].name.ptr, wire.ptr[i].name.len);
        headers[i].value_size = wire.ptr[i].value.len;
        headers[i].value = append(&end, wire.ptr[i].value.ptr, wire.ptr[i].value.len);
    }
    *count = wire.len;
    free_headers(&wire);
    return headers;
}

char *holdline_request_header(holdline_request_t request, const char *name) {
    holdline_websocket_requests_list_header_t headers;
    holdline_websocket_requests_headers(request.number, &headers);
    char *value = NULL;
    for (size_t i = 0; i < headers.len && value == NULL; i++) {
        if (holdline_same_name((const char *)headers.ptr[i].name.ptr, name)) {
            value = holdline_copy(headers.ptr[i].value.ptr, headers.ptr[i].value.len);
        }
    }
    free_headers(&headers);
    return value;
}

holdline_bytes_t holdline_request_attachment(holdline_request_t request) {
    wire_list_u8_t bytes;
    holdline_websocket_requests_attachment(request.number, &bytes);
    return bytes_from_wire(bytes);
}

holdline_error_t holdline_request_attachment_json(holdline_request_t request, holdline_json_t **value) {
    holdline_bytes_t bytes = holdline_request_attachment(request);
    bool empty = bytes.size == 0;
    *value = empty ? NULL : holdline_json_parse(bytes.data, bytes.size);
    free(bytes.data);
    return empty || *value != NULL ? HOLDLINE_OK : HOLDLINE_INVALID_JSON;
}

holdline_error_t holdline_request_set_attachment(holdline_request_t request, const void *bytes, size_t size) {
    wire_list_u8_t wire = bytes_to_wire(bytes, size);
    holdline_websocket_requests_reply_error_t error = 0;
    return outcome(holdline_websocket_requests_set_attachment(request.number, &wire, &error), REPLY, error);
}

holdline_error_t holdline_request_set_attachment_json(holdline_request_t request, const holdline_json_t *value) {
    size_t size;
    char *text = holdline_json_print(value, &size);
    holdline_error_t error = holdline_request_set_attachment(request, text, size);
    free(text);
    return error;
}

static holdline_error_t retain(
    holdline_request_t request, holdline_websocket_requests_retain_options_t *options, holdline_handle_t *handle) {
    holdline_websocket_requests_retain_error_t error = 0;
    *handle = 0;
    return outcome(
        holdline_websocket_requests_retain_web_socket(request.number, options, handle, &error), RETAIN, error);
}

holdline_error_t holdline_request_retain_web_socket(holdline_request_t request, holdline_handle_t *handle) {
    return retain(request, NULL, handle);
}

holdline_error_t holdline_request_retain_web_socket_with(
    holdline_request_t request, uint64_t deadline_ms, holdline_expiry_t on_expiry, holdline_handle_t *handle) {
    holdline_websocket_requests_retain_options_t options = {
        .deadline_ms = {deadline_ms != HOLDLINE_CONFIGURED, deadline_ms},
        .on_expiry = {.is_some = true},
    };
    holdline_websocket_requests_expiry_t *expiry = &options.on_expiry.val;
    switch (on_expiry.kind) {
    case HOLDLINE_EXPIRY_RESUME:
        expiry->tag = HOLDLINE_WEBSOCKET_REQUESTS_EXPIRY_RESUME;
        break;
    case HOLDLINE_EXPIRY_CLOSE:
        expiry->tag = HOLDLINE_WEBSOCKET_REQUESTS_EXPIRY_CLOSE;
        expiry->val.close.code = on_expiry.code;
        expiry->val.close.reason = text_to_wire(on_expiry.reason);
        break;
    case HOLDLINE_EXPIRY_SEND:
        expiry->tag = HOLDLINE_WEBSOCKET_REQUESTS_EXPIRY_SEND;
        expiry->val.send = message_to_wire(on_expiry.message);
        break;
    }
    return retain(request, &options, handle);
}
