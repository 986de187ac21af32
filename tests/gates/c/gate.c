/* Decides who may connect, as the query says, and tells whoever is in what it was let in with. It has no timer handler and no
 * worker. */
#include <holdline.h>
#include <stdio.h>
#include <stdlib.h>

static void connect(const holdline_upgrade_t *upgrade, holdline_decision_t *decision) {
    static const char why[] = "closed on Mondays";
    if (strcmp(upgrade->query, "refuse") == 0) {
        holdline_refuse(decision, 403, why, strlen(why));
        holdline_refuse_header(decision, "x-reason", "not today");
        holdline_refuse_header(decision, "content-length", "7000");
        return;
    }
    if (strcmp(upgrade->query, "redirect") == 0) {
        holdline_refuse(decision, 302, "", 0);
        return;
    }
    if (strcmp(upgrade->query, "trap") == 0) {
        abort();
    }
    if (strcmp(upgrade->query, "uninvited") == 0) {
        holdline_accept_subprotocol(decision, "never-offered");
        return;
    }
    const char *user = holdline_upgrade_header(upgrade, "X-User");
    char *seen = NULL;
    int size = asprintf(&seen, "%s %s %s %s", upgrade->path, upgrade->query, user ? user : "", upgrade->remote_address);
    if (size < 0) {
        abort();
    }
    holdline_accept_attachment(decision, seen, (size_t)size);
    free(seen);
    if (upgrade->subprotocol_count > 1) {
        holdline_accept_subprotocol(decision, upgrade->subprotocols[1]);
    }
}

static holdline_json_t *text_or_null(const char *text) {
    return text ? holdline_json_new_text(text) : holdline_json_new_null();
}

static holdline_error_t message(holdline_request_t request, holdline_message_t message) {
    holdline_json_t *answer = holdline_json_object();
    if (message.size == 5 && memcmp(message.data, "start", 5) == 0) {
        holdline_timer_id_t timer;
        holdline_worker_id_t worker;
        holdline_json_set(answer, "timer", text_or_null(holdline_error_case(holdline_timers_after(1, "", 0, &timer))));
        holdline_json_set(answer, "worker", text_or_null(holdline_error_case(holdline_workers_start("w", "", 0, NULL, &worker))));
    } else {
        char *subprotocol = holdline_request_subprotocol(request);
        holdline_bytes_t attachment = holdline_request_attachment(request);
        holdline_json_set(answer, "subprotocol", text_or_null(subprotocol));
        holdline_json_set(answer, "attachment", holdline_json_new_text_n(attachment.data, attachment.size));
        free(subprotocol);
        free(attachment.data);
    }
    holdline_error_t error = holdline_request_send_json(request, answer);
    holdline_json_free(answer);
    return error;
}

HOLDLINE_CONNECT_HANDLER(connect);
HOLDLINE_HANDLER(.message = message);
