/* Commands of channels, by name. */
#include "stage.h"

#include <stdlib.h>

/* Keeps a channel under its name; one that had the name is let go. */
static void keep(stage_t *stage, const char *name, holdline_channel_t channel) {
    kept_t *kept = stage->channels;
    while (kept != NULL && strcmp(kept->name, name) != 0) {
        kept = kept->next;
    }
    if (kept != NULL) {
        holdline_channel_drop(kept->channel);
        kept->channel = channel;
        return;
    }
    kept = malloc(sizeof *kept);
    *kept = (kept_t){stage->channels, strdup(name), channel};
    stage->channels = kept;
}

/* The channel of this name: one that is kept, or one that is found and kept then. */
static holdline_error_t channel_named(stage_t *stage, const char *name, holdline_channel_t *channel) {
    for (kept_t *kept = stage->channels; kept != NULL; kept = kept->next) {
        if (strcmp(kept->name, name) == 0) {
            *channel = kept->channel;
            return HOLDLINE_OK;
        }
    }
    holdline_error_t error = holdline_channel_lookup(name, channel);
    if (error == HOLDLINE_OK) {
        keep(stage, name, *channel);
    }
    return error;
}

static holdline_error_t channel_of(stage_t *stage, const holdline_json_t *command, holdline_channel_t *channel) {
    return channel_named(stage, text_of(command, "channel"), channel);
}

/* Items are JSON here, but whoever closed or ended may have put in something else. Frees the item. */
static holdline_json_t *shown(holdline_bytes_t item) {
    if (item.data == NULL) {
        return holdline_json_new_null();
    }
    holdline_json_t *value = holdline_json_parse(item.data, item.size);
    if (value == NULL) {
        value = holdline_json_new_text_n(item.data, item.size);
    }
    free(item.data);
    return value;
}

static holdline_json_t *shown_or(holdline_error_t error, holdline_bytes_t item) {
    return error == HOLDLINE_OK ? ok(shown(item)) : refused(error);
}

static holdline_json_t *open(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    uint32_t capacity = (uint32_t)number_of(command, "capacity", 0);
    holdline_error_t error = holdline_channel_open(text_of(command, "channel"), capacity, &channel);
    if (error == HOLDLINE_OK) {
        keep(stage, text_of(command, "channel"), channel);
    }
    return outcome(error);
}

static holdline_json_t *put(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_error_t error = channel_of(stage, command, &channel);
    if (error == HOLDLINE_OK) {
        error = holdline_channel_send_json(
            channel, holdline_json_get(command, "item"), number_of(command, "timeout-ms", HOLDLINE_FOREVER));
    }
    return outcome(error);
}

static holdline_json_t *offer(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_error_t error = channel_of(stage, command, &channel);
    if (error == HOLDLINE_OK) {
        error = holdline_channel_offer_json(channel, holdline_json_get(command, "item"));
    }
    return outcome(error);
}

static holdline_json_t *offer_handle(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_error_t error = channel_of(stage, command, &channel);
    if (error == HOLDLINE_OK) {
        holdline_json_t *handle =
            stage->handle == 0 ? holdline_json_new_null() : holdline_json_new_u64(stage->handle);
        error = holdline_channel_offer_json(channel, handle);
        holdline_json_free(handle);
    }
    return outcome(error);
}

static holdline_json_t *receive(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_bytes_t item = {NULL, 0};
    holdline_error_t error = channel_of(stage, command, &channel);
    if (error == HOLDLINE_OK) {
        error = holdline_channel_receive(channel, number_of(command, "timeout-ms", HOLDLINE_FOREVER), &item);
    }
    return shown_or(error, item);
}

static holdline_json_t *poll(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_bytes_t item = {NULL, 0};
    holdline_error_t error = channel_of(stage, command, &channel);
    if (error == HOLDLINE_OK) {
        error = holdline_channel_poll(channel, &item);
    }
    return shown_or(error, item);
}

static holdline_json_t *peek(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_bytes_t item = {NULL, 0};
    holdline_error_t error = channel_of(stage, command, &channel);
    if (error == HOLDLINE_OK) {
        error = holdline_channel_peek(channel, &item);
    }
    return shown_or(error, item);
}

static holdline_json_t *len(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_error_t error = channel_of(stage, command, &channel);
    return number_or(error, error == HOLDLINE_OK ? holdline_channel_len(channel) : 0);
}

static holdline_json_t *capacity(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_error_t error = channel_of(stage, command, &channel);
    return number_or(error, error == HOLDLINE_OK ? holdline_channel_capacity(channel) : 0);
}

static holdline_json_t *close_channel(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    holdline_error_t error = channel_of(stage, command, &channel);
    if (error == HOLDLINE_OK) {
        holdline_channel_close(channel);
    }
    return outcome(error);
}

static holdline_json_t *select_one(stage_t *stage, const holdline_json_t *command) {
    const holdline_json_t *names = holdline_json_get(command, "channels");
    holdline_channel_t *channels = malloc((holdline_json_size(names) + 1) * sizeof *channels);
    size_t count = 0;
    holdline_error_t error = HOLDLINE_OK;
    const holdline_json_t *name = holdline_json_first(names);
    for (; name != NULL && error == HOLDLINE_OK; name = holdline_json_next(name)) {
        error = channel_named(stage, holdline_json_text(name), &channels[count++]);
    }
    size_t position = 0;
    holdline_bytes_t item = {NULL, 0};
    if (error == HOLDLINE_OK) {
        error = holdline_channel_select(
            channels, count, number_of(command, "timeout-ms", HOLDLINE_FOREVER), &position, &item);
    }
    free(channels);
    if (error != HOLDLINE_OK) {
        return refused(error);
    }
    holdline_json_t *pair = holdline_json_array();
    holdline_json_push(pair, holdline_json_new_u64(position));
    holdline_json_push(pair, shown(item));
    return ok(pair);
}

/* Traps as long as there is room in the channel. */
static holdline_json_t *trap_until_full(stage_t *stage, const holdline_json_t *command) {
    holdline_channel_t channel;
    stage->failure = channel_of(stage, command, &channel);
    if (stage->failure != HOLDLINE_OK) {
        return NULL;
    }
    if (holdline_channel_offer(channel, "", 0) != HOLDLINE_CHANNEL_FULL) {
        abort();
    }
    return done();
}

const action_t channel_actions[] = {
    {"open", open},     {"put", put},           {"offer", offer},
    {"offer-handle", offer_handle},             {"receive", receive},
    {"poll", poll},     {"peek", peek},         {"len", len},
    {"capacity", capacity},                     {"close-channel", close_channel},
    {"select", select_one},                     {"trap-until-full", trap_until_full},
    {NULL, NULL},
};
