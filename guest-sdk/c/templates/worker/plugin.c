/* Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker answers a
 * second later. While the connection is held its next messages wait. */
#include <holdline.h>
#include <inttypes.h>
#include <stdlib.h>

/* Text that is the caller's to free. */
static holdline_bytes_t answer(const char *text, size_t size) {
    static const char begin[] = "you said: ";
    size_t length = strlen(begin);
    char *answer = malloc(length + size);
    if (answer == NULL) {
        abort();
    }
    memcpy(answer, begin, length);
    memcpy(answer + length, text, size);
    return (holdline_bytes_t){answer, length + size};
}

static holdline_error_t on_message(holdline_request_t request, holdline_message_t message) {
    holdline_channel_t questions;
    holdline_error_t error = holdline_channel_open("questions", 100, &questions);
    if (error != HOLDLINE_OK) {
        return error;
    }
    holdline_handle_t handle;
    error = holdline_request_retain_web_socket(request, &handle);
    if (error == HOLDLINE_OK) {
        if (message.binary) {
            message = holdline_text("something that is no text");
        }
        holdline_json_t *question = holdline_json_object();
        holdline_json_set(question, "handle", holdline_json_new_u64(handle));
        holdline_json_set(question, "text", holdline_json_new_text_n(message.data, message.size));
        error = holdline_channel_offer_json(questions, question);
        holdline_json_free(question);
    }
    holdline_channel_drop(questions);
    return error;
}

static void reply(const holdline_json_t *question) {
    const holdline_json_t *text = holdline_json_get(question, "text");
    holdline_bytes_t said = answer(holdline_json_text(text), holdline_json_size(text));
    holdline_handle_t handle = 0;
    holdline_json_u64(holdline_json_get(question, "handle"), &handle);
    holdline_error_t error = holdline_delayed_send(handle, holdline_text_n(said.data, said.size));
    if (error != HOLDLINE_OK) {
        /* The client may have gone. */
        holdline_log_info("%" PRIu64 ": %s", handle, holdline_error_text(error));
    }
    free(said.data);
}

static holdline_error_t run(const char *name, const char *argument, size_t size) {
    (void)name, (void)argument, (void)size;
    holdline_channel_t questions;
    holdline_error_t error = holdline_channel_open("questions", 100, &questions);
    while (error == HOLDLINE_OK) {
        holdline_json_t *question;
        error = holdline_channel_receive_json(questions, HOLDLINE_FOREVER, &question);
        if (error == HOLDLINE_OK) {
            holdline_timers_sleep(1000);
            reply(question);
            holdline_json_free(question);
        }
    }
    return error;
}

#ifndef TEST
HOLDLINE_HANDLER(.message = on_message);
HOLDLINE_WORKER(run);
#else
#include <assert.h>

int main(void) {
    holdline_bytes_t hello = answer("hello", 5);
    assert(hello.size == 15 && memcmp(hello.data, "you said: hello", 15) == 0);
    free(hello.data);
}
#endif
