/* Commands of the request under way. */
#include "stage.h"

#include <stdlib.h>

static holdline_json_t *text_or_null(const char *text) {
    return text == NULL ? holdline_json_new_null() : holdline_json_new_text(text);
}

static holdline_json_t *describe(stage_t *stage, const holdline_json_t *command) {
    (void)command;
    holdline_request_t request = *stage->request;
    size_t count;
    holdline_header_t *headers = holdline_request_headers(request, &count);
    holdline_json_t *list = holdline_json_array();
    for (size_t i = 0; i < count; i++) {
        holdline_json_t *header = holdline_json_array();
        holdline_json_push(header, holdline_json_new_text_n(headers[i].name, headers[i].name_size));
        holdline_json_push(header, holdline_json_new_text_n(headers[i].value, headers[i].value_size));
        holdline_json_push(list, header);
    }
    char *id = holdline_request_id(request);
    char *path = holdline_request_path(request);
    char *query = holdline_request_query(request);
    char *address = holdline_request_remote_address(request);
    char *subprotocol = holdline_request_subprotocol(request);
    holdline_json_t *described = holdline_json_object();
    holdline_json_set(described, "headers", list);
    holdline_json_set(described, "id", holdline_json_new_text(id));
    holdline_json_set(described, "path", holdline_json_new_text(path));
    holdline_json_set(described, "query", holdline_json_new_text(query));
    holdline_json_set(described, "remote-address", holdline_json_new_text(address));
    holdline_json_set(described, "subprotocol", text_or_null(subprotocol));
    free(headers);
    free(id);
    free(path);
    free(query);
    free(address);
    free(subprotocol);
    return ok(described);
}

static holdline_expiry_t expiry_of(const holdline_json_t *expiry) {
    const holdline_json_t *close = holdline_json_get(expiry, "close");
    const holdline_json_t *send = holdline_json_get(expiry, "send");
    if (close != NULL) {
        return holdline_expiry_close((uint16_t)number_of(close, "code", 0), text_of(close, "reason"));
    }
    if (send != NULL) {
        return holdline_expiry_send(holdline_text(text_of(send, "text")));
    }
    return holdline_expiry_resume();
}

static holdline_json_t *retain(stage_t *stage, const holdline_json_t *command) {
    holdline_handle_t handle;
    holdline_error_t error = has(command, "deadline-ms") || has(command, "expiry")
        ? holdline_request_retain_web_socket_with(
              *stage->request, number_of(command, "deadline-ms", HOLDLINE_CONFIGURED),
              expiry_of(holdline_json_get(command, "expiry")), &handle)
        : holdline_request_retain_web_socket(*stage->request, &handle);
    if (error == HOLDLINE_OK) {
        stage->handle = handle;
    }
    return number_or(error, handle);
}

static holdline_json_t *send(stage_t *stage, const holdline_json_t *command) {
    const holdline_json_t *text = holdline_json_get(command, "text");
    return outcome(holdline_request_send(
        *stage->request, holdline_text_n(text_of(command, "text"), holdline_json_size(text))));
}

static holdline_json_t *send_json(stage_t *stage, const holdline_json_t *command) {
    return outcome(holdline_request_send_json(*stage->request, holdline_json_get(command, "value")));
}

static holdline_json_t *send_bytes(stage_t *stage, const holdline_json_t *command) {
    size_t count = number_of(command, "count", 0);
    char *bytes = malloc(count);
    memset(bytes, 'x', count);
    holdline_error_t error = holdline_request_send(*stage->request, holdline_binary(bytes, count));
    free(bytes);
    return outcome(error);
}

static holdline_json_t *close(stage_t *stage, const holdline_json_t *command) {
    if (!has(command, "code")) {
        return outcome(holdline_request_close(*stage->request));
    }
    uint16_t code = (uint16_t)number_of(command, "code", 0);
    return outcome(holdline_request_close_with(*stage->request, code, text_of(command, "reason")));
}

static holdline_json_t *attachment(stage_t *stage, const holdline_json_t *command) {
    (void)command;
    holdline_bytes_t bytes = holdline_request_attachment(*stage->request);
    holdline_json_t *text = holdline_json_new_text_n(bytes.data, bytes.size);
    free(bytes.data);
    return ok(text);
}

static holdline_json_t *attach(stage_t *stage, const holdline_json_t *command) {
    const char *text = text_of(command, "text");
    return outcome(holdline_request_set_attachment(*stage->request, text, strlen(text)));
}

static holdline_json_t *attach_bytes(stage_t *stage, const holdline_json_t *command) {
    size_t count = number_of(command, "count", 0);
    char *bytes = calloc(count, 1);
    holdline_error_t error = holdline_request_set_attachment(*stage->request, bytes, count);
    free(bytes);
    return outcome(error);
}

const action_t request_actions[] = {
    {"describe", describe},     {"retain", retain}, {"send", send},
    {"send-json", send_json},   {"send-bytes", send_bytes}, {"close", close},
    {"attachment", attachment}, {"attach", attach}, {"attach-bytes", attach_bytes},
    {NULL, NULL},
};
