/* JSON for messages, items and attachments: values are made, parsed, read and printed.
 *
 *     holdline_json_t *item = holdline_json_object();
 *     holdline_json_set(item, "handle", holdline_json_new_u64(handle));
 *     holdline_json_set(item, "text", holdline_json_new_text("hello"));
 *
 * A value that was made or parsed is yours: give it to holdline_json_free(), which frees all that is in it. A value that
 * was put into another one belongs to that one. What the reading functions return belongs to the value it was read from.
 *
 * The reading functions take NULL as a value that is of no type, so that a path can be read without a check at each step:
 * holdline_json_text(holdline_json_get(holdline_json_get(value, "user"), "name")) is NULL if anything is missing. */
#ifndef HOLDLINE_JSON_H
#define HOLDLINE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One JSON value. */
typedef struct holdline_json holdline_json_t;

/* What a value is. */
typedef enum holdline_json_type {
    /* There is no value: the pointer is NULL. */
    HOLDLINE_JSON_MISSING,
    HOLDLINE_JSON_NULL,
    HOLDLINE_JSON_BOOL,
    HOLDLINE_JSON_NUMBER,
    HOLDLINE_JSON_TEXT,
    HOLDLINE_JSON_ARRAY,
    HOLDLINE_JSON_OBJECT
} holdline_json_type_t;

/* Frees a value and all that is in it. NULL is taken, too. */
void holdline_json_free(holdline_json_t *value);

/* Reads a JSON text of this size. NULL if it is none: holdline_error_text(HOLDLINE_INVALID_JSON) then says where. It is
 * strict: UTF-8, nothing behind the value, and at most 128 arrays and objects in one another. */
holdline_json_t *holdline_json_parse(const char *text, size_t size);

/* Writes the value as JSON without spaces, members in the order in which they were set. Free it with free(); `size` may
 * be NULL. What is not UTF-8 in a text is written as U+FFFD, so that the result always is. NULL is written as null. */
char *holdline_json_print(const holdline_json_t *value, size_t *size);

/* Makes a value. A text is copied; the one of a given size may contain zero bytes. A double that is no finite number
 * becomes null. */
holdline_json_t *holdline_json_new_null(void);
holdline_json_t *holdline_json_new_bool(bool value);
holdline_json_t *holdline_json_new_u64(uint64_t value);
holdline_json_t *holdline_json_new_i64(int64_t value);
holdline_json_t *holdline_json_new_double(double value);
holdline_json_t *holdline_json_new_text(const char *text);
holdline_json_t *holdline_json_new_text_n(const char *text, size_t size);
holdline_json_t *holdline_json_array(void);
holdline_json_t *holdline_json_object(void);

/* Puts a value at the end of an array, to which it belongs from then on. NULL becomes null; what is no array is a trap. */
void holdline_json_push(holdline_json_t *array, holdline_json_t *value);

/* Makes a value the member of this name of an object, to which it belongs from then on. A member that had the name is
 * freed. NULL becomes null; what is no object is a trap. */
void holdline_json_set(holdline_json_t *object, const char *name, holdline_json_t *value);

/* What the value is. */
holdline_json_type_t holdline_json_type(const holdline_json_t *value);

/* The text of a text; NULL if it is none. */
const char *holdline_json_text(const holdline_json_t *value);

/* The bytes of a text, or how many elements an array or members an object has; otherwise 0. */
size_t holdline_json_size(const holdline_json_t *value);

/* Whether the value is a bool, or a number without fraction and exponent that fits, or any number; then `result` is it. */
bool holdline_json_bool(const holdline_json_t *value, bool *result);
bool holdline_json_u64(const holdline_json_t *value, uint64_t *result);
bool holdline_json_i64(const holdline_json_t *value, int64_t *result);
bool holdline_json_double(const holdline_json_t *value, double *result);

/* The member of this name of an object, the last one if there are several; NULL if there is none. */
holdline_json_t *holdline_json_get(const holdline_json_t *object, const char *name);

/* The first element or member, and the one after a given one; NULL at the end. */
holdline_json_t *holdline_json_first(const holdline_json_t *value);
holdline_json_t *holdline_json_next(const holdline_json_t *value);

/* The name of a member of an object; NULL for any other value. */
const char *holdline_json_name(const holdline_json_t *member);

#ifdef __cplusplus
}
#endif

#endif
