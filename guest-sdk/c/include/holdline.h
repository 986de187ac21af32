/* Writes Holdline plugins in C: what the host can call in a plugin, and what a plugin can ask of the host.
 *
 *     static holdline_error_t message(holdline_request_t request, holdline_message_t message) {
 *         return holdline_request_send(request, message);
 *     }
 *
 *     HOLDLINE_HANDLER(.message = message);
 *
 * Memory, in three rules:
 *
 * 1. What you pass to a function stays yours; it is needed until the function returns, and no longer.
 * 2. What the host passes to your functions is good until they return. Copy what is to last.
 * 3. What a function gives you, by its result or through a pointer, is one block of its own: give it to free(). It may
 *    be NULL, which free() takes, too. Values of holdline_json_t are the exception: give them to holdline_json_free().
 *
 * Whatever a function gives you has a zero byte behind its last, so that a text can be used as a C string; so has what
 * the host passes to your functions. The size never counts that byte. After an error, what was to be filled in is zero.
 * A function that gets no memory writes so to the log and traps: none of them fails for that reason.
 *
 * Texts that you pass have to be UTF-8: one that is not is a trap. Durations are in milliseconds, times in milliseconds
 * since the Unix epoch, sizes in bytes. */
#ifndef HOLDLINE_H
#define HOLDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "holdline_json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* What came of a call: HOLDLINE_OK, which is 0, or why it was refused. Nothing has happened then. */
typedef enum holdline_error {
    HOLDLINE_OK = 0,
    /* What holdline_fail says. */
    HOLDLINE_FAILED = 1,
    /* What came is not JSON. Only functions with `json` in their name have this error. */
    HOLDLINE_INVALID_JSON = 2,

    /* Why a retention was refused. The connection is then as it was before. */
    /* This event has retained before, used since then or not. */
    HOLDLINE_RETAIN_ALREADY_RETAINED = 0x100,
    /* The connection is closing, or its peer has gone, or this is its close event, or the host is stopping. */
    HOLDLINE_RETAIN_CLOSING,
    /* The tenant holds as many connections as it may. */
    HOLDLINE_RETAIN_QUOTA_EXCEEDED,
    /* The message of the expiry is over the message limit, or the reason of its close frame is over 123 bytes. */
    HOLDLINE_RETAIN_TOO_LARGE,
    /* The close frame of the expiry has a code that an endpoint may not send. */
    HOLDLINE_RETAIN_INVALID_CLOSE_CODE,
    /* The request is not the one of the event that this instance is handling. */
    HOLDLINE_RETAIN_NOT_THIS_EVENT,
    /* The host failed; its log says how. */
    HOLDLINE_RETAIN_INTERNAL,

    /* Why a request could not be answered. Nothing was sent. */
    /* The event has retained the connection: answer with holdline_delayed_send. */
    HOLDLINE_REPLY_RETAINED = 0x200,
    /* The connection is closing or closed. */
    HOLDLINE_REPLY_CLOSED,
    /* The message or attachment is over its limit, or the close reason over 123 bytes. */
    HOLDLINE_REPLY_TOO_LARGE,
    /* The connection's outbox is full: the client reads more slowly than it is sent to. */
    HOLDLINE_REPLY_OVERLOADED,
    /* The close code is one that an endpoint may not send. */
    HOLDLINE_REPLY_INVALID_CLOSE_CODE,
    /* The request is not the one of the event that this instance is handling. */
    HOLDLINE_REPLY_NOT_THIS_EVENT,
    /* The host failed; its log says how. */
    HOLDLINE_REPLY_INTERNAL,

    /* Why a delivery was refused. The retention is left as it was. */
    /* The handle was never given out, was used, has expired, or belongs to another tenant: one error for all of them. */
    HOLDLINE_DELAYED_INVALID_HANDLE = 0x300,
    /* The peer has gone or the connection is closing. */
    HOLDLINE_DELAYED_CLOSED,
    /* The message is over the message limit, or the close reason over 123 bytes. */
    HOLDLINE_DELAYED_TOO_LARGE,
    /* The connection's outbox is full. The handle is still valid: try again later. */
    HOLDLINE_DELAYED_OVERLOADED,
    /* The close code is one that an endpoint may not send. */
    HOLDLINE_DELAYED_INVALID_CLOSE_CODE,
    /* The delay is longer than the tenant's longest (400 days unless configured). */
    HOLDLINE_DELAYED_INVALID_DELAY,
    /* The delivery was never set, was made or cancelled, belongs to another tenant, or its connection is gone. */
    HOLDLINE_DELAYED_UNKNOWN_TIMER,
    /* The tenant has as many timers as it may. */
    HOLDLINE_DELAYED_QUOTA_EXCEEDED,
    /* The host failed; its log says how. */
    HOLDLINE_DELAYED_INTERNAL,

    /* Why a channel operation did not take place. The channel is then as it was. */
    /* An offer found no room, or, at capacity 0, nobody receiving at that moment. */
    HOLDLINE_CHANNEL_FULL = 0x400,
    /* The time was over before the item was taken or came. */
    HOLDLINE_CHANNEL_TIMEOUT,
    /* The channel is closed; for the receiving side: closed and empty. */
    HOLDLINE_CHANNEL_CLOSED,
    /* No channel of this name is open. */
    HOLDLINE_CHANNEL_UNKNOWN,
    /* A channel of this name is open with another capacity. */
    HOLDLINE_CHANNEL_WRONG_CAPACITY,
    /* The item is over the item limit (1 MiB unless configured), or the capacity over 1,048,576. */
    HOLDLINE_CHANNEL_TOO_LARGE,
    /* The name is empty, over 255 bytes, or contains a control character. */
    HOLDLINE_CHANNEL_INVALID_NAME,
    /* holdline_channel_select was given no channel. */
    HOLDLINE_CHANNEL_NO_CHANNELS,
    /* The tenant has as many channels, or as many bytes in them, as it may. */
    HOLDLINE_CHANNEL_QUOTA_EXCEEDED,
    /* The host failed; its log says how. */
    HOLDLINE_CHANNEL_INTERNAL,

    /* Why a timer was refused. */
    /* The schedule cannot be kept; holdline_error_text says what is wrong with it and where. */
    HOLDLINE_TIMER_INVALID_SCHEDULE = 0x500,
    /* The plugin has no HOLDLINE_TIMER_HANDLER. */
    HOLDLINE_TIMER_NO_HANDLER,
    /* The timer was never set, is done or was cancelled, or belongs to another plugin. */
    HOLDLINE_TIMER_UNKNOWN,
    /* The payload is over 64 KiB. */
    HOLDLINE_TIMER_TOO_LARGE,
    /* The tenant has as many timers as it may. */
    HOLDLINE_TIMER_QUOTA_EXCEEDED,
    /* The host failed; its log says how. */
    HOLDLINE_TIMER_INTERNAL,

    /* Why a worker was not started. */
    /* The plugin has no HOLDLINE_WORKER. */
    HOLDLINE_WORKER_UNKNOWN = 0x600,
    /* The tenant has as many workers as it may, or the host is stopping. */
    HOLDLINE_WORKER_QUOTA_EXCEEDED,
    /* The argument is over 1 MiB, or the name over 255 bytes. */
    HOLDLINE_WORKER_TOO_LARGE,
    /* No channel of the name of the exit channel is open. */
    HOLDLINE_WORKER_UNKNOWN_CHANNEL,
    /* The host failed; its log says how. */
    HOLDLINE_WORKER_INTERNAL,

    /* Why nothing was broadcast to anybody. */
    /* The message is over the message limit. */
    HOLDLINE_BROADCAST_TOO_LARGE = 0x700,
    /* The host failed; its log says how. */
    HOLDLINE_BROADCAST_INTERNAL
} holdline_error_t;

