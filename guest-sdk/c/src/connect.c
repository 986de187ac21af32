/* Deciding who may connect. */
#include "border.h"

typedef exports_holdline_websocket_connect_handler_header_t wire_header_t;

/* Everything in it is a block of its own, which the generated code frees when the host has read it. */
struct holdline_decision {
    bool refused;
    exports_holdline_websocket_connect_handler_acceptance_t acceptance;
    exports_holdline_websocket_connect_handler_refusal_t refusal;
};

static wire_string_t text_block(const char *text) {
    wire_list_u8_t bytes = block_to_wire(text, strlen(text));
    return (wire_string_t){bytes.ptr, bytes.len};
}

void holdline_accept_subprotocol(holdline_decision_t *decision, const char *subprotocol) {
    wire_option_string_free(&decision->acceptance.subprotocol);
    decision->acceptance.subprotocol = (wire_option_string_t){true, text_block(subprotocol)};
}

void holdline_accept_attachment(holdline_decision_t *decision, const void *bytes, size_t size) {
    wire_list_u8_free(&decision->acceptance.attachment);
    decision->acceptance.attachment = block_to_wire(bytes, size);
}

void holdline_accept_attachment_json(holdline_decision_t *decision, const holdline_json_t *value) {
    size_t size;
    char *text = holdline_json_print(value, &size);
    holdline_accept_attachment(decision, text, size);
    free(text);
}

void holdline_refuse(holdline_decision_t *decision, uint16_t status, const void *body, size_t size) {
    wire_list_u8_free(&decision->refusal.body);
    decision->refused = true;
    decision->refusal.status = status;
    decision->refusal.body = block_to_wire(body, size);
}

void holdline_refuse_header(holdline_decision_t *decision, const char *name, const char *value) {
    exports_holdline_websocket_connect_handler_list_header_t *headers = &decision->refusal.headers;
    headers->ptr = holdline_reallocate(headers->ptr, (headers->len + 1) * sizeof(wire_header_t));
    headers->ptr[headers->len++] = (wire_header_t){text_block(name), block_to_wire(value, strlen(value))};
}

const char *holdline_upgrade_header(const holdline_upgrade_t *upgrade, const char *name) {
    for (size_t i = 0; i < upgrade->header_count; i++) {
        if (holdline_same_name(upgrade->headers[i].name, name)) {
            return upgrade->headers[i].value;
        }
    }
    return NULL;
}

_Static_assert(
    sizeof(holdline_header_t) == sizeof(wire_header_t)
        && offsetof(holdline_header_t, value) == offsetof(wire_header_t, value)
        && offsetof(holdline_header_t, value_size) == offsetof(wire_header_t, value.len),
    "an array of headers is one of the generated code");

bool exports_holdline_websocket_connect_handler_on_connect(
    exports_holdline_websocket_connect_handler_upgrade_t *wire,
    exports_holdline_websocket_connect_handler_acceptance_t *ret,
    exports_holdline_websocket_connect_handler_refusal_t *err) {
    const char **subprotocols = holdline_allocate(wire->subprotocols.len * sizeof *subprotocols);
    for (size_t i = 0; i < wire->subprotocols.len; i++) {
        subprotocols[i] = text_from_wire(wire->subprotocols.ptr[i]);
    }
    holdline_upgrade_t upgrade = {
        .path = text_from_wire(wire->path),
        .query = text_from_wire(wire->query),
        .headers = (const holdline_header_t *)wire->headers.ptr,
        .header_count = wire->headers.len,
        .subprotocols = subprotocols,
        .subprotocol_count = wire->subprotocols.len,
        .remote_address = text_from_wire(wire->remote_address),
    };
    holdline_decision_t decision = {.refused = false};
    holdline_connect_handler(&upgrade, &decision);
    holdline_flush();

    for (size_t i = 0; i < wire->headers.len; i++) {
        free(wire->headers.ptr[i].name.ptr);
        free(wire->headers.ptr[i].value.ptr);
    }
    for (size_t i = 0; i < wire->subprotocols.len; i++) {
        free(wire->subprotocols.ptr[i].ptr);
    }
    free(wire->headers.ptr);
    free(wire->subprotocols.ptr);
    free(wire->path.ptr);
    free(wire->query.ptr);
    free(wire->remote_address.ptr);
    free(subprotocols);

    /* Only one of the two goes to the host. */
    if (decision.refused) {
        exports_holdline_websocket_connect_handler_acceptance_free(&decision.acceptance);
        *err = decision.refusal;
    } else {
        exports_holdline_websocket_connect_handler_refusal_free(&decision.refusal);
        *ret = decision.acceptance;
    }
    return !decision.refused;
}
