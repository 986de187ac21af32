/* Memory that is there or ends the event, and small things to do with bytes. */
#include "inner.h"

#include <unistd.h>

void *holdline_allocate(size_t size) {
    return holdline_reallocate(NULL, size);
}

void *holdline_reallocate(void *block, size_t size) {
    static const char complaint[] = "holdline: there is no memory left\n";
    block = realloc(block, size == 0 ? 1 : size);
    if (block == NULL) {
        /* Whether it can be written changes nothing. */
        ssize_t written = write(STDERR_FILENO, complaint, sizeof complaint - 1);
        (void)written;
        abort();
    }
    return block;
}

char *holdline_copy(const void *bytes, size_t size) {
    char *copy = holdline_allocate(size + 1);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = 0;
    return copy;
}

void holdline_decimal(uint64_t number, char digits[21]) {
    char reversed[20];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++) {
        digits[i] = reversed[count - 1 - i];
    }
    digits[count] = 0;
}

static char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
}

bool holdline_same_name(const char *one, const char *other) {
    while (*one != 0 && lower(*one) == lower(*other)) {
        one++;
        other++;
    }
    return lower(*one) == lower(*other);
}

size_t holdline_utf8(const unsigned char *at, const unsigned char *end) {
    size_t room = (size_t)(end - at);
    if (room == 0) {
        return 0;
    }
    unsigned char first = at[0];
    if (first < 0x80) {
        return 1;
    }
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || room < length) {
        return 0;
    }
    /* Neither longer than need be, nor a surrogate, nor past the last character. */
    unsigned char lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < lowest || at[1] > highest) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

#ifdef __wasm__
/* The host asks for memory here. One byte more than it asks for makes a C string of every text, without a copy; and a
 * block for what is empty makes everything good for free(). */
__attribute__((__export_name__("cabi_realloc")))
void *cabi_realloc(void *block, size_t old_size, size_t alignment, size_t size) {
    (void)old_size;
    (void)alignment;
    char *bytes = holdline_reallocate(block, size + 1);
    bytes[size] = 0;
    return bytes;
}
#endif
