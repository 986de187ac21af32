/* Where the commands of one event are played, one after the other, and what came of each is written down. */
#ifndef STAGE_H
#define STAGE_H

#include <holdline.h>

/* A channel that a command has opened or found: kept for the event, so that what is closed and drained can still be
 * asked. */
typedef struct kept {
    struct kept *next;
    char *name;
    holdline_channel_t channel;
} kept_t;

/* One event, or a call that belongs to no connection. */
typedef struct stage {
    const holdline_request_t *request;
    /* 0 is never a handle: what was not retained is invalid. */
    holdline_handle_t handle;
    kept_t *channels;
    /* Why the whole event fails. */
    holdline_error_t failure;
} stage_t;

/* Does what a command says, and returns what came of it. */
typedef holdline_json_t *(*act_t)(stage_t *stage, const holdline_json_t *command);

typedef struct action {
    const char *name;
    act_t act;
} action_t;

/* The commands, by what they are about. Each list ends with an empty name. */
extern const action_t request_actions[];
extern const action_t delayed_actions[];
extern const action_t channel_actions[];
extern const action_t other_actions[];

/* Plays a list of commands; the report, or NULL if the event fails with stage->failure. */
holdline_json_t *play(stage_t *stage, const char *commands, size_t size);

/* Lets go of what the stage has kept. */
void leave(stage_t *stage);

/* {"ok": value}; {"ok": null}; {"error": case}; and one of the latter two. */
holdline_json_t *ok(holdline_json_t *value);
holdline_json_t *done(void);
holdline_json_t *refused(holdline_error_t error);
holdline_json_t *outcome(holdline_error_t error);

/* What came of a call that gives a number, which is the value if there was no error. */
holdline_json_t *number_or(holdline_error_t error, uint64_t number);

/* Fields of a command. What is not there is "", 0, or the value that is given instead. */
const char *text_of(const holdline_json_t *command, const char *name);
uint64_t number_of(const holdline_json_t *command, const char *name, uint64_t instead);
bool has(const holdline_json_t *command, const char *name);

#endif
