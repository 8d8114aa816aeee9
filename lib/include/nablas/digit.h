/* digit.h - a handwritten digit in any picture, made into what a network trained on MNIST knows.
 *
 *     nb_image image;
 *     uint8_t digit[NB_DIGIT_PIXELS];
 *     nb_status status = nb_image_read("my7.jpg", 4, &image);
 *     if (!status) status = nb_digit_from_image(&image, digit);
 *     nb_image_destroy(&image);
 *
 * The bytes are as in MNIST's own files: an nb_dataset over them (nablas/mnist.h) makes them a
 * network's input. */
#ifndef NABLAS_DIGIT_H
#define NABLAS_DIGIT_H

#include "nablas/image.h"
#include "nablas/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NB_DIGIT_SIDE 28 /* of MNIST's images */
#define NB_DIGIT_BOX 20  /* of the square in their middle that a digit fits */
#define NB_DIGIT_PIXELS (NB_DIGIT_SIDE * NB_DIGIT_SIDE)

/* nb_digit_from_image - crop the digit, fit it into 20x20 keeping its proportions, and put it into
 *                       28x28 so that its centre of mass is in pixel (14, 14), as in MNIST.
 *
 *   image  in   one digit and nothing else, of any size: dark on light or light on dark, in colour
 *               (by luminance) or grey; what is transparent becomes white, or black if that shows
 *               the digit more than twice as clearly. Read a file with 4 channels to keep its alpha
 *   digit  out  (28,28) bytes, 0 paper to 255 ink
 *
 * Paper is the median of the picture's outermost pixels, p, and m their median distance from it.
 * With d the distance of each pixel from p, ink lies on the side, darker or lighter, of the larger
 * sum of d^3, and its full strength is F = sum d^4 / sum d^3 there. Ink grows linearly from 0 at
 * d = 4m, which noise seldom reaches, to 1 at F; the digit is cropped to where it exceeds a
 * quarter. A smaller picture is made by exact area averages, and its darkest pixel full ink, so
 * that thin strokes are seen. The digit moves by whole pixels, and never out of the picture.
 * (MNIST's own images pass with small changes: the book's network gets 9358 of 10000 right instead
 * of 9352.)
 *
 * Errors: NB_EINVAL an image without pixels or of other than 1, 3, 4 channels, or nothing stands
 *         out from the paper: F - 4m below 16 of 255; NB_ENOMEM. digit is then untouched.
 * Cost:   three passes over the image, and its size once more in memory (one byte a pixel).
 * Source: LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86 (1998), III.A, for size and centre. */
nb_status nb_digit_from_image(const nb_image *image, uint8_t *digit);

typedef struct nb_digit {
    size_t left, top, width, height; /* where it is in the picture */
    uint8_t pixels[NB_DIGIT_PIXELS]; 
} nb_digit;
nb_status nb_digits_from_image(const nb_image *image, size_t most, nb_digit *digits, size_t *count);

#ifdef __cplusplus
}
#endif
#endif
