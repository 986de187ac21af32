/* Commands that need neither a connection nor a channel, and those that should never be given. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>

static holdline_missed_t missed_of(const holdline_json_t *command) {
    const char *missed = text_of(command, "missed");
    return strcmp(missed, "burst") == 0 ? HOLDLINE_MISSED_BURST
        : strcmp(missed, "coalesce") == 0 ? HOLDLINE_MISSED_COALESCE
        : HOLDLINE_MISSED_SKIP;
}

static holdline_json_t *set_timer(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    const holdline_json_t *when = holdline_json_get(command, "when");
    const holdline_json_t *cron = holdline_json_get(when, "cron");
    holdline_missed_t missed = missed_of(command);
    size_t size;
    char *payload = holdline_json_print(holdline_json_get(command, "payload"), &size);
    holdline_timer_id_t timer;
    holdline_error_t error;
    if (cron != NULL) {
        const char *zone = has(cron, "zone") ? text_of(cron, "zone") : NULL;
        error = holdline_timers_cron(text_of(cron, "expression"), zone, payload, size, missed, &timer);
    } else if (has(when, "every-ms")) {
        error = holdline_timers_every(number_of(when, "every-ms", 0), payload, size, missed, &timer);
    } else if (has(when, "at-ms")) {
        error = holdline_timers_at(number_of(when, "at-ms", 0), payload, size, &timer);
    } else {
        error = holdline_timers_after(number_of(when, "after-ms", 0), payload, size, &timer);
    }
    free(payload);
    return number_or(error, timer);
}

static holdline_json_t *cancel_timer(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    return outcome(holdline_timers_cancel(number_of(command, "timer", 0)));
}

static holdline_json_t *list_timers(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    (void)command;
    size_t count;
    holdline_timer_info_t *timers = holdline_timers_list(&count);
    holdline_json_t *list = holdline_json_array();
    for (size_t i = 0; i < count; i++) {
        holdline_json_t *timer = holdline_json_object();
        holdline_json_set(timer, "id", holdline_json_new_u64(timers[i].id));
        holdline_json_set(timer, "next-ms", holdline_json_new_u64(timers[i].next_ms));
        holdline_json_set(timer, "payload", holdline_json_new_text_n(timers[i].payload, timers[i].payload_size));
        holdline_json_push(list, timer);
    }
    free(timers);
    return ok(list);
}

static holdline_json_t *sleep_for(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    holdline_timers_sleep(number_of(command, "ms", 0));
    return done();
}

static holdline_json_t *start(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    size_t size;
    char *commands = holdline_json_print(holdline_json_get(command, "commands"), &size);
    const char *exit_channel = has(command, "exit-channel") ? text_of(command, "exit-channel") : NULL;
    holdline_worker_id_t worker;
    holdline_error_t error = holdline_workers_start(text_of(command, "name"), commands, size, exit_channel, &worker);
    free(commands);
    return number_or(error, worker);
}

static holdline_json_t *broadcast(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    holdline_message_t message = holdline_text(text_of(command, "text"));
    uint32_t reached;
    if (has(command, "path")) {
        holdline_error_t error = holdline_broadcast_to_path(text_of(command, "path"), message, &reached);
        return number_or(error, reached);
    }
    const holdline_json_t *list = holdline_json_get(command, "ids");
    const char **ids = malloc((holdline_json_size(list) + 1) * sizeof *ids);
    size_t count = 0;
    for (const holdline_json_t *id = holdline_json_first(list); id != NULL; id = holdline_json_next(id)) {
        ids[count++] = holdline_json_text(id);
    }
    holdline_error_t error = holdline_broadcast_to_connections(ids, count, message, &reached);
    free(ids);
    return number_or(error, reached);
}

static holdline_json_t *print(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    printf("%s\n", text_of(command, "text"));
    return done();
}

static holdline_json_t *print_error(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    fprintf(stderr, "%s\n", text_of(command, "text"));
    return done();
}

static holdline_json_t *fail(stage_t *stage, const holdline_json_t *command) {
    stage->failure = holdline_fail("%s", text_of(command, "text"));
    return NULL;
}

static holdline_json_t *trap(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    (void)command;
    abort();
}

static holdline_json_t *loop(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    (void)command;
    for (volatile int forever = 1; forever;) {
    }
    return done();
}

/* Takes memory until there is no more. */
static holdline_json_t *eat(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    (void)command;
    /* Where the compiler cannot see that nobody looks at it. */
    static char *volatile last;
    uint64_t eaten = 0;
    for (; eaten <= 1 << 12; eaten++) {
        last = malloc(1 << 20);
        if (last == NULL) {
            abort();
        }
        memset(last, 1, 1 << 20);
    }
    return ok(holdline_json_new_u64(eaten));
}

/* Deeper than any stack is. */
static uint64_t deeper(uint64_t depth) {
    volatile uint64_t room[64] = {depth};
    return depth == UINT64_MAX ? 0 : deeper(depth + 1) + room[depth % 64];
}

static holdline_json_t *recurse(stage_t *stage, const holdline_json_t *command) {
    (void)stage;
    (void)command;
    return ok(holdline_json_new_u64(deeper(0)));
}

const action_t other_actions[] = {
    {"timer", set_timer}, {"cancel-timer", cancel_timer}, {"timers", list_timers}, {"sleep", sleep_for},
    {"start", start},     {"broadcast", broadcast},       {"print", print},        {"print-error", print_error},
    {"fail", fail},       {"trap", trap},                 {"loop", loop},          {"eat", eat},
    {"recurse", recurse}, {NULL, NULL},
};
