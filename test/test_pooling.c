#include "support.h"

#include "nablas/convolution.h"

#include <stdlib.h>

/* 2 x 2 with stride 2 on even and odd images, then overlaps, gaps, padding, whole windows in it. */
#define WINDOW(C, H, W, FH, FW, SY, SX, PY, PX) \
    {                                           \
        C, H, W, FH, FW, SY, SX, PY, PX, 0, 0   \
    }
static const nb_window all_windows[] = {
    WINDOW(1, 2, 2, 2, 2, 2, 2, 0, 0),   WINDOW(3, 24, 24, 2, 2, 2, 2, 0, 0),
    WINDOW(2, 28, 28, 2, 2, 2, 2, 0, 0), WINDOW(2, 9, 13, 2, 2, 2, 2, 0, 0),
    WINDOW(2, 8, 7, 2, 2, 2, 2, 0, 0),   WINDOW(2, 9, 8, 3, 3, 2, 2, 0, 0),
    WINDOW(2, 7, 6, 3, 2, 1, 1, 1, 1),   WINDOW(1, 11, 11, 2, 3, 4, 5, 0, 2),
    WINDOW(2, 3, 3, 2, 2, 1, 1, 3, 3),   WINDOW(3, 8, 8, 8, 8, 1, 1, 0, 0),
    WINDOW(1, 1, 1, 1, 1, 1, 1, 0, 0),   WINDOW(2, 6, 6, 2, 2, 2, 2, 1, 0),
};
enum { windows = COUNT(all_windows) };

static nb_window window_at(size_t i)
{
    nb_window w = all_windows[i];
    assert_ok(nb_window_fit(&w));
    return w;
}

#define NB_REAL_SINGLE
#include "xpooling.h"
#undef NB_REAL_SINGLE
#include "xpooling.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(pooling_is_taken_of_im2cols_rows),
        BOTH(gradients_go_back_through_col2im),
        BOTH(pairs_are_pooled_alike_on_every_machine),
        BOTH(a_winner_outside_of_the_window_gets_nothing),
        BOTH(pooling_refuses_before_it_writes),
    };
    return cmocka_run_group_tests_name("pooling", tests, NULL, NULL);
}
