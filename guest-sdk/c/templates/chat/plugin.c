/* A chat with rooms: the path is the room, `?name=` says who somebody is, and what is said is broadcast to the room. The plugin keeps
 * no list of anybody: the host knows who is connected where. */
#include <holdline.h>
#include <stdlib.h>

/* Who somebody is, as the query says it. */
static holdline_json_t *name(const char *query) {
    while (query != NULL && strncmp(query, "name=", 5) != 0) {
        query = strchr(query, '&');
        query = query == NULL ? NULL : query + 1;
    }
    size_t size = query == NULL ? 0 : strcspn(query + 5, "&");
    return size == 0 ? holdline_json_new_text("somebody") : holdline_json_new_text_n(query + 5, size);
}

static holdline_error_t say(holdline_request_t request, holdline_message_t message) {
    char *query = holdline_request_query(request);
    holdline_json_t *said = holdline_json_object();
    holdline_json_set(said, "from", name(query));
    holdline_json_set(said, "text", holdline_json_new_text_n(message.data, message.size));
    char *path = holdline_request_path(request);
    char *json = holdline_json_print(said, NULL);
    holdline_error_t error = holdline_broadcast_to_path(path, holdline_text(json), NULL);
    free(json);
    free(path);
    holdline_json_free(said);
    free(query);
    return error;
}

static holdline_error_t on_message(holdline_request_t request, holdline_message_t message) {
    if (message.binary) {
        return holdline_request_send(request, holdline_text("{\"error\":\"say it as text\"}"));
    }
    return say(request, message);
}

#ifndef TEST
HOLDLINE_HANDLER(.message = on_message);
#else
#include <assert.h>

static bool is(const char *query, const char *expected) {
    holdline_json_t *found = name(query);
    bool same = strcmp(holdline_json_text(found), expected) == 0;
    holdline_json_free(found);
    return same;
}

int main(void) {
    assert(is("room=1&name=Ann", "Ann"));
    assert(is("name=&room=1", "somebody"));
    assert(is("", "somebody"));
}
#endif
