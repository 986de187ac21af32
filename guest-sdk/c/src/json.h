/* What a JSON value is made of. */
#ifndef HOLDLINE_JSON_NODE_H
#define HOLDLINE_JSON_NODE_H

#include "inner.h"

struct holdline_json {
    holdline_json_type_t type;
    /* The bytes of the text, or how many elements or members there are. */
    size_t size;
    holdline_json_t *next;
    holdline_json_t *first;
    holdline_json_t *last;
    /* Of a member; a name may contain zero bytes, and is then longer than it seems. */
    char *name;
    size_t name_size;
    /* Of a text what it says, of other scalars how they are written. */
    char text[];
};

/* Makes a value of its own. */
holdline_json_t *holdline_json_node(holdline_json_type_t type, const char *text, size_t size);

/* Puts a value at the end of an array or object. */
void holdline_json_append(holdline_json_t *parent, holdline_json_t *value);

#endif
