/* What the host calls: the generated exports end here, and go on to what the macros of holdline.h have named.
 *
 * The host's arguments are blocks of this instance, and are freed when the plugin's function has returned. What is
 * returned to the host is freed by the generated code when the host has read it. */
#include "border.h"

/* The text of an error goes to the host in a block of its own; the generated code leaves an empty one alone. */
static bool end(holdline_error_t error, wire_string_t *text) {
    holdline_flush();
    if (error == HOLDLINE_OK) {
        return true;
    }
    const char *said = holdline_error_text(error);
    *text = (wire_string_t){(uint8_t *)"", 0};
    if (*said != 0) {
        *text = text_to_wire(holdline_copy(said, strlen(said)));
    }
    return false;
}

static holdline_request_t request_from_wire(exports_holdline_websocket_handler_request_t request) {
    return (holdline_request_t){request};
}

bool exports_holdline_websocket_handler_on_open(
    exports_holdline_websocket_handler_request_t request, wire_string_t *err) {
    return end(holdline_handler.open == NULL ? HOLDLINE_OK : holdline_handler.open(request_from_wire(request)), err);
}

bool exports_holdline_websocket_handler_on_message(
    exports_holdline_websocket_handler_request_t request, exports_holdline_websocket_handler_message_t *wire,
    wire_string_t *err) {
    holdline_message_t message = wire->tag == HOLDLINE_WEBSOCKET_TYPES_MESSAGE_TEXT
        ? holdline_text_n(text_from_wire(wire->val.text), wire->val.text.len)
        : holdline_binary(wire->val.binary.ptr, wire->val.binary.len);
    holdline_error_t error = HOLDLINE_OK;
    if (holdline_handler.message != NULL) {
        error = holdline_handler.message(request_from_wire(request), message);
    }
    free((char *)(uintptr_t)message.data);
    return end(error, err);
}

bool exports_holdline_websocket_handler_on_close(
    exports_holdline_websocket_handler_request_t request, exports_holdline_websocket_handler_close_info_t *wire,
    wire_string_t *err) {
    holdline_close_info_t info = {.reason = "", .clean = wire->clean};
    char *reason = NULL;
    if (wire->frame.is_some) {
        reason = text_from_wire(wire->frame.val.reason);
        info.has_frame = true;
        info.code = wire->frame.val.code;
        info.reason = reason;
        info.reason_size = wire->frame.val.reason.len;
    }
    holdline_error_t error = HOLDLINE_OK;
    if (holdline_handler.close != NULL) {
        error = holdline_handler.close(request_from_wire(request), &info);
    }
    free(reason);
    return end(error, err);
}

bool exports_holdline_websocket_worker_run(wire_string_t *name, wire_list_u8_t *argument, wire_string_t *err) {
    holdline_error_t error = holdline_worker(text_from_wire(*name), (const char *)argument->ptr, argument->len);
    free(name->ptr);
    free(argument->ptr);
    return end(error, err);
}

bool exports_holdline_websocket_timer_handler_on_timer(
    exports_holdline_websocket_timer_handler_timer_id_t timer, wire_list_u8_t *payload, wire_string_t *err) {
    holdline_error_t error = holdline_timer_handler(timer, (const char *)payload->ptr, payload->len);
    free(payload->ptr);
    return end(error, err);
}

bool exports_holdline_websocket_channel_handler_on_item(
    wire_string_t *channel, wire_list_u8_t *item, wire_string_t *err) {
    holdline_error_t error = holdline_channel_handler(text_from_wire(*channel), (const char *)item->ptr, item->len);
    free(channel->ptr);
    free(item->ptr);
    return end(error, err);
}

/* A block of its own, which the generated code frees when the host has read it. */
struct holdline_migrated {
    wire_list_u8_t attachment;
};

void holdline_migrated_attachment(holdline_migrated_t *migrated, const void *bytes, size_t size) {
    wire_list_u8_free(&migrated->attachment);
    migrated->attachment = block_to_wire(bytes, size);
}

void holdline_migrated_attachment_json(holdline_migrated_t *migrated, const holdline_json_t *value) {
    size_t size;
    char *text = holdline_json_print(value, &size);
    holdline_migrated_attachment(migrated, text, size);
    free(text);
}

bool exports_holdline_websocket_migration_migrate(
    wire_list_u8_t *attachment, wire_string_t *from_version, wire_list_u8_t *ret, wire_string_t *err) {
    holdline_migrated_t migrated = {{NULL, 0}};
    holdline_error_t error = holdline_migration(
        (const char *)attachment->ptr, attachment->len, text_from_wire(*from_version), &migrated);
    free(attachment->ptr);
    free(from_version->ptr);
    /* Only one of the two goes to the host. */
    if (error != HOLDLINE_OK) {
        wire_list_u8_free(&migrated.attachment);
    } else {
        *ret = migrated.attachment;
    }
    return end(error, err);
}
