/* batch_accuracy - predictions for a whole batch: argmax along rows, and how many are right
 * (3.6.3). */
#include "common.h"
#include "print.h"

enum { N = 4, CLASSES = 3 };

int main(int argc, char **argv)
{
    page p;
    page_begin_text(&p, argc, argv,
                    "argmax of each row of a batch, and the share of right ones (3.6.3).", NULL);

    const double x[N][CLASSES] = {
        {0.1, 0.8, 0.1}, {0.3, 0.1, 0.6}, {0.2, 0.5, 0.3}, {0.8, 0.1, 0.1}};
    const int32_t labels[N] = {1, 2, 0, 0};
    int64_t answers[N], targets[N];
    bool right[N];
    for (int i = 0; i < N; i++) {
        answers[i] = (int64_t)nb_dargmax(CLASSES, x[i]);
        targets[i] = labels[i];
        right[i] = answers[i] == targets[i];
    }
    const nb_tensor y = nb_tensor_view(NB_INT64, NB_SHAPE(N), answers);
    const nb_tensor t = nb_tensor_view(NB_INT64, NB_SHAPE(N), targets);
    print_matrix("x", N, CLASSES, *x);
    print_tensor("y = np.argmax(x, axis=1)", &y);
    print_tensor("t", &t);
    print_bools("y == t", 0, N, right);

    size_t count; /* the same on the scores themselves, as a run counts them */
    page_check(&p, nb_dcount_correct(N, CLASSES, *x, CLASSES, labels, &count));
    printf("np.sum(y == t) = %zu\n", count);
    printf("accuracy = %s\n", repr((double)count / N));
    return page_end(&p);
}
