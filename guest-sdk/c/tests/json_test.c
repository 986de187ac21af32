/* What the SDK does without a host: JSON and errors.
 *
 *     cc -fsanitize=address,undefined -I include tests/json_test.c src/error.c src/json.c src/json_text.c src/memory.c */
#undef NDEBUG
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "holdline.h"

/* Reads a text and writes it again; NULL if it cannot be read. */
static char *again(const char *text, size_t size) {
    holdline_json_t *value = holdline_json_parse(text, size);
    char *written = value == NULL ? NULL : holdline_json_print(value, NULL);
    holdline_json_free(value);
    return written;
}

static void reads_as(const char *text, const char *expected) {
    char *written = again(text, strlen(text));
    assert(written != NULL && strcmp(written, expected) == 0);
    free(written);
}

static void is_refused(const char *text, const char *why) {
    assert(again(text, strlen(text)) == NULL);
    assert(strcmp(holdline_error_text(HOLDLINE_INVALID_JSON), why) == 0);
}

static void what_is_read_is_written_the_same(void) {
    reads_as(" { \"b\" : [ 1 , 2.50 , -0 , 1E+2 ] , \"a\" : { } , \"c\" : [ ] } ", "{\"b\":[1,2.50,-0,1E+2],\"a\":{},\"c\":[]}");
    reads_as("18446744073709551616", "18446744073709551616");
    reads_as("\"\\u00f6 \\ud83d\\ude00 \\/ \\u000a \\u001F \\u007f\"", "\"\xc3\xb6 \xf0\x9f\x98\x80 / \\n \\u001f \x7f\"");
    reads_as("\"\\u0000\"", "\"\\u0000\"");
}

static void what_is_no_json_is_refused_and_the_error_says_where(void) {
    is_refused("", "invalid JSON: no value at byte 0");
    is_refused("[1,]", "invalid JSON: no value at byte 3");
    is_refused("[1", "invalid JSON: neither a comma nor the end at byte 2");
    is_refused("{a:1}", "invalid JSON: no name of a member at byte 1");
    is_refused("{\"a\" 1}", "invalid JSON: no colon at byte 5");
    is_refused("01", "invalid JSON: an invalid number at byte 2");
    is_refused("1 2", "invalid JSON: something behind the value at byte 2");
    is_refused("\"a", "invalid JSON: a text without its end at byte 1");
    is_refused("\"\\", "invalid JSON: a text without its end at byte 1");
    is_refused("\"\\x\"", "invalid JSON: an invalid escape at byte 3");
    is_refused("\"\\ud800\"", "invalid JSON: an invalid escape at byte 7");
    is_refused("\"\x01\"", "invalid JSON: a control character in a text at byte 1");
    is_refused("\"\xc3(\"", "invalid JSON: bytes that are not UTF-8 at byte 1");
}

static void depth_has_a_limit(void) {
    char text[2 * 129];
    memset(text, '[', 129);
    memset(text + 129, ']', 129);
    assert(again(text, sizeof text) == NULL);
    char *written = again(text + 1, sizeof text - 2);
    assert(written != NULL);
    free(written);
}

static void values_are_made_and_read(void) {
    holdline_json_t *object = holdline_json_object();
    holdline_json_set(object, "handle", holdline_json_new_u64(9007199254740991));
    holdline_json_set(object, "least", holdline_json_new_i64(INT64_MIN));
    holdline_json_set(object, "part", holdline_json_new_double(0.1));
    holdline_json_set(object, "none", holdline_json_new_double(INFINITY));
    holdline_json_set(object, "bytes", holdline_json_new_text_n("a\0\xff", 3));
    holdline_json_set(object, "missing", NULL);
    holdline_json_set(object, "list", holdline_json_array());
    holdline_json_push(holdline_json_get(object, "list"), holdline_json_new_bool(true));
    holdline_json_set(object, "handle", holdline_json_new_u64(7));

    char *written = holdline_json_print(object, NULL);
    assert(strcmp(written, "{\"handle\":7,\"least\":-9223372036854775808,\"part\":0.1,\"none\":null,"
                           "\"bytes\":\"a\\u0000\xef\xbf\xbd\",\"missing\":null,\"list\":[true]}") == 0);
    free(written);

    uint64_t handle;
    int64_t least;
    double part;
    bool first;
    assert(holdline_json_u64(holdline_json_get(object, "handle"), &handle) && handle == 7);
    assert(!holdline_json_u64(holdline_json_get(object, "least"), &handle));
    assert(holdline_json_i64(holdline_json_get(object, "least"), &least) && least == INT64_MIN);
    assert(holdline_json_double(holdline_json_get(object, "part"), &part) && part == 0.1);
    assert(!holdline_json_u64(holdline_json_get(object, "part"), &handle));
    assert(holdline_json_bool(holdline_json_first(holdline_json_get(object, "list")), &first) && first);
    assert(holdline_json_size(object) == 7 && holdline_json_size(holdline_json_get(object, "bytes")) == 3);
    assert(strcmp(holdline_json_name(holdline_json_first(object)), "handle") == 0);
    assert(holdline_json_text(holdline_json_get(holdline_json_get(object, "nobody"), "name")) == NULL);
    holdline_json_free(object);
}

static void errors_have_the_contracts_names(void) {
    assert(strcmp(holdline_error_case(HOLDLINE_RETAIN_ALREADY_RETAINED), "already-retained") == 0);
    assert(strcmp(holdline_error_text(HOLDLINE_CHANNEL_FULL), "the channel is full") == 0);
    assert(holdline_fail("there is no room %d", 7) == HOLDLINE_FAILED);
    assert(strcmp(holdline_error_text(HOLDLINE_FAILED), "there is no room 7") == 0);
}

int main(void) {
    what_is_read_is_written_the_same();
    what_is_no_json_is_refused_and_the_error_says_where();
    depth_has_a_limit();
    values_are_made_and_read();
    errors_have_the_contracts_names();
    holdline_fail("%s", "");
    return 0;
}
