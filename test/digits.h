/* digits.h - a small stand-in for MNIST: images of (3,4) pixels. */
#ifndef TEST_DIGITS_H
#define TEST_DIGITS_H

#include <stddef.h>
#include <stdint.h>

enum { DIGIT_ROWS = 3, DIGIT_COLUMNS = 4, DIGIT_PIXELS = 12 };

/* Images first ... first+n-1, (n,3,4) bytes, and their labels, (n). With i the image and j the
 * pixel label = (7 i + 3) mod 10,  pixel = (37 i + 101 j) mod 128 + (j = label ? 127 : 0) */
static inline void make_digits(size_t first, size_t n, uint8_t *images, uint8_t *labels)
{
    for (size_t i = first; i < first + n; i++) {
        const size_t label = (7 * i + 3) % 10;
        *labels++ = (uint8_t)label;
        for (size_t j = 0; j < DIGIT_PIXELS; j++)
            *images++ = (uint8_t)((37 * i + 101 * j) % 128 + (j == label ? 127 : 0));
    }
}

#endif
