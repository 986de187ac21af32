/* Sends each message back as it came. */
#include <holdline.h>

/* What the client gets. */
static holdline_message_t answer(holdline_message_t message) {
    return message;
}

static holdline_error_t on_message(holdline_request_t request, holdline_message_t message) {
    return holdline_request_send(request, answer(message));
}

#ifndef TEST
HOLDLINE_HANDLER(.message = on_message);
#else
#include <assert.h>

int main(void) {
    holdline_message_t hello = answer(holdline_text("hello"));
    assert(!hello.binary && hello.size == 5 && memcmp(hello.data, "hello", 5) == 0);
}
#endif
