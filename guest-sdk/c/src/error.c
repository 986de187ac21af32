/* Errors: the name of each case and its text. */
#define _GNU_SOURCE
#include "inner.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const NOT_SENDABLE = "the close code is one that an endpoint may not send";
static const char *const GONE = "the connection is closed";
static const char *const SLOW = "the connection's outbox is full";
static const char *const HOST = "the host failed; its log says how";
static const char *const OTHER_EVENT = "the request is not the one of this event";

/* The text of the latest error that has one of its own. */
static char *detail;

holdline_error_t holdline_detail(holdline_error_t error, char *text) {
    free(detail);
    detail = text;
    return error;
}

holdline_error_t holdline_fail(const char *format, ...) {
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    va_end(arguments);
    return holdline_detail(HOLDLINE_FAILED, text);
}

/* Each error is a line: its case and its text. */
static const char *describe(holdline_error_t error, const char **text) {
    const char *own = detail == NULL ? "there is no text" : detail;
    switch (error) {
#define CASE(error, name, sentence) case error: *text = sentence; return name;
    CASE(HOLDLINE_OK, "ok", "there is no error")
    CASE(HOLDLINE_FAILED, "failed", own)
    CASE(HOLDLINE_INVALID_JSON, "invalid-json", own)
    CASE(HOLDLINE_RETAIN_ALREADY_RETAINED, "already-retained", "this event has already retained the connection")
    CASE(HOLDLINE_RETAIN_CLOSING, "closing", "the connection is closing")
    CASE(HOLDLINE_RETAIN_QUOTA_EXCEEDED, "quota-exceeded", "the tenant holds as many connections as it may")
    CASE(HOLDLINE_RETAIN_TOO_LARGE, "too-large", "the message or the close reason of the expiry is over its limit")
    CASE(HOLDLINE_RETAIN_INVALID_CLOSE_CODE, "invalid-close-code",
         "the close code of the expiry is one that an endpoint may not send")
    CASE(HOLDLINE_RETAIN_NOT_THIS_EVENT, "not-this-event", OTHER_EVENT)
    CASE(HOLDLINE_RETAIN_INTERNAL, "internal", HOST)
    CASE(HOLDLINE_REPLY_RETAINED, "retained",
         "the event has retained the connection: answer with holdline_delayed_send")
    CASE(HOLDLINE_REPLY_CLOSED, "closed", GONE)
    CASE(HOLDLINE_REPLY_TOO_LARGE, "too-large", "the message, the attachment or the close reason is over its limit")
    CASE(HOLDLINE_REPLY_OVERLOADED, "overloaded", SLOW)
    CASE(HOLDLINE_REPLY_INVALID_CLOSE_CODE, "invalid-close-code", NOT_SENDABLE)
    CASE(HOLDLINE_REPLY_NOT_THIS_EVENT, "not-this-event", OTHER_EVENT)
    CASE(HOLDLINE_REPLY_INTERNAL, "internal", HOST)
    CASE(HOLDLINE_DELAYED_INVALID_HANDLE, "invalid-handle", "the handle is not valid (any more)")
    CASE(HOLDLINE_DELAYED_CLOSED, "closed", GONE)
    CASE(HOLDLINE_DELAYED_TOO_LARGE, "too-large", "the message or the close reason is over its limit")
    CASE(HOLDLINE_DELAYED_OVERLOADED, "overloaded", SLOW)
    CASE(HOLDLINE_DELAYED_INVALID_CLOSE_CODE, "invalid-close-code", NOT_SENDABLE)
    CASE(HOLDLINE_DELAYED_INVALID_DELAY, "invalid-delay", "the delay is longer than the tenant's longest")
    CASE(HOLDLINE_DELAYED_UNKNOWN_TIMER, "unknown-timer", "there is no such delivery pending")
    CASE(HOLDLINE_DELAYED_QUOTA_EXCEEDED, "quota-exceeded", "the tenant has as many timers as it may")
    CASE(HOLDLINE_DELAYED_INTERNAL, "internal", HOST)
    CASE(HOLDLINE_CHANNEL_FULL, "full", "the channel is full")
    CASE(HOLDLINE_CHANNEL_TIMEOUT, "timeout", "the time was over before the item was taken or came")
    CASE(HOLDLINE_CHANNEL_CLOSED, "closed", "the channel is closed")
    CASE(HOLDLINE_CHANNEL_UNKNOWN, "unknown", "no channel of this name is open")
    CASE(HOLDLINE_CHANNEL_WRONG_CAPACITY, "wrong-capacity", "a channel of this name is open with another capacity")
    CASE(HOLDLINE_CHANNEL_TOO_LARGE, "too-large", "the item or the capacity is over its limit")
    CASE(HOLDLINE_CHANNEL_INVALID_NAME, "invalid-name",
         "the name is empty, over 255 bytes, or contains a control character")
    CASE(HOLDLINE_CHANNEL_NO_CHANNELS, "no-channels", "there is no channel to select from")
    CASE(HOLDLINE_CHANNEL_QUOTA_EXCEEDED, "quota-exceeded",
         "the tenant has as many channels, or as many bytes in them, as it may")
    CASE(HOLDLINE_CHANNEL_INTERNAL, "internal", HOST)
    CASE(HOLDLINE_TIMER_INVALID_SCHEDULE, "invalid-schedule", own)
    CASE(HOLDLINE_TIMER_NO_HANDLER, "no-handler", "the plugin exports no timer handler, or was removed")
    CASE(HOLDLINE_TIMER_UNKNOWN, "unknown", "there is no such timer pending")
    CASE(HOLDLINE_TIMER_TOO_LARGE, "too-large", "the payload is over 64 KiB")
    CASE(HOLDLINE_TIMER_QUOTA_EXCEEDED, "quota-exceeded", "the tenant has as many timers as it may")
    CASE(HOLDLINE_TIMER_INTERNAL, "internal", HOST)
    CASE(HOLDLINE_WORKER_UNKNOWN, "unknown", "the plugin exports no worker")
    CASE(HOLDLINE_WORKER_QUOTA_EXCEEDED, "quota-exceeded",
         "the tenant has as many workers as it may, or the host is stopping")
    CASE(HOLDLINE_WORKER_TOO_LARGE, "too-large", "the argument is over 1 MiB, or the name over 255 bytes")
    CASE(HOLDLINE_WORKER_UNKNOWN_CHANNEL, "unknown-channel", "no channel of the name of the exit channel is open")
    CASE(HOLDLINE_WORKER_INTERNAL, "internal", HOST)
    CASE(HOLDLINE_BROADCAST_TOO_LARGE, "too-large", "the message is over the message limit")
    CASE(HOLDLINE_BROADCAST_INTERNAL, "internal", HOST)
#undef CASE
    }
    *text = "there is no such error";
    return "unknown-error";
}

const char *holdline_error_case(holdline_error_t error) {
    const char *text;
    return describe(error, &text);
}

const char *holdline_error_text(holdline_error_t error) {
    const char *text;
    describe(error, &text);
    return text;
}
