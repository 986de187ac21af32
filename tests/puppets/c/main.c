/* Does what it is told. A message is a list of commands in JSON, and the report is the list of what came of them:
 * {"ok": value}, or {"error": the name of the case}.
 *
 * The report goes back to the client: as a reply, or by a push once the event has retained. Where neither can be, as in a
 * close event, it goes to the log. The headers x-open and x-close have the commands of those events. Workers, timers and
 * channel items carry commands, too; their reports go to the log. */
#include "stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static holdline_error_t obey(holdline_request_t request, const char *commands, size_t size) {
    stage_t stage = {.request = &request};
    holdline_json_t *report = play(&stage, commands, size);
    if (report != NULL) {
        holdline_json_t *answer = holdline_json_object();
        holdline_json_set(answer, "report", report);
        holdline_error_t told = stage.handle == 0
            ? holdline_request_send_json(request, answer)
            : holdline_delayed_push_json(stage.handle, answer);
        if (told != HOLDLINE_OK) {
            char *text = holdline_json_print(answer, NULL);
            holdline_log_info("untold: %s", text);
            free(text);
        }
        holdline_json_free(answer);
    }
    leave(&stage);
    return stage.failure;
}

static holdline_error_t obey_header(holdline_request_t request, const char *name) {
    char *commands = holdline_request_header(request, name);
    holdline_error_t error = commands == NULL ? HOLDLINE_OK : obey(request, commands, strlen(commands));
    free(commands);
    return error;
}

static holdline_error_t on_open(holdline_request_t request) {
    return obey_header(request, "x-open");
}

static holdline_error_t on_message(holdline_request_t request, holdline_message_t message) {
    return message.binary ? holdline_request_send(request, message) : obey(request, message.data, message.size);
}

static holdline_error_t on_close(holdline_request_t request, const holdline_close_info_t *info) {
    holdline_json_t *frame = holdline_json_new_null();
    if (info->has_frame) {
        holdline_json_free(frame);
        frame = holdline_json_array();
        holdline_json_push(frame, holdline_json_new_u64(info->code));
        holdline_json_push(frame, holdline_json_new_text_n(info->reason, info->reason_size));
    }
    char *id = holdline_request_id(request);
    holdline_json_t *event = holdline_json_object();
    holdline_json_set(event, "clean", holdline_json_new_bool(info->clean));
    holdline_json_set(event, "frame", frame);
    holdline_json_set(event, "id", holdline_json_new_text(id));
    char *text = holdline_json_print(event, NULL);
    holdline_log_info("close event: %s", text);
    free(text);
    free(id);
    holdline_json_free(event);
    return obey_header(request, "x-close");
}

/* Plays commands that belong to no connection; the report as text, or NULL if they fail. */
static char *alone(const char *commands, size_t size, holdline_error_t *error) {
    stage_t stage = {.request = NULL};
    holdline_json_t *report = play(&stage, commands, size);
    char *text = report == NULL ? NULL : holdline_json_print(report, NULL);
    holdline_json_free(report);
    leave(&stage);
    *error = stage.failure;
    return text;
}

static holdline_error_t run(const char *name, const char *argument, size_t size) {
    holdline_error_t error;
    char *report = alone(argument, size, &error);
    if (report != NULL) {
        holdline_log_info("worker %s: %s", name, report);
    }
    free(report);
    return error;
}

static holdline_error_t on_timer(holdline_timer_id_t timer, const char *payload, size_t size) {
    holdline_error_t error;
    char *report = alone(payload, size, &error);
    if (report != NULL) {
        holdline_log_info("timer %" PRIu64 ": %s", timer, report);
    }
    free(report);
    return error;
}

static holdline_error_t on_item(const char *channel, const char *item, size_t size) {
    holdline_error_t error;
    char *report = alone(item, size, &error);
    if (report != NULL) {
        holdline_log_info("item of %s: %s", channel, report);
    }
    free(report);
    return error;
}

/* As the attachment says: fail, trap or forget. Any other is told where it comes from. */
static holdline_error_t migrate(
    const char *attachment, size_t size, const char *from_version, holdline_migrated_t *migrated) {
    if (strcmp(attachment, "fail") == 0) {
        return holdline_fail("that was never an attachment");
    }
    if (strcmp(attachment, "trap") == 0) {
        abort();
    }
    if (strcmp(attachment, "forget") != 0) {
        size_t room = size + strlen(from_version) + sizeof " from ";
        char *text = malloc(room);
        if (text == NULL) {
            abort();
        }
        int length = snprintf(text, room, "%s from %s", attachment, from_version);
        holdline_migrated_attachment(migrated, text, (size_t)length);
        free(text);
    }
    return HOLDLINE_OK;
}

HOLDLINE_HANDLER(.open = on_open, .message = on_message, .close = on_close);
HOLDLINE_WORKER(run);
HOLDLINE_TIMER_HANDLER(on_timer);
HOLDLINE_CHANNEL_HANDLER(on_item);
HOLDLINE_MIGRATION(migrate);
