/* frame.h - the distances between axes, ticks and labels, which layout.c adds up and frame.c draws.
 */
#ifndef PLOT_FRAME_H
#define PLOT_FRAME_H

enum {
    NB_PAD = 8,       /* from the edge of the cell */
    NB_TICK = 4,      /* length of a tick */
    NB_TICK_GAP = 4,  /* from a tick to its text */
    NB_LABEL_GAP = 8, /* from tick texts to the label */
    NB_TITLE_GAP = 9, /* from the title to the axes */
    NB_SIDE_GAP = 10, /* from the axes to a colour bar or a legend beside them */
    NB_BAR = 14       /* width of a colour bar */
};

#endif
