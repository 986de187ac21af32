/* JSON values from text and to text. */
#include "json.h"

/* Deeper than anybody nests, and shallow enough for the stack. */
#define DEEPEST 128

typedef struct reader {
    const unsigned char *start;
    const unsigned char *at;
    const unsigned char *end;
    const char *wrong;
} reader_t;

static holdline_json_t *read_value(reader_t *reader, int depth);

/* Keeps what was wrong first. */
static void *wrong(reader_t *reader, const char *what) {
    if (reader->wrong == NULL) {
        reader->wrong = what;
    }
    return NULL;
}

static void skip_space(reader_t *reader) {
    while (reader->at < reader->end
        && (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r')) {
        reader->at++;
    }
}

static bool take(reader_t *reader, char wanted) {
    if (reader->at < reader->end && *reader->at == (unsigned char)wanted) {
        reader->at++;
        return true;
    }
    return false;
}

static size_t take_digits(reader_t *reader) {
    const unsigned char *first = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        reader->at++;
    }
    return (size_t)(reader->at - first);
}

static holdline_json_t *read_number(reader_t *reader) {
    const unsigned char *first = reader->at;
    take(reader, '-');
    bool zero = reader->at < reader->end && *reader->at == '0';
    size_t whole = take_digits(reader);
    if (whole == 0 || (zero && whole > 1)) {
        return wrong(reader, "an invalid number");
    }
    if (take(reader, '.') && take_digits(reader) == 0) {
        return wrong(reader, "an invalid number");
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+')) {
            take(reader, '-');
        }
        if (take_digits(reader) == 0) {
            return wrong(reader, "an invalid number");
        }
    }
    return holdline_json_node(HOLDLINE_JSON_NUMBER, (const char *)first, (size_t)(reader->at - first));
}

/* Four hexadecimal digits, or -1. */
static long read_hex(reader_t *reader) {
    long number = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char digit = reader->at < reader->end ? *reader->at++ : 0;
        unsigned char letter = digit | 0x20;
        if (digit >= '0' && digit <= '9') {
            number = number * 16 + (digit - '0');
        } else if (letter >= 'a' && letter <= 'f') {
            number = number * 16 + (letter - 'a' + 10);
        } else {
            return -1;
        }
    }
    return number;
}

/* What follows `\u`, as UTF-8: how many bytes, or 0 if it is no character. */
static size_t read_unicode(reader_t *reader, char *out) {
    long code = read_hex(reader);
    if (code >= 0xd800 && code <= 0xdbff) {
        long low = take(reader, '\\') && take(reader, 'u') ? read_hex(reader) : -1;
        if (low < 0xdc00 || low > 0xdfff) {
            return 0;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code < 0 || (code >= 0xdc00 && code <= 0xdfff)) {
        return 0;
    }
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)((0xf00 >> length) | code);
    return length;
}

/* Reads what stands between quotes, the first of which was taken, into a block that is as large as it could need. */
static char *read_quoted(reader_t *reader, size_t *size) {
    static const char escapes[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const unsigned char *close = reader->at;
    while (close < reader->end && *close != '"') {
        close += *close == '\\' ? 2 : 1;
    }
    if (close >= reader->end) {
        return wrong(reader, "a text without its end");
    }
    char *text = holdline_allocate((size_t)(close - reader->at) + 1);
    size_t written = 0;
    while (*reader->at != '"') {
        if (take(reader, '\\')) {
            unsigned char letter = *reader->at++;
            const char *escape = letter == 0 ? NULL : strchr(escapes, letter);
            size_t length = 1;
            if (letter == 'u') {
                length = read_unicode(reader, text + written);
            } else if (escape != NULL) {
                text[written] = meanings[escape - escapes];
            } else {
                length = 0;
            }
            if (length == 0) {
                free(text);
                return wrong(reader, "an invalid escape");
            }
            written += length;
            continue;
        }
        size_t length = *reader->at < ' ' ? 0 : holdline_utf8(reader->at, close);
        if (length == 0) {
            free(text);
            return wrong(reader, *reader->at < ' ' ? "a control character in a text" : "bytes that are not UTF-8");
        }
        memcpy(text + written, reader->at, length);
        written += length;
        reader->at += length;
    }
    reader->at++;
    text[written] = 0;
    *size = written;
    return text;
}

static holdline_json_t *read_text(reader_t *reader) {
    size_t size;
    char *text = read_quoted(reader, &size);
    if (text == NULL) {
        return NULL;
    }
    holdline_json_t *value = holdline_json_node(HOLDLINE_JSON_TEXT, text, size);
    free(text);
    return value;
}

static holdline_json_t *read_member(reader_t *reader, int depth) {
    if (!take(reader, '"')) {
        return wrong(reader, "no name of a member");
    }
    size_t size;
    char *name = read_quoted(reader, &size);
    if (name == NULL) {
        return NULL;
    }
    skip_space(reader);
    holdline_json_t *value = take(reader, ':') ? read_value(reader, depth) : wrong(reader, "no colon");
    if (value == NULL) {
        free(name);
        return NULL;
    }
    value->name = name;
    value->name_size = size;
    return value;
}

/* Reads the elements or members; the bracket was taken. */
static holdline_json_t *read_container(reader_t *reader, holdline_json_type_t type, char close, int depth) {
    if (depth > DEEPEST) {
        return wrong(reader, "too many arrays and objects in one another");
    }
    holdline_json_t *container = holdline_json_node(type, "", 0);
    skip_space(reader);
    if (take(reader, close)) {
        return container;
    }
    for (;;) {
        skip_space(reader);
        holdline_json_t *value =
            type == HOLDLINE_JSON_OBJECT ? read_member(reader, depth) : read_value(reader, depth);
        if (value == NULL) {
            break;
        }
        holdline_json_append(container, value);
        skip_space(reader);
        if (take(reader, close)) {
            return container;
        }
        if (!take(reader, ',')) {
            wrong(reader, "neither a comma nor the end");
            break;
        }
    }
    holdline_json_free(container);
    return NULL;
}

static holdline_json_t *read_word(reader_t *reader, const char *word, holdline_json_type_t type) {
    size_t size = strlen(word);
    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0) {
        return wrong(reader, "no value");
    }
    reader->at += size;
    return holdline_json_node(type, word, size);
}

