"""What QuickJS's errors say, in the words of V8: functions compare messages, log them and send them on.

Only what QuickJS knows where it throws is said as V8 says it; which expression was not a function it does not know.
"""

from __future__ import annotations

__all__ = ["HERE_AND_THERE", "ONCE", "worded"]

UNEXPECTED = r"""
/* The token where JSON ends to be JSON, with as much of the text round it as V8 shows. */
static int json_unexpected(JSParseState *s, const uint8_t *at)
{
    static const char literals[3][6] = { "true", "false", "null" };
    const int around = 10;
    const uint8_t *text = s->buf_start, *stop = s->buf_end, *from = text, *to = stop, *next;
    int i, length = 0, size = stop - text;

    if ((size == 9 && !memcmp(text, "undefined", 9)) || (size == 15 && !memcmp(text, "[object Object]", 15)))
        return js_parse_error(s, "\"%.*s\" is not valid JSON", size, text);
    for (i = 0; i < 3; i++) {
        const char *literal = literals[i];
        if (at < stop && *at == *literal) {
            while (at < stop && *literal && *at == *literal)
                at++, literal++;
            break;
        }
    }
    if (at >= stop)
        return js_parse_error(s, "Unexpected end of JSON input");
    for (next = text; next < stop; next++)
        length += (*next & 0xC0) != 0x80;
    for (next = at + 1; next < stop && (*next & 0xC0) == 0x80;)
        next++;
    if (length > 2 * around) {
        for (from = at, i = 0; from > text && i < around; i++)
            while (--from > text && (*from & 0xC0) == 0x80)
                ;
        for (to = at, i = 0; to < stop && i < around; i++)
            while (++to < stop && (*to & 0xC0) == 0x80)
                ;
    }
    return js_parse_error(s, "Unexpected token '%.*s', %s\"%.*s\"%s is not valid JSON", (int)(next - at), at,
                          from > text ? "..." : "", (int)(to - from), from, to < stop ? "..." : "");
}

"""
STRING = "static int json_parse_string(JSParseState *s, const uint8_t **pp)\n{"
HIGH = """                js_parse_error(s, "Unexpected token '\\\\x%02x' in JSON", *p);
            } else {
                if (c > 0xFFFF) {
                    c = get_hi_surrogate(c);
                }
                js_parse_error(s, "Unexpected token '\\\\u%04x' in JSON", c);
"""
CONSTANT = """                if (type == JS_THROW_VAR_RO)
                    JS_ThrowTypeErrorReadOnly(ctx, JS_PROP_THROW, atom);
"""

ONCE = (
    (STRING, UNEXPECTED.lstrip("\n") + STRING),
    (
        """return js_parse_error(s, "%s in JSON at position %d (line %d column %d)",
                          msg, position, line, (int)(p - line_start) + 1);""",
        'return js_parse_error(s, "%s in JSON at position %d", msg, position);',
    ),
    (
        """js_parse_error(s, "unexpected token: '%.*s'",
                           (int)(s->buf_ptr - s->token.ptr), s->token.ptr);""",
        "json_unexpected(s, s->token.ptr);",
    ),
    ("""js_parse_error(s, "Unexpected token '%c'", *p_start)""", "json_unexpected(s, p_start)"),
    (
        HIGH,
        "                json_unexpected(s, p);\n            } else {\n                json_unexpected(s, p);\n",
    ),
    (
        """ end_of_input:
    js_parse_error(s, "Unexpected end of JSON input");""",
        """ end_of_input:
    json_parse_error(s, p, "Unterminated string");""",
    ),
    (
        'js_parse_error(s, "unexpected data at the end")',
        """js_parse_error(s, "Unexpected non-whitespace character after JSON at position %d",
                           (int)(s->token.ptr - s->buf_start))""",
    ),
    (
        """json_parse_error(s, s->token.ptr, "Expected property name or '}'");""",
        """json_parse_error(s, s->token.ptr, JS_VALUE_GET_OBJ(val)->shape->prop_count
                                         ? "Expected double-quoted property name" : "Expected property name or '}'");""",
    ),
    ('json_parse_error(s, p, "No number after', 'json_parse_error(s, p + 1, "No number after'),
    (
        """            json_parse_error(s, p, "Unexpected number");
            goto fail;""",
        """            json_parse_error(s, p + 1, "Unexpected number");
            goto fail;""",
    ),
    (
        CONSTANT,
        """                if (type == JS_THROW_VAR_RO)
                    JS_ThrowTypeError(ctx, "Assignment to constant variable.");
""",
    ),
    ('"%s is not initialized"', "\"Cannot access '%s' before initialization\""),
    ("\"'%s' is read-only\"", "\"Cannot assign to read only property '%s' of object\""),
    ('"empty array"', '"Reduce of empty array with no initial value"'),
    ('"invalid repeat count"', '"Invalid count value"'),
    ('"cannot convert symbol to string"', '"Cannot convert a Symbol value to a string"'),
    ('"cannot convert symbol to number"', '"Cannot convert a Symbol value to a number"'),
    ('"cannot convert BigInt to number"', '"Cannot mix BigInt and other types, use explicit conversions"'),
)
"""[QuickJS's source, ours], each found exactly once."""

HERE_AND_THERE = (
    ("\"cannot read property '%s' of null\"", "\"Cannot read properties of null (reading '%s')\""),
    ("\"cannot read property '%s' of undefined\"", "\"Cannot read properties of undefined (reading '%s')\""),
    ("\"cannot set property '%s' of null\"", "\"Cannot set properties of null (setting '%s')\""),
    ("\"cannot set property '%s' of undefined\"", "\"Cannot set properties of undefined (setting '%s')\""),
    ('"cannot convert to object"', '"Cannot convert undefined or null to object"'),
    ('"invalid array length"', '"Invalid array length"'),
    ('"expecting hex digit"', '"URI malformed"'),
    ('"expecting %%"', '"URI malformed"'),
    ('"malformed UTF-8"', '"URI malformed"'),
    ('"expecting surrogate pair"', '"URI malformed"'),
)
"""[QuickJS's source, ours], each found at least once."""


def worded(source: str) -> str:
    """QuickJS's quickjs.c with these words.

    Raises:
        SystemExit: it is not the source that they were written for.
    """
    for given, ours in (*ONCE, *HERE_AND_THERE):
        found = source.count(given)
        if not found or (found > 1 and (given, ours) in ONCE):
            raise SystemExit(f"quickjs.c has {found} times what an error's words are changed at: {given}")
        source = source.replace(given, ours)
    return source
