"""Shorter ways through QuickJS's JSON: an event is parsed at the start of every call, and mostly written out at its end.

What takes them comes out as before: a text that needs no escape is copied and not gone through character by character, and a
number that a double holds exactly before it is scaled needs no arithmetic of 128 bits, which WebAssembly has not.
"""

from __future__ import annotations

__all__ = ["SHORTCUTS"]

QUOTING = """\
    for(i = 0; i < p->len; ) {
        c = string_getc(p, &i);
        switch(c) {
        case '\\t':
"""
QUOTING_RUNS = """\
    for(i = 0; i < p->len; ) {
        if (!p->is_wide_char) {
            const uint8_t *text = str8(p);
            int from = i;
            while (i < p->len && text[i] >= 32 && text[i] != '"' && text[i] != '\\\\')
                i++;
            if (i > from) {
                if (string_buffer_write8(b, text + from, i - from))
                    goto fail;
                continue;
            }
        }
        c = string_getc(p, &i);
        switch(c) {
        case '\\t':
"""

SCANNED = "    s->token.u.num.val = js_float64(strtod((const char *)p_start, NULL));\n"
DIVIDED = """\
    s->token.u.num.val = json_short_number(p_start, p);
    if (JS_IsUndefined(s->token.u.num.val))
        s->token.u.num.val = js_float64(strtod((const char *)p_start, NULL));
"""
NUMBER = "static int json_parse_number(JSParseState *s, const uint8_t **pp)\n{"
SHORT_NUMBER = """\
/* A number of at most 15 digits without an exponent: they and the power of ten are exact as doubles, so that dividing the one
   by the other rounds once, as strtod does (Clinger 1990). Undefined for any other. */
static JSValue json_short_number(const uint8_t *at, const uint8_t *end)
{
    static const double tens[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    bool negative = *at == '-', fraction = false;
    int count = 0, scale = 0;
    uint64_t digits = 0;
    double value;

    for (at += negative || *at == '+'; at < end; at++) {
        if (*at == '.') {
            fraction = true;
        } else if (is_digit(*at) && count < 15) {
            digits = digits * 10 + (*at - '0');
            count++;
            scale += fraction;
        } else {
            return JS_UNDEFINED;
        }
    }
    if (!fraction && digits <= INT32_MAX && !(negative && digits == 0))
        return js_int32(negative ? -(int32_t)digits : (int32_t)digits);
    value = (double)digits / tens[scale];
    return js_float64(negative ? -value : value);
}

"""

SHORTCUTS = ((QUOTING, QUOTING_RUNS), (SCANNED, DIVIDED), (NUMBER, SHORT_NUMBER + NUMBER))
"""[QuickJS's source, ours], each found exactly once."""