static holdline_json_t *read_value(reader_t *reader, int depth) {
    skip_space(reader);
    switch (reader->at < reader->end ? *reader->at : 0) {
    case '{':
        reader->at++;
        return read_container(reader, HOLDLINE_JSON_OBJECT, '}', depth + 1);
    case '[':
        reader->at++;
        return read_container(reader, HOLDLINE_JSON_ARRAY, ']', depth + 1);
    case '"':
        reader->at++;
        return read_text(reader);
    case 't':
        return read_word(reader, "true", HOLDLINE_JSON_BOOL);
    case 'f':
        return read_word(reader, "false", HOLDLINE_JSON_BOOL);
    case 'n':
        return read_word(reader, "null", HOLDLINE_JSON_NULL);
    case '-':
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        return read_number(reader);
    default:
        return wrong(reader, "no value");
    }
}

holdline_json_t *holdline_json_parse(const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    reader_t reader = {bytes, bytes, bytes + size, NULL};
    holdline_json_t *value = read_value(&reader, 0);
    skip_space(&reader);
    if (value != NULL && reader.at < reader.end) {
        holdline_json_free(value);
        value = wrong(&reader, "something behind the value");
    }
    if (value == NULL) {
        static const char before[] = "invalid JSON: ";
        static const char between[] = " at byte ";
        char digits[21];
        holdline_decimal((uint64_t)(reader.at - reader.start), digits);
        size_t length = sizeof before + strlen(reader.wrong) + sizeof between + strlen(digits);
        char *said = holdline_allocate(length);
        strcpy(said, before);
        strcat(said, reader.wrong);
        strcat(said, between);
        strcat(said, digits);
        holdline_detail(HOLDLINE_INVALID_JSON, said);
    }
    return value;
}

typedef struct writer {
    char *text;
    size_t size;
    size_t room;
} writer_t;

static void put(writer_t *writer, const void *bytes, size_t size) {
    if (writer->room - writer->size < size) {
        writer->room = (writer->size + size) * 2;
        writer->text = holdline_reallocate(writer->text, writer->room);
    }
    memcpy(writer->text + writer->size, bytes, size);
    writer->size += size;
}

/* Writes a character that JSON does not take as it is. */
static void put_escaped(writer_t *writer, unsigned char character) {
    static const char characters[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    const char *found = character == 0 ? NULL : strchr(characters, character);
    if (found != NULL) {
        char escape[2] = {'\\', letters[found - characters]};
        put(writer, escape, sizeof escape);
    } else {
        char escape[6] = {'\\', 'u', '0', '0', hex[character >> 4], hex[character & 15]};
        put(writer, escape, sizeof escape);
    }
}

static void put_quoted(writer_t *writer, const char *text, size_t size) {
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + size;
    put(writer, "\"", 1);
    while (at < end) {
        /* As much as needs no change at once. */
        const unsigned char *first = at;
        size_t length = 1;
        while (at < end && *at >= ' ' && *at != '"' && *at != '\\' && (length = holdline_utf8(at, end)) > 0) {
            at += length;
        }
        put(writer, first, (size_t)(at - first));
        if (at == end) {
            break;
        }
        if (length == 0) {
            put(writer, "\xef\xbf\xbd", 3);
            at++;
        } else {
            put_escaped(writer, *at++);
        }
    }
    put(writer, "\"", 1);
}

static void put_value(writer_t *writer, const holdline_json_t *value) {
    switch (value->type) {
    case HOLDLINE_JSON_ARRAY:
    case HOLDLINE_JSON_OBJECT:
        put(writer, value->type == HOLDLINE_JSON_OBJECT ? "{" : "[", 1);
        for (const holdline_json_t *inner = value->first; inner != NULL; inner = inner->next) {
            if (inner != value->first) {
                put(writer, ",", 1);
            }
            if (value->type == HOLDLINE_JSON_OBJECT) {
                put_quoted(writer, inner->name, inner->name_size);
                put(writer, ":", 1);
            }
            put_value(writer, inner);
        }
        put(writer, value->type == HOLDLINE_JSON_OBJECT ? "}" : "]", 1);
        break;
    case HOLDLINE_JSON_TEXT:
        put_quoted(writer, value->text, value->size);
        break;
    default:
        put(writer, value->text, value->size);
        break;
    }
}

char *holdline_json_print(const holdline_json_t *value, size_t *size) {
    writer_t writer = {NULL, 0, 0};
    if (value == NULL) {
        put(&writer, "null", 4);
    } else {
        put_value(&writer, value);
    }
    put(&writer, "", 1);
    if (size != NULL) {
        *size = writer.size - 1;
    }
    return writer.text;
}