/* The error's case as the contract names it, such as "already-retained"; "ok", "failed" and "invalid-json" for the three
 * that it does not know. A constant: do not free it. */
const char *holdline_error_case(holdline_error_t error);

/* What the error means, as a sentence for people. For HOLDLINE_FAILED, HOLDLINE_INVALID_JSON and
 * HOLDLINE_TIMER_INVALID_SCHEDULE it is the text of the latest such error. Do not free it; it is good until the next
 * error. */
const char *holdline_error_text(holdline_error_t error);

/* Makes an error of your own: takes a format like printf, and returns HOLDLINE_FAILED. Meant for what your functions
 * return: `return holdline_fail("there is no room %s", name);` */
holdline_error_t holdline_fail(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* ---- Messages and other values ----------------------------------------------------------------------------------- */

/* One event (open, message or close) of one connection. Good until that event returns. In functions that return an error
 * any other one is `not-this-event`; in those that do not it is a trap. */
typedef struct holdline_request {
    uint64_t number;
} holdline_request_t;

/* Names one retention of one connection: not 0, at most 2^53 - 1, never given out twice. It is a plain number: send it
 * through a channel, a queue or a database as you like. */
typedef uint64_t holdline_handle_t;

/* One WebSocket message, text or binary. It refers to the bytes and does not own them. */
typedef struct holdline_message {
    bool binary;
    const char *data;
    size_t size;
} holdline_message_t;

/* Bytes that are yours: free(bytes.data). */
typedef struct holdline_bytes {
    char *data;
    size_t size;
} holdline_bytes_t;

/* One HTTP header field. The name is in lower case; the value is as it was sent, which need not be UTF-8. */
typedef struct holdline_header {
    const char *name;
    size_t name_size;
    const char *value;
    size_t value_size;
} holdline_header_t;

/* No limit to a waiting time. */
#define HOLDLINE_FOREVER UINT64_MAX

/* The text of a C string as a message. */
static inline holdline_message_t holdline_text(const char *text) {
    holdline_message_t message = {false, text, strlen(text)};
    return message;
}

/* A text of this size as a message. It may contain zero bytes. */
static inline holdline_message_t holdline_text_n(const char *text, size_t size) {
    holdline_message_t message = {false, text, size};
    return message;
}

/* Bytes as a binary message. */
static inline holdline_message_t holdline_binary(const void *bytes, size_t size) {
    holdline_message_t message = {true, (const char *)bytes, size};
    return message;
}

/* ---- The request under way --------------------------------------------------------------------------------------- */

/* Sends a message to the client, in the order of the calls. HOLDLINE_OK means that it is in the connection's outbox.
 * Errors: REPLY_RETAINED, REPLY_CLOSED, REPLY_TOO_LARGE, REPLY_OVERLOADED. */
holdline_error_t holdline_request_send(holdline_request_t request, holdline_message_t message);

/* Sends the value as a JSON text. Errors: those of holdline_request_send. */
holdline_error_t holdline_request_send_json(holdline_request_t request, const holdline_json_t *value);

/* Closes the connection with code 1000 and no reason. The event goes on; messages that waited are discarded; the close
 * event comes when the client has answered or the close handshake has timed out. Errors: REPLY_RETAINED, REPLY_CLOSED. */
holdline_error_t holdline_request_close(holdline_request_t request);

/* The same with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to 4999) and this reason (at most 123 bytes).
 * Errors: those of holdline_request_close, REPLY_INVALID_CLOSE_CODE, REPLY_TOO_LARGE. */
holdline_error_t holdline_request_close_with(holdline_request_t request, uint16_t code, const char *reason);

/* The id of the connection: unguessable, unique, and the same in all its events. Free it. */
char *holdline_request_id(holdline_request_t request);

/* The path that the client asked for, percent-encoded as it was sent, without the query. Free it. */
char *holdline_request_path(holdline_request_t request);

/* The query, without the question mark, percent-encoded as it was sent; empty if there was none. Free it. */
char *holdline_request_query(holdline_request_t request);

/* The headers of the upgrade request; those of one name stand together, in the order in which they came. Free the array:
 * the texts are in the same block. */
holdline_header_t *holdline_request_headers(holdline_request_t request, size_t *count);

/* The value of the first header of this name, in any case; NULL if there is none. Free it. */
char *holdline_request_header(holdline_request_t request, const char *name);

/* The subprotocol that was agreed on; NULL if there is none. Free it. */
char *holdline_request_subprotocol(holdline_request_t request);

/* The client's address and port, as in `192.0.2.7:50123` or `[2001:db8::7]:50123`. Free it. */
char *holdline_request_remote_address(holdline_request_t request);

/* The connection's attachment: bytes of the plugin's own that live as long as the connection. Empty until it is set.
 * Free its data. */
holdline_bytes_t holdline_request_attachment(holdline_request_t request);

/* Reads the attachment as JSON; NULL if it is empty. Error: INVALID_JSON. Give the value to holdline_json_free. */
holdline_error_t holdline_request_attachment_json(holdline_request_t request, holdline_json_t **value);

/* Replaces the attachment. It can be set while retained and in a close event. Error: REPLY_TOO_LARGE over the limit
 * (64 KiB unless configured). */
holdline_error_t holdline_request_set_attachment(holdline_request_t request, const void *bytes, size_t size);

/* Replaces the attachment with the value as JSON. Errors: those of holdline_request_set_attachment. */
holdline_error_t holdline_request_set_attachment_json(holdline_request_t request, const holdline_json_t *value);

/* Holds the connection: when this event returns, its next one waits until the handle is used or its deadline has passed.
 * Works once per event, in open and message events. After it the request can be read, but not answered. If the event
 * then fails, the retention is undone and the connection closed. The deadline is the plugin's (60 s unless configured),
 * and at the deadline the connection goes on. Errors: RETAIN_… */
holdline_error_t holdline_request_retain_web_socket(holdline_request_t request, holdline_handle_t *handle);

/* The deadline that the plugin is configured with. */
#define HOLDLINE_CONFIGURED UINT64_MAX

/* What happens to a held connection when nobody has used its handle by the deadline. Made by the three functions below. */
typedef enum holdline_expiry_kind {
    HOLDLINE_EXPIRY_RESUME,
    HOLDLINE_EXPIRY_CLOSE,
    HOLDLINE_EXPIRY_SEND
} holdline_expiry_kind_t;

typedef struct holdline_expiry {
    holdline_expiry_kind_t kind;
    holdline_message_t message;
    uint16_t code;
    const char *reason;
} holdline_expiry_t;

/* The connection goes on with the messages that waited. */
static inline holdline_expiry_t holdline_expiry_resume(void) {
    holdline_expiry_t expiry = {HOLDLINE_EXPIRY_RESUME, {false, "", 0}, 0, ""};
    return expiry;
}

/* The connection is closed with this code and this reason. */
static inline holdline_expiry_t holdline_expiry_close(uint16_t code, const char *reason) {
    holdline_expiry_t expiry = {HOLDLINE_EXPIRY_CLOSE, {false, "", 0}, code, reason};
    return expiry;
}

/* This message is sent and the connection goes on with the messages that waited. */
static inline holdline_expiry_t holdline_expiry_send(holdline_message_t message) {
    holdline_expiry_t expiry = {HOLDLINE_EXPIRY_SEND, message, 0, ""};
    return expiry;
}

/* Holds the connection for this long, or HOLDLINE_CONFIGURED, and says what happens then. A deadline above the tenant's
 * maximum is lowered to that maximum; 0 expires as soon as the event has returned. Errors: RETAIN_… */
holdline_error_t holdline_request_retain_web_socket_with(
    holdline_request_t request, uint64_t deadline_ms, holdline_expiry_t on_expiry, holdline_handle_t *handle);

/* ---- Delivering to a held connection, from anywhere, given only its handle ---------------------------------------- */

/* `send`, `close`, `release`, `send_after` and `send_at` end the retention, and exactly one of them ever succeeds on a
 * handle, whoever races; every other one gets DELAYED_INVALID_HANDLE. After an error that leaves the retention as it was,
 * such as DELAYED_OVERLOADED, try again with the same number. */

/* Names a delivery that holdline_delayed_send_after or holdline_delayed_send_at has set and that is pending. */
typedef uint64_t holdline_delivery_id_t;

/* Sends the message and ends the retention: the connection goes on with the messages that waited. HOLDLINE_OK means that
 * the message is in the connection's outbox. Errors: DELAYED_INVALID_HANDLE, DELAYED_CLOSED, DELAYED_TOO_LARGE,
 * DELAYED_OVERLOADED. */
holdline_error_t holdline_delayed_send(holdline_handle_t handle, holdline_message_t message);

/* Sends the value as a JSON text and ends the retention. Errors: those of holdline_delayed_send. */
holdline_error_t holdline_delayed_send_json(holdline_handle_t handle, const holdline_json_t *value);

/* Sends the message, ends the retention, and returns when the message has been written to the socket. Errors: those of
 * holdline_delayed_send; DELAYED_CLOSED also if the connection is lost before the message is written. */
holdline_error_t holdline_delayed_send_confirmed(holdline_handle_t handle, holdline_message_t message);

/* Closes the connection with code 1000 and no reason. Messages that waited are discarded. Errors:
 * DELAYED_INVALID_HANDLE, DELAYED_CLOSED. */
holdline_error_t holdline_delayed_close(holdline_handle_t handle);

/* The same with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to 4999) and this reason (at most 123 bytes).
 * Errors: those of holdline_delayed_close, DELAYED_INVALID_CLOSE_CODE, DELAYED_TOO_LARGE. */
holdline_error_t holdline_delayed_close_with(holdline_handle_t handle, uint16_t code, const char *reason);

/* Ends the retention and sends nothing: the connection goes on with the messages that waited. Errors:
 * DELAYED_INVALID_HANDLE, DELAYED_CLOSED. */
holdline_error_t holdline_delayed_release(holdline_handle_t handle);

/* Lets a timer of the host send the message after this delay and end the retention then. Nothing of the plugin runs when
 * it fires, and the retention's deadline does not count meanwhile. 0 sends at once. `delivery` may be NULL. Errors: those
 * of holdline_delayed_send, DELAYED_INVALID_DELAY, DELAYED_QUOTA_EXCEEDED. */
holdline_error_t holdline_delayed_send_after(
    holdline_handle_t handle, holdline_message_t message, uint64_t delay_ms, holdline_delivery_id_t *delivery);

/* The same at a given time. A time that has passed sends at once. Errors: those of holdline_delayed_send_after. */
holdline_error_t holdline_delayed_send_at(
    holdline_handle_t handle, holdline_message_t message, uint64_t unix_ms, holdline_delivery_id_t *delivery);

/* Sends the message and goes on holding: for replies that stream. Errors: those of holdline_delayed_send. */
holdline_error_t holdline_delayed_push(holdline_handle_t handle, holdline_message_t message);

/* Sends the value as a JSON text and goes on holding. Errors: those of holdline_delayed_send. */
holdline_error_t holdline_delayed_push_json(holdline_handle_t handle, const holdline_json_t *value);

/* Sends the message, goes on holding, and returns when the message has been written to the socket: a stream that does so
 * is never ahead of its client. Errors: those of holdline_delayed_send_confirmed. */
holdline_error_t holdline_delayed_push_confirmed(holdline_handle_t handle, holdline_message_t message);

/* Sets the deadline anew, counted from now; above the tenant's maximum it is lowered to that maximum. Errors:
 * DELAYED_INVALID_HANDLE, DELAYED_CLOSED. */
holdline_error_t holdline_delayed_extend(holdline_handle_t handle, uint64_t deadline_ms);

/* Takes a delivery back that has not been made. Gives the handle back, still held, its deadline moved by the time that
 * the timer had it. `handle` may be NULL. Errors: DELAYED_UNKNOWN_TIMER, DELAYED_CLOSED if the peer has gone meanwhile. */
holdline_error_t holdline_delayed_cancel(holdline_delivery_id_t delivery, holdline_handle_t *handle);

/* ---- Channels: named queues that the plugins of one tenant share -------------------------------------------------- */

/* One channel, open in this instance. Give it to holdline_channel_drop when you are done with it; what is open when the
 * instance ends is dropped by the host. */
typedef struct holdline_channel {
    int32_t resource;
} holdline_channel_t;

/* Opens the channel of this name, making it if there is none. The capacity is in items; 0 is a rendezvous: an item passes
 * only from hand to hand. Errors: CHANNEL_WRONG_CAPACITY, CHANNEL_INVALID_NAME, CHANNEL_TOO_LARGE for a capacity over
 * 1,048,576, CHANNEL_QUOTA_EXCEEDED, and CHANNEL_CLOSED for a name that was closed and is not drained yet. */
holdline_error_t holdline_channel_open(const char *name, uint32_t capacity, holdline_channel_t *channel);

/* Finds a channel that is open, or closed and not drained yet. Errors: CHANNEL_UNKNOWN, CHANNEL_INVALID_NAME. */
holdline_error_t holdline_channel_lookup(const char *name, holdline_channel_t *channel);

/* Lets go of the channel. It is not closed by that. */
void holdline_channel_drop(holdline_channel_t channel);

/* Puts an item in, waiting for room (or, at capacity 0, for a receiver) for at most this long, or HOLDLINE_FOREVER. An
 * item that was not taken in time is taken back: nobody will receive it. Errors: CHANNEL_TIMEOUT, CHANNEL_CLOSED,
 * CHANNEL_TOO_LARGE, CHANNEL_QUOTA_EXCEEDED. */
holdline_error_t holdline_channel_send(
    holdline_channel_t channel, const void *item, size_t size, uint64_t timeout_ms);

/* Puts the value in as JSON, waiting as holdline_channel_send does. Errors: those of holdline_channel_send. */
holdline_error_t holdline_channel_send_json(
    holdline_channel_t channel, const holdline_json_t *value, uint64_t timeout_ms);

/* Puts an item in if that is possible at once. Errors: CHANNEL_FULL, CHANNEL_CLOSED, CHANNEL_TOO_LARGE,
 * CHANNEL_QUOTA_EXCEEDED. */
holdline_error_t holdline_channel_offer(holdline_channel_t channel, const void *item, size_t size);

/* Puts the value in as JSON if that is possible at once. Errors: those of holdline_channel_offer. */
holdline_error_t holdline_channel_offer_json(holdline_channel_t channel, const holdline_json_t *value);

/* Takes the next item, waiting for at most this long, or HOLDLINE_FOREVER. Errors: CHANNEL_TIMEOUT, CHANNEL_CLOSED: it is
 * closed and there is nothing left in it. Free the item's data. */
holdline_error_t holdline_channel_receive(holdline_channel_t channel, uint64_t timeout_ms, holdline_bytes_t *item);

/* Takes the next item as JSON. Errors: those of holdline_channel_receive, and INVALID_JSON, after which the item is gone:
 * who has to know more about it takes it with holdline_channel_receive. Give the value to holdline_json_free. */
holdline_error_t holdline_channel_receive_json(
    holdline_channel_t channel, uint64_t timeout_ms, holdline_json_t **value);

/* Takes the next item if there is one now; its data is NULL if there is none. Error: CHANNEL_CLOSED. Free the data. */
holdline_error_t holdline_channel_poll(holdline_channel_t channel, holdline_bytes_t *item);

/* Shows the next item and leaves it where it is; its data is NULL if there is none. Error: CHANNEL_CLOSED. Free the
 * data. */
holdline_error_t holdline_channel_peek(holdline_channel_t channel, holdline_bytes_t *item);

/* How many items are in it now. */
uint32_t holdline_channel_len(holdline_channel_t channel);

/* How many items it can hold; 0 is a rendezvous. */
uint32_t holdline_channel_capacity(holdline_channel_t channel);

/* Closes it for everyone: nothing more goes in, and what it holds can still be received. Closing twice is the same as
 * once. The channel is still to be dropped. */
void holdline_channel_close(holdline_channel_t channel);

/* Receives one item from whichever of the channels has one first, and says from which: the position in the array. When
 * several have one, each of them gets its turn. HOLDLINE_FOREVER waits without limit. Errors: CHANNEL_TIMEOUT;
 * CHANNEL_CLOSED when all of them are closed and empty; CHANNEL_NO_CHANNELS. Free the item's data. */
holdline_error_t holdline_channel_select(
    const holdline_channel_t *channels, size_t count, uint64_t timeout_ms, size_t *position, holdline_bytes_t *item);

/* ---- Timers that call this plugin's HOLDLINE_TIMER_HANDLER --------------------------------------------------------- */

/* They belong to the plugin, not to the instance that set them, and live until they are done or cancelled, the plugin is
 * removed, or the host ends. Delays and intervals may be 400 days at most, payloads 64 KiB. `timer` may be NULL in the
 * functions that set one. Errors of those: TIMER_INVALID_SCHEDULE, TIMER_NO_HANDLER, TIMER_TOO_LARGE, TIMER_QUOTA_EXCEEDED. */

/* Names a timer of this plugin. */
typedef uint64_t holdline_timer_id_t;

/* What a repeating timer does with runs that are already past when their turn comes. */
typedef enum holdline_missed {
    /* They are left out; the next run is the next one in the future. */
    HOLDLINE_MISSED_SKIP,
    /* Each of them is made up for, one after the other. */
    HOLDLINE_MISSED_BURST,
    /* One run stands for all of them. */
    HOLDLINE_MISSED_COALESCE
} holdline_missed_t;

/* A timer that is pending: its id, when it runs next, and what its handler will be given. */
typedef struct holdline_timer_info {
    holdline_timer_id_t id;
    uint64_t next_ms;
    const char *payload;
    size_t payload_size;
} holdline_timer_info_t;

/* Runs once, after this delay. */
holdline_error_t holdline_timers_after(
    uint64_t delay_ms, const void *payload, size_t size, holdline_timer_id_t *timer);

/* Runs once, at this time; at once if it has passed. */
holdline_error_t holdline_timers_at(uint64_t unix_ms, const void *payload, size_t size, holdline_timer_id_t *timer);

/* Runs again and again, this far apart (at least a millisecond), the first time after one interval. Anchored at the
 * moment of setting: it does not drift. */
holdline_error_t holdline_timers_every(
    uint64_t interval_ms, const void *payload, size_t size, holdline_missed_t missed, holdline_timer_id_t *timer);

/* Runs again and again, as a cron expression says: second, minute, hour, day of month, month, day of week; or five
 * fields, without the second. The time zone is a name of the IANA database, such as `Europe/Berlin`; NULL means UTC. */
holdline_error_t holdline_timers_cron(
    const char *expression, const char *time_zone, const void *payload, size_t size, holdline_missed_t missed,
    holdline_timer_id_t *timer);

/* Takes a timer back. A run that has started is not stopped. Error: TIMER_UNKNOWN. */
holdline_error_t holdline_timers_cancel(holdline_timer_id_t timer);

/* The pending timers of this plugin, those first that run first. Free the array: the payloads are in the same block. */
holdline_timer_info_t *holdline_timers_list(size_t *count);

/* Waits, holding no thread of the host. For workers above all: a handler that waits keeps its instance. */
void holdline_timers_sleep(uint64_t delay_ms);

/* ---- Workers and everyone ---------------------------------------------------------------------------------------- */

/* Names one start of a worker. */
typedef uint64_t holdline_worker_id_t;

/* Runs this plugin's HOLDLINE_WORKER once with this name and argument, in an instance of its own, and returns without
 * waiting for it. When it ends, the exit channel, if there is one (it may be NULL), is offered a JSON object: {"worker":
 * id, "name": name, "outcome": "finished" | "failed" | "trapped", "error": text or null}. A worker that was started like
 * this is not restarted. `worker` may be NULL. Errors: WORKER_… */
holdline_error_t holdline_workers_start(
    const char *name, const void *argument, size_t size, const char *exit_channel, holdline_worker_id_t *worker);

/* Sends to all connections whose path is this one or lies below it: `/chat` is `/chat` and `/chat/blue`, and not
 * `/chatter`. `reached` (it may be NULL) is how many took it into their outbox: those whose outbox is full or that are
 * closing do not. Error: BROADCAST_TOO_LARGE. Reaching no connection is no error, but 0. */
holdline_error_t holdline_broadcast_to_path(const char *path, holdline_message_t message, uint32_t *reached);

/* Sends to these connections, held ones included. Ids that are not connected are passed over; an id given twice gets it
 * once. Otherwise as holdline_broadcast_to_path. */
holdline_error_t holdline_broadcast_to_connections(
    const char *const *ids, size_t count, holdline_message_t message, uint32_t *reached);

/* ---- The log ----------------------------------------------------------------------------------------------------- */

/* Each writes one line to the plugin's log, with a format like printf's. So do printf and fprintf(stderr): what goes to
 * stdout is logged as information, what goes to stderr as a warning. */
void holdline_log_info(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
void holdline_log_warn(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* ---- What a plugin can be called for ------------------------------------------------------------------------------ */

/* A plugin has any subset of the five macros below, each at most once, in any of its files and outside of functions. What
 * is left out is not exported. An instance may be fresh for each event, so that what is to last belongs in the
 * connection's attachment, in a channel, or in the payload of a timer, and not in a variable. */

/* How a connection ended. */
typedef struct holdline_close_info {
    /* Whether there was a Close frame: the one that the peer sent, or else the one that the host sent. */
    bool has_frame;
    uint16_t code;
    const char *reason;
    size_t reason_size;
    /* Whether both sides have said Close before the connection ended. */
    bool clean;
} holdline_close_info_t;

/* Handles the events of connections. What is NULL does nothing. An error, like a trap, undoes the event's retention and
 * closes the connection with 1011; its text goes to the plugin's log. */
typedef struct holdline_handler {
    /* The connection is open. Comes once, before any message. */
    holdline_error_t (*open)(holdline_request_t request);
    /* The client sent a message. They come one at a time and in order. */
    holdline_error_t (*message)(holdline_request_t request, holdline_message_t message);
    /* The connection has ended. Comes exactly once for each connection that was opened, after all its messages. Nothing
     * can be sent any more; the request can be read. */
    holdline_error_t (*close)(holdline_request_t request, const holdline_close_info_t *info);
} holdline_handler_t;

/* HOLDLINE_HANDLER(.open = on_open, .message = on_message, .close = on_close); */
extern const holdline_handler_t holdline_handler;
#define HOLDLINE_HANDLER(...)                                                                                            \
    HOLDLINE_EXPORT_("handler@0.1.0#on-open", handler_on_open, (int64_t a), (a))                                         \
    HOLDLINE_EXPORT_("handler@0.1.0#on-message", handler_on_message,                                                     \
        (int64_t a, int32_t b, unsigned char *c, size_t d), (a, b, c, d))                                                \
    HOLDLINE_EXPORT_("handler@0.1.0#on-close", handler_on_close,                                                         \
        (int64_t a, int32_t b, int32_t c, unsigned char *d, size_t e, int32_t f), (a, b, c, d, e, f))                    \
    const holdline_handler_t holdline_handler = {__VA_ARGS__}

/* Runs on its own, beside the connections: in as many instances as the manifest says, and once for each
 * holdline_workers_start. One of the manifest that fails or traps is run again after a pause, 100 ms at first and doubled
 * each time up to 30 s; one that returns HOLDLINE_OK is done. The name and the argument are those of the manifest or of
 * the start. */
typedef holdline_error_t (*holdline_worker_t)(const char *name, const char *argument, size_t size);

/* HOLDLINE_WORKER(run); */
extern const holdline_worker_t holdline_worker;
#define HOLDLINE_WORKER(run)                                                                                             \
    HOLDLINE_EXPORT_("worker@0.1.0#run", worker_run,                                                                     \
        (unsigned char *a, size_t b, unsigned char *c, size_t d), (a, b, c, d))                                          \
    const holdline_worker_t holdline_worker = run

/* A timer of the plugin is due. Runs of one timer never overlap. An error or a trap goes to the log; a repeating timer
 * goes on. */
typedef holdline_error_t (*holdline_timer_handler_t)(holdline_timer_id_t timer, const char *payload, size_t size);

/* HOLDLINE_TIMER_HANDLER(on_timer); */
extern const holdline_timer_handler_t holdline_timer_handler;
#define HOLDLINE_TIMER_HANDLER(on_timer)                                                                                 \
    HOLDLINE_EXPORT_("timer-handler@0.1.0#on-timer", timer_handler_on_timer,                                             \
        (int64_t a, unsigned char *b, size_t c), (a, b, c))                                                              \
    const holdline_timer_handler_t holdline_timer_handler = on_timer

/* An item was taken from a channel that the manifest names. As many calls run at once as the manifest says. An error or a
 * trap goes to the log; the item is gone. */
typedef holdline_error_t (*holdline_channel_handler_t)(const char *channel, const char *item, size_t size);

/* HOLDLINE_CHANNEL_HANDLER(on_item); */
extern const holdline_channel_handler_t holdline_channel_handler;
#define HOLDLINE_CHANNEL_HANDLER(on_item)                                                                                \
    HOLDLINE_EXPORT_("channel-handler@0.1.0#on-item", channel_handler_on_item,                                           \
        (unsigned char *a, size_t b, unsigned char *c, size_t d), (a, b, c, d))                                          \
    const holdline_channel_handler_t holdline_channel_handler = on_item

/* What an attachment is in this version of the plugin. It starts empty, which is none; the functions below set it. */
typedef struct holdline_migrated holdline_migrated_t;

/* A connection that has an attachment moves to this version of the plugin from another one, which is another component: by
 * a deploy, by a rollback, to a canary and back. `from_version` is the digest of the version that it comes from: `sha256:`
 * and 64 hexadecimal digits. Comes once for each move, before the first event that this version handles. There is no
 * request: nothing can be sent to the connection, nor can it be retained. Without this function attachments stay as they
 * are.
 *
 * An error or a trap goes to the log, and the connection is closed with 1011; so it is with an attachment over the limit.
 * The version that it comes from gets the close event, with the attachment as it was. */
typedef holdline_error_t (*holdline_migration_t)(
    const char *attachment, size_t size, const char *from_version, holdline_migrated_t *migrated);

/* HOLDLINE_MIGRATION(migrate); */
extern const holdline_migration_t holdline_migration;
#define HOLDLINE_MIGRATION(migrate)                                                                                      \
    HOLDLINE_EXPORT_("migration@0.1.0#migrate", migration_migrate,                                                       \
        (unsigned char *a, size_t b, unsigned char *c, size_t d), (a, b, c, d))                                          \
    const holdline_migration_t holdline_migration = migrate

/* These bytes are the attachment from now on. */
void holdline_migrated_attachment(holdline_migrated_t *migrated, const void *bytes, size_t size);

/* The same, as JSON. */
void holdline_migrated_attachment_json(holdline_migrated_t *migrated, const holdline_json_t *value);

/* The HTTP request that asks for the upgrade. */
typedef struct holdline_upgrade {
    /* The path, percent-encoded as it was sent, without the query. */
    const char *path;
    /* The query without the question mark; empty if there was none. */
    const char *query;
    /* The headers. Those of one name stand together, in the order in which they came. */
    const holdline_header_t *headers;
    size_t header_count;
    /* The subprotocols that the client offers, the one it likes best first. */
    const char *const *subprotocols;
    size_t subprotocol_count;
    /* The client's address and port. */
    const char *remote_address;
} holdline_upgrade_t;

/* How a connection begins, or the HTTP response that refuses it. It starts as an acceptance with no subprotocol and an
 * empty attachment; the functions below change it. */
typedef struct holdline_decision holdline_decision_t;

/* Decides who may connect, before the upgrade. Without it everyone may, with no subprotocol. A trap answers the client
 * with 500 and an empty body. */
typedef void (*holdline_connect_handler_t)(const holdline_upgrade_t *upgrade, holdline_decision_t *decision);

/* HOLDLINE_CONNECT_HANDLER(on_connect); */
extern const holdline_connect_handler_t holdline_connect_handler;
#define HOLDLINE_CONNECT_HANDLER(on_connect)                                                                             \
    HOLDLINE_EXPORT_("connect-handler@0.1.0#on-connect", connect_handler_on_connect,                                     \
        (unsigned char *a, size_t b, unsigned char *c, size_t d, unsigned char *e, size_t f, unsigned char *g, size_t h, \
         unsigned char *i, size_t j),                                                                                    \
        (a, b, c, d, e, f, g, h, i, j))                                                                                  \
    const holdline_connect_handler_t holdline_connect_handler = on_connect

/* The value of the first header of this name, in any case; NULL if there is none. It belongs to the upgrade. */
const char *holdline_upgrade_header(const holdline_upgrade_t *upgrade, const char *name);

/* Agrees on one of the subprotocols that the client offers. Another one is an error of the plugin: the client gets 500. */
void holdline_accept_subprotocol(holdline_decision_t *decision, const char *subprotocol);

/* Gives the connection its first attachment. */
void holdline_accept_attachment(holdline_decision_t *decision, const void *bytes, size_t size);

/* Gives the connection its first attachment, as JSON. */
void holdline_accept_attachment_json(holdline_decision_t *decision, const holdline_json_t *value);

/* Refuses with this status, from 400 to 599, and this body. Another status is an error of the plugin: the client gets
 * 500. */
void holdline_refuse(holdline_decision_t *decision, uint16_t status, const void *body, size_t size);

/* Adds a header to the response that refuses. Those that belong to the transfer (such as content-length) are left out by
 * the host. */
void holdline_refuse_header(holdline_decision_t *decision, const char *name, const char *value);

/* One export, and the function that frees what it returned. They are in the plugin's own file because what is exported is
 * what a plugin has; the generated code behind them is only linked if they are there. Natively nothing is exported: a
 * test calls the functions themselves. */
#ifdef __wasm__
#define HOLDLINE_EXPORT_(name, function, parameters, arguments)                                                          \
    HOLDLINE_C_ unsigned char *__wasm_export_exports_holdline_websocket_##function parameters;                           \
    HOLDLINE_C_ void __wasm_export_exports_holdline_websocket_##function##_post_return(unsigned char *);                 \
    HOLDLINE_C_ unsigned char *holdline_export_##function parameters;                                                    \
    HOLDLINE_C_ void holdline_export_##function##_post_return(unsigned char *returned);                                  \
    __attribute__((__export_name__("holdline:websocket/" name)))                                                         \
    unsigned char *holdline_export_##function parameters {                                                               \
        return __wasm_export_exports_holdline_websocket_##function arguments;                                            \
    }                                                                                                                    \
    __attribute__((__export_name__("cabi_post_holdline:websocket/" name)))                                               \
    void holdline_export_##function##_post_return(unsigned char *returned) {                                             \
        __wasm_export_exports_holdline_websocket_##function##_post_return(returned);                                     \
    }
#else
#define HOLDLINE_EXPORT_(name, function, parameters, arguments)
#endif

#ifdef __cplusplus
#define HOLDLINE_C_ extern "C"
}
#else
#define HOLDLINE_C_
#endif

#endif
