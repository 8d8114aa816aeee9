/* sheet.h - a picture as ink on paper, from which what is no digit can be removed. */
#ifndef DATA_SHEET_H
#define DATA_SHEET_H

#include "nablas/image.h"

#include <stdint.h>

/* How far each pixel stands out from the paper on the side of the ink, in levels, in the light of the
 * sheet's edge. */
typedef struct nb_sheet {
    size_t width, height;
    size_t step;       /* a pixel here is step x step pixels of the picture, their mean */
    float *ink;        /* (height,width) */
    double none, full; /* where ink begins and is full */
} nb_sheet;

/* Pixels left ... left+width-1, top ... top+height-1. */
typedef struct nb_box {
    size_t left, top, width, height;
} nb_box;

/* nb_sheet_create - sheet.c: find the paper and how it is lit, and what stands out from it.
 * nb_sheet_weigh - `full` once more: for what ink is left. */
nb_status nb_sheet_create(nb_sheet *sheet, const nb_image *image);
void nb_sheet_destroy(nb_sheet *sheet);
void nb_sheet_weigh(nb_sheet *sheet);

/* nb_sheet_level - how much ink pixel i holds, 0 to 1. */
double nb_sheet_level(const nb_sheet *sheet, size_t i);

/* nb_sheet_erase_lines - lines.c: remove straight thin lines that run from edge to edge. */
nb_status nb_sheet_erase_lines(nb_sheet *sheet);

/* A digit: the pixels of its box that have its name. */
typedef struct nb_part {
    nb_box box;
    int name;
} nb_part;

typedef struct nb_parts {
    size_t count;
    nb_part *part;  /* (count) in reading order */
    int32_t *owner; /* (height,width) a part's name; 0 for little or no ink */
} nb_parts;

/* nb_parts_find - parts.c: the digits, and which pixel belongs to which. Frames, specks and what
 * reaches in from the edge are removed from the sheet. */
nb_status nb_parts_find(nb_parts *parts, nb_sheet *sheet);
void nb_parts_destroy(nb_parts *parts);

#endif
