/* Every connection gets a tick each second, from a timer of the host. Between two ticks no instance is kept: the timer's payload is
 * the id of the connection, and the connection's attachment is the id of the timer. */
#include <holdline.h>
#include <stdlib.h>

/* That a timer is gone is no error: the close event and a tick that reached nobody may both cancel it, and the second one finds
 * nothing. */
static holdline_error_t known(holdline_error_t error) {
    return error == HOLDLINE_TIMER_UNKNOWN ? HOLDLINE_OK : error;
}

static holdline_error_t on_open(holdline_request_t request) {
    char *id = holdline_request_id(request);
    holdline_timer_id_t timer;
    holdline_error_t error = holdline_timers_every(1000, id, strlen(id), HOLDLINE_MISSED_SKIP, &timer);
    free(id);
    if (error != HOLDLINE_OK) {
        return error;
    }
    holdline_json_t *attachment = holdline_json_new_u64(timer);
    error = holdline_request_set_attachment_json(request, attachment);
    holdline_json_free(attachment);
    return error;
}

static holdline_error_t on_message(holdline_request_t request, holdline_message_t message) {
    (void)message;
    return holdline_request_send(request, holdline_text("listen"));
}

static holdline_error_t on_close(holdline_request_t request, const holdline_close_info_t *info) {
    (void)info;
    holdline_json_t *attachment;
    holdline_error_t error = holdline_request_attachment_json(request, &attachment);
    holdline_timer_id_t timer;
    if (holdline_json_u64(attachment, &timer)) {
        error = known(holdline_timers_cancel(timer));
    }
    holdline_json_free(attachment);
    return error;
}

static holdline_error_t on_timer(holdline_timer_id_t timer, const char *payload, size_t size) {
    (void)size;
    uint32_t reached;
    holdline_error_t error = holdline_broadcast_to_connections(&payload, 1, holdline_text("tick"), &reached);
    if (error != HOLDLINE_OK || reached > 0) {
        return error;
    }
    return known(holdline_timers_cancel(timer));
}

#ifndef TEST
HOLDLINE_HANDLER(.open = on_open, .message = on_message, .close = on_close);
HOLDLINE_TIMER_HANDLER(on_timer);
#else
#include <assert.h>

int main(void) {
    assert(known(HOLDLINE_TIMER_UNKNOWN) == HOLDLINE_OK);
    assert(known(HOLDLINE_TIMER_INTERNAL) == HOLDLINE_TIMER_INTERNAL);
}
#endif
