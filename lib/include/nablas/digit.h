/* digit.h - find handwritten digits in a picture and convert them to MNIST's form.
 *
 *     nb_image image;
 *     nb_digit digits[8];
 *     size_t count;
 *     nb_status status = nb_image_read("numbers.jpg", 4, &image);
 *     if (!status) status = nb_digits_from_image(&image, 8, digits, &count);
 *     nb_image_destroy(&image);
 *
 * The bytes are as in MNIST's own files: an nb_dataset over them (nablas/mnist.h) makes them a
 * network's input. */
#ifndef NABLAS_DIGIT_H
#define NABLAS_DIGIT_H

#include "nablas/image.h"
#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

#define NB_DIGIT_SIDE 28 /* of MNIST's images */
#define NB_DIGIT_BOX 20  /* of the square in their middle that a digit fits */
#define NB_DIGIT_PIXELS (NB_DIGIT_SIDE * NB_DIGIT_SIDE)

/* A digit of a picture: 28x28 bytes, 0 paper to 255 ink, and its box in the picture's pixels. */
typedef struct nb_digit {
    size_t left, top, width, height;
    uint8_t pixels[NB_DIGIT_PIXELS]; /* (28,28) */
} nb_digit;

/* nb_digits_from_image - the digits in a picture, in rows from above and from left to right in each:
 *                        crop each, fit it into 20x20 keeping its proportions, and put it into 28x28
 *                        so that its centre of mass is in pixel (14, 14), as in MNIST.
 * nb_digit_from_image - the same for a picture of one digit and no more.
 *
 *   image   in   of any size: dark on light or light on dark, in colour (by luminance) or grey; what
 *                is transparent becomes white, or black if that shows the digits more than twice as
 *                clearly. Read a file with 4 channels to keep its alpha
 *   most    in   room in digits; >= 0
 *   digits  out  the first `most` of them; NULL if most = 0
 *   count   out  how many there are in the picture, also if that is more than `most`; 0 on error
 *   digit   out  (28,28) bytes
 *
 * Size. Pictures of more than 2^20 pixels are reduced to means of k x k pixels, with the smallest
 * sufficient k. If noise exceeds a quarter of full ink, means of 2k x 2k, 4k x 4k ... are used, as long
 * as the shorter side keeps 100 pixels.
 *
 * Paper. The edge is a border of a sixteenth of the shorter side. The brightness of the paper is the
 * median of the edge, or a surface c0 + c1 u + c2 v + c3 u^2 + c4 uv + c5 v^2 with the least sum of
 * distances, if this reduces the median distance to less than 0.8. If the edge differs from the paper
 * by more than twice its grain (the difference of neighbouring pixels), there are shadows; the paper
 * is then a morphological closing over a third of the shorter side (for light ink, an opening). As ink
 * absorbs a part of the light, distances d from the paper are scaled to the light at the edge,
 * d (p + 16) / (paper + 16), with p the median of the paper at the edge.
 *
 * Ink. Ink is darker or lighter than the paper: the side with the larger sum of d^3. Its full strength
 * is F = sum d^4 / sum d^3 on this side. With m the median of d at the edge, ink grows linearly from 0
 * at d = 4m, which noise seldom reaches, to 1 at F. Connected pixels above a quarter are a stroke.
 *
 * These are not digits: straight lines from edge to edge, within 10 degrees of vertical or horizontal,
 * thinner than a twentieth of their length; a shape that surrounds a stroke of a third of its height (a
 * frame); a shape at the edge, if there is another of a sixth of the picture's height that does not
 * touch the edge; a shape of less than half the height of the tallest, less than a fifth of the pixels
 * of the largest, or less than 1/32 of the picture's side. Strokes that overlap, or nearly, are one
 * digit (a broken stroke, a bar). Digits that touch are read as one, an empty frame as a 0.
 *
 * The digit is reduced by exact area averages, and its darkest pixel is set to full ink. Strokes
 * thinner than 1.5 pixels of 28x28, as in 1 % of MNIST's images, are first widened to 2. The digit is
 * shifted by whole pixels, and stays within the 28x28. (MNIST's own images change little: the book's
 * network gets 9357 of 10000 right instead of 9352; one image, a 4 of two parts, becomes two digits.)
 *
 * Errors: NB_EINVAL a NULL pointer, an image without pixels or of other than 1, 3, 4 channels,
 *         no visible ink on the paper (F - 4m below 16 of 255, or no ink is left);
 *         nb_digit_from_image: several digits. NB_ENOMEM. digit is then untouched.
 * Cost:   some ten passes over the picture, or over 2^20 pixels if it is larger, and about 20 bytes a
 *         pixel; lines take 0.18 times the picture's side for each thin stroke's pixel. A
 *         photograph of 12 million pixels takes a third of a second.
 * Source: LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86 (1998), III.A, for size and centre; lines by
 *         votes: Hough, US patent 3069654 (1962); closing: Serra, Image Analysis and Mathematical
 *         Morphology (1982). */
nb_status nb_digits_from_image(const nb_image *image, size_t most, nb_digit *digits, size_t *count);
nb_status nb_digit_from_image(const nb_image *image, uint8_t *digit);

NB_END_DECLS
#endif
