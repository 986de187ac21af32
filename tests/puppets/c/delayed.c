/* Commands of whoever knows a handle. What leaves it out means the one that this event was given. */
#include "stage.h"

#include <stdlib.h>

static holdline_handle_t handle_of(const stage_t *stage, const holdline_json_t *command) {
    return number_of(command, "handle", stage->handle);
}

static holdline_message_t message_of(const holdline_json_t *command) {
    return holdline_text_n(text_of(command, "text"), holdline_json_size(holdline_json_get(command, "text")));
}

static holdline_json_t *deliver(stage_t *stage, const holdline_json_t *command) {
    return outcome(holdline_delayed_send(handle_of(stage, command), message_of(command)));
}

static holdline_json_t *deliver_json(stage_t *stage, const holdline_json_t *command) {
    return outcome(holdline_delayed_send_json(handle_of(stage, command), holdline_json_get(command, "value")));
}

static holdline_json_t *deliver_confirmed(stage_t *stage, const holdline_json_t *command) {
    return outcome(holdline_delayed_send_confirmed(handle_of(stage, command), message_of(command)));
}

static holdline_json_t *push(stage_t *stage, const holdline_json_t *command) {
    return outcome(holdline_delayed_push(handle_of(stage, command), message_of(command)));
}

static holdline_json_t *push_bytes(stage_t *stage, const holdline_json_t *command) {
    size_t count = number_of(command, "count", 0);
    char *bytes = malloc(count);
    memset(bytes, 'x', count);
    holdline_error_t error = holdline_delayed_push(handle_of(stage, command), holdline_binary(bytes, count));
    free(bytes);
    return outcome(error);
}

static holdline_json_t *close_held(stage_t *stage, const holdline_json_t *command) {
    if (!has(command, "code")) {
        return outcome(holdline_delayed_close(handle_of(stage, command)));
    }
    uint16_t code = (uint16_t)number_of(command, "code", 0);
    return outcome(holdline_delayed_close_with(handle_of(stage, command), code, text_of(command, "reason")));
}

static holdline_json_t *release(stage_t *stage, const holdline_json_t *command) {
    return outcome(holdline_delayed_release(handle_of(stage, command)));
}

static holdline_json_t *extend(stage_t *stage, const holdline_json_t *command) {
    return outcome(holdline_delayed_extend(handle_of(stage, command), number_of(command, "deadline-ms", 0)));
}

static holdline_json_t *send_after(stage_t *stage, const holdline_json_t *command) {
    holdline_delivery_id_t delivery;
    holdline_error_t error = holdline_delayed_send_after(
        handle_of(stage, command), message_of(command), number_of(command, "delay-ms", 0), &delivery);
    return number_or(error, delivery);
}

static holdline_json_t *send_at(stage_t *stage, const holdline_json_t *command) {
    holdline_delivery_id_t delivery;
    holdline_error_t error = holdline_delayed_send_at(
        handle_of(stage, command), message_of(command), number_of(command, "unix-ms", 0), &delivery);
    return number_or(error, delivery);
}

static holdline_json_t *cancel(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    holdline_handle_t handle;
    holdline_error_t error = holdline_delayed_cancel(number_of(command, "delivery", 0), &handle);
    return number_or(error, handle);
}

const action_t delayed_actions[] = {
    {"deliver", deliver},       {"deliver-json", deliver_json}, {"deliver-confirmed", deliver_confirmed},
    {"push", push},             {"push-bytes", push_bytes},     {"close-held", close_held},
    {"release", release},       {"extend", extend},             {"send-after", send_after},
    {"send-at", send_at},       {"cancel", cancel},             {NULL, NULL},
};
