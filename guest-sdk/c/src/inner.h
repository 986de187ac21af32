/* What the files of the SDK share: memory, texts in and out, and where the errors of each interface begin. */
#ifndef HOLDLINE_INNER_H
#define HOLDLINE_INNER_H

#include <stdlib.h>

#include "holdline.h"

/* Memory, or a line in the log and a trap. */
void *holdline_allocate(size_t size);
void *holdline_reallocate(void *block, size_t size);

/* A copy with a zero byte behind it. */
char *holdline_copy(const void *bytes, size_t size);

/* Writes the digits and a zero byte. */
void holdline_decimal(uint64_t number, char digits[21]);

/* Keeps what holdline_error_text is to say, and returns the error. Takes the text over. */
holdline_error_t holdline_detail(holdline_error_t error, char *text);

/* Whether two names are the same but for case. */
bool holdline_same_name(const char *one, const char *other);

/* Writes out what was printed and is no whole line yet. */
void holdline_flush(void);

/* How many bytes the character has that begins here: 1 to 4; 0 if it is not UTF-8. */
size_t holdline_utf8(const unsigned char *at, const unsigned char *end);

#endif
