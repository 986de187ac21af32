/* Playing commands, and the words in which is written down what came of them. */
#include "stage.h"

#include <stdlib.h>

static const action_t *find(const action_t *actions, const char *name) {
    for (; actions->name != NULL; actions++) {
        if (strcmp(actions->name, name) == 0) {
            return actions;
        }
    }
    return NULL;
}

static const action_t *action_of(const holdline_json_t *command) {
    const action_t *const all[] = {request_actions, delayed_actions, channel_actions, other_actions};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const action_t *action = find(all[i], text_of(command, "do"));
        if (action != NULL) {
            return action;
        }
    }
    return NULL;
}

static holdline_json_t *play_one(stage_t *stage, const holdline_json_t *command) {
    const action_t *action = action_of(command);
    if (stage->request == NULL && find(request_actions, action->name) != NULL) {
        holdline_json_t *answer = holdline_json_object();
        holdline_json_set(answer, "error", holdline_json_new_text("there is no request here"));
        return answer;
    }
    return action->act(stage, command);
}

holdline_json_t *play(stage_t *stage, const char *commands, size_t size) {
    holdline_json_t *list = holdline_json_parse(commands, size);
    if (list == NULL) {
        stage->failure = HOLDLINE_INVALID_JSON;
        return NULL;
    }
    if (holdline_json_type(list) != HOLDLINE_JSON_ARRAY) {
        stage->failure = holdline_fail("the commands are no list");
    }
    /* Nothing is played if one of them is unknown. */
    for (holdline_json_t *command = holdline_json_first(list); command != NULL; command = holdline_json_next(command)) {
        if (stage->failure == HOLDLINE_OK && action_of(command) == NULL) {
            stage->failure = holdline_fail("there is no command `%s`", text_of(command, "do"));
        }
    }
    holdline_json_t *report = holdline_json_array();
    holdline_json_t *command = holdline_json_first(list);
    for (; command != NULL && stage->failure == HOLDLINE_OK; command = holdline_json_next(command)) {
        holdline_json_t *came = play_one(stage, command);
        if (stage->failure == HOLDLINE_OK) {
            holdline_json_push(report, came);
        }
    }
    holdline_json_free(list);
    if (stage->failure != HOLDLINE_OK) {
        holdline_json_free(report);
        return NULL;
    }
    return report;
}

void leave(stage_t *stage) {
    while (stage->channels != NULL) {
        kept_t *kept = stage->channels;
        stage->channels = kept->next;
        holdline_channel_drop(kept->channel);
        free(kept->name);
        free(kept);
    }
}

holdline_json_t *ok(holdline_json_t *value) {
    holdline_json_t *answer = holdline_json_object();
    holdline_json_set(answer, "ok", value);
    return answer;
}

holdline_json_t *done(void) {
    return ok(holdline_json_new_null());
}

/* The case as the report names it: AlreadyRetained for already-retained. */
static void pascal_case(const char *name, char *out) {
    bool upper = true;
    for (; *name != 0; name++) {
        if (*name == '-') {
            upper = true;
        } else {
            *out++ = upper ? (char)(*name - ('a' - 'A')) : *name;
            upper = false;
        }
    }
    *out = 0;
}

holdline_json_t *refused(holdline_error_t error) {
    char name[64];
    pascal_case(holdline_error_case(error), name);
    holdline_json_t *answer = holdline_json_object();
    holdline_json_set(answer, "error", holdline_json_new_text(name));
    if (error == HOLDLINE_TIMER_INVALID_SCHEDULE) {
        holdline_json_set(answer, "text", holdline_json_new_text(holdline_error_text(error)));
    }
    return answer;
}

holdline_json_t *outcome(holdline_error_t error) {
    return error == HOLDLINE_OK ? done() : refused(error);
}

holdline_json_t *number_or(holdline_error_t error, uint64_t number) {
    return error == HOLDLINE_OK ? ok(holdline_json_new_u64(number)) : refused(error);
}

const char *text_of(const holdline_json_t *command, const char *name) {
    const char *text = holdline_json_text(holdline_json_get(command, name));
    return text == NULL ? "" : text;
}

uint64_t number_of(const holdline_json_t *command, const char *name, uint64_t instead) {
    uint64_t number;
    return holdline_json_u64(holdline_json_get(command, name), &number) ? number : instead;
}

bool has(const holdline_json_t *command, const char *name) {
    holdline_json_type_t type = holdline_json_type(holdline_json_get(command, name));
    return type != HOLDLINE_JSON_MISSING && type != HOLDLINE_JSON_NULL;
}
