/* JSON values: made, read and freed. Numbers are kept as they are written, so that none loses a digit. */
#define _GNU_SOURCE
#include "json.h"

#include <math.h>
#include <stdio.h>

holdline_json_t *holdline_json_node(holdline_json_type_t type, const char *text, size_t size) {
    holdline_json_t *value = holdline_allocate(sizeof *value + size + 1);
    memset(value, 0, sizeof *value);
    value->type = type;
    value->size = size;
    if (size > 0) {
        memcpy(value->text, text, size);
    }
    value->text[size] = 0;
    return value;
}

void holdline_json_append(holdline_json_t *parent, holdline_json_t *value) {
    if (parent->last == NULL) {
        parent->first = value;
    } else {
        parent->last->next = value;
    }
    parent->last = value;
    parent->size++;
}

void holdline_json_free(holdline_json_t *value) {
    /* The elements of what is freed go to the front of what is left, so that depth costs no stack. */
    while (value != NULL) {
        holdline_json_t *next = value->next;
        if (value->first != NULL) {
            value->last->next = next;
            next = value->first;
        }
        free(value->name);
        free(value);
        value = next;
    }
}

holdline_json_t *holdline_json_new_null(void) {
    return holdline_json_node(HOLDLINE_JSON_NULL, "null", 4);
}

holdline_json_t *holdline_json_new_bool(bool value) {
    return value ? holdline_json_node(HOLDLINE_JSON_BOOL, "true", 4) : holdline_json_node(HOLDLINE_JSON_BOOL, "false", 5);
}

holdline_json_t *holdline_json_new_u64(uint64_t value) {
    char digits[21];
    holdline_decimal(value, digits);
    return holdline_json_node(HOLDLINE_JSON_NUMBER, digits, strlen(digits));
}

holdline_json_t *holdline_json_new_i64(int64_t value) {
    if (value >= 0) {
        return holdline_json_new_u64((uint64_t)value);
    }
    char digits[22] = "-";
    holdline_decimal(0 - (uint64_t)value, digits + 1);
    return holdline_json_node(HOLDLINE_JSON_NUMBER, digits, strlen(digits));
}

holdline_json_t *holdline_json_new_double(double value) {
    if (!isfinite(value)) {
        return holdline_json_new_null();
    }
    /* The shortest that is read as the same number. */
    char digits[32];
    int precision = 15;
    do {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
    } while (strtod(digits, NULL) != value && ++precision <= 17);
    return holdline_json_node(HOLDLINE_JSON_NUMBER, digits, strlen(digits));
}

holdline_json_t *holdline_json_new_text(const char *text) {
    return holdline_json_new_text_n(text, strlen(text));
}

holdline_json_t *holdline_json_new_text_n(const char *text, size_t size) {
    return holdline_json_node(HOLDLINE_JSON_TEXT, text, size);
}

holdline_json_t *holdline_json_array(void) {
    return holdline_json_node(HOLDLINE_JSON_ARRAY, "", 0);
}

holdline_json_t *holdline_json_object(void) {
    return holdline_json_node(HOLDLINE_JSON_OBJECT, "", 0);
}

/* Address 0 can be written in WebAssembly, and a member without a name is none: a mistake must not go on from here. */
static holdline_json_t *put_into(const holdline_json_t *container, holdline_json_type_t type, holdline_json_t *value) {
    if (holdline_json_type(container) != type) {
        abort();
    }
    return value == NULL ? holdline_json_new_null() : value;
}

void holdline_json_push(holdline_json_t *array, holdline_json_t *value) {
    value = put_into(array, HOLDLINE_JSON_ARRAY, value);
    holdline_json_append(array, value);
}

/* The last member of this name, and the one before it. */
static holdline_json_t *find(const holdline_json_t *object, const char *name, holdline_json_t **before) {
    size_t size = strlen(name);
    holdline_json_t *found = NULL;
    holdline_json_t *previous = NULL;
    for (holdline_json_t *member = object->first; member != NULL; member = member->next) {
        if (member->name_size == size && memcmp(member->name, name, size) == 0) {
            found = member;
            *before = previous;
        }
        previous = member;
    }
    return found;
}

void holdline_json_set(holdline_json_t *object, const char *name, holdline_json_t *value) {
    value = put_into(object, HOLDLINE_JSON_OBJECT, value);
    holdline_json_t *before = NULL;
    holdline_json_t *old = find(object, name, &before);
    value->name_size = strlen(name);
    value->name = holdline_copy(name, value->name_size);
    if (old == NULL) {
        holdline_json_append(object, value);
        return;
    }
    value->next = old->next;
    if (before == NULL) {
        object->first = value;
    } else {
        before->next = value;
    }
    if (object->last == old) {
        object->last = value;
    }
    old->next = NULL;
    holdline_json_free(old);
}

holdline_json_type_t holdline_json_type(const holdline_json_t *value) {
    return value == NULL ? HOLDLINE_JSON_MISSING : value->type;
}

const char *holdline_json_text(const holdline_json_t *value) {
    return holdline_json_type(value) == HOLDLINE_JSON_TEXT ? value->text : NULL;
}

size_t holdline_json_size(const holdline_json_t *value) {
    switch (holdline_json_type(value)) {
    case HOLDLINE_JSON_TEXT:
    case HOLDLINE_JSON_ARRAY:
    case HOLDLINE_JSON_OBJECT:
        return value->size;
    default:
        return 0;
    }
}

bool holdline_json_bool(const holdline_json_t *value, bool *result) {
    if (holdline_json_type(value) != HOLDLINE_JSON_BOOL) {
        return false;
    }
    *result = value->text[0] == 't';
    return true;
}

/* Reads digits and nothing else. */
static bool digits(const char *text, uint64_t highest, uint64_t *result) {
    uint64_t number = 0;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(*text - '0');
        if (number > (highest - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *result = number;
    return true;
}

bool holdline_json_u64(const holdline_json_t *value, uint64_t *result) {
    return holdline_json_type(value) == HOLDLINE_JSON_NUMBER && digits(value->text, UINT64_MAX, result);
}

bool holdline_json_i64(const holdline_json_t *value, int64_t *result) {
    if (holdline_json_type(value) != HOLDLINE_JSON_NUMBER) {
        return false;
    }
    bool negative = value->text[0] == '-';
    uint64_t number;
    if (!digits(value->text + negative, (uint64_t)INT64_MAX + negative, &number)) {
        return false;
    }
    *result = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

bool holdline_json_double(const holdline_json_t *value, double *result) {
    if (holdline_json_type(value) != HOLDLINE_JSON_NUMBER) {
        return false;
    }
    *result = strtod(value->text, NULL);
    return true;
}

holdline_json_t *holdline_json_get(const holdline_json_t *object, const char *name) {
    holdline_json_t *before = NULL;
    return holdline_json_type(object) == HOLDLINE_JSON_OBJECT ? find(object, name, &before) : NULL;
}

holdline_json_t *holdline_json_first(const holdline_json_t *value) {
    return value == NULL ? NULL : value->first;
}

holdline_json_t *holdline_json_next(const holdline_json_t *value) {
    return value == NULL ? NULL : value->next;
}

const char *holdline_json_name(const holdline_json_t *member) {
    return member == NULL ? NULL : member->name;
}
