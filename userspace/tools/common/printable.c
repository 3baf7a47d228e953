// SPDX-License-Identifier: GPL-2.0
/*
 * A program chooses its name, and shall not write to our terminal with it. UTF-8 is decoded
 * here, as the C library needs files of a locale for it, which guests and containers lack.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "printable.h"

/* The length of the character at @text in bytes, 0 if that is not UTF-8. */
static size_t decode(const unsigned char *text, unsigned long *c)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *text < 0x80 ? 1 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;

	if ((*text & 0xc0) == 0x80 || *text >= 0xf8)
		return 0;
	*c = length == 1 ? *text : *text & 0x7f >> length;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (text[i] & 0x3f);
	}
	return *c < least[length] || *c > 0x10ffff || (*c & ~0x7ffUL) == 0xd800 ? 0 : length;
}

/* Control characters, and what breaks a line or turns the direction of writing. */
static bool is_printable(unsigned long c)
{
	return c >= ' ' && (c < 0x7f || c >= 0xa0) && (c < 0x2028 || c > 0x202e) &&
	       (c < 0x2066 || c > 0x2069) && c != 0x200e && c != 0x200f;
}

void make_printable(char *text)
{
	char *to = text;

	while (*text) {
		unsigned long c;
		size_t length = decode((unsigned char *)text, &c);

		if (!length || !is_printable(c)) {
			*to++ = '?';
			text += length ? length : 1;
			continue;
		}
		memmove(to, text, length);
		to += length;
		text += length;
	}
	*to = 0;
}
