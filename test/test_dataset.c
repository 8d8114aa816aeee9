#include "support.h"

#include "nablas/dataset.h"
#include "nablas/kernels.h"
#include "nablas/memory.h"
#include "nablas/packed.h"
#include "nablas/train.h"

#include <math.h>

/* Samples (N, WIDTH), numbers that each type holds exactly, and labels of CLASSES classes. */
enum { N = 23, WIDTH = 6, CLASSES = 3 };

static const nb_dtype all_types[] = {NB_UINT8, NB_INT8,    NB_INT16,  NB_INT32,
                                     NB_INT64, NB_FLOAT32, NB_FLOAT64};
static const nb_dtype reals[] = {NB_FLOAT32, NB_FLOAT64};

static double sample(size_t i, size_t j, nb_dtype dtype)
{
    const double whole = (double)((37 * i + 11 * j) % 101);
    if (dtype == NB_UINT8) return whole;
    return dtype == NB_FLOAT32 || dtype == NB_FLOAT64 ? whole / 8 - 5 : whole - 50;
}

static size_t label(size_t i)
{
    return (i * i + i / 3) % CLASSES;
}

static double number(const nb_tensor *t, size_t i)
{
    double value;
    nb_tensor one = nb_tensor_view(NB_FLOAT64, NB_SCALAR, &value);
    nb_tensor from =
        nb_tensor_view(t->dtype, NB_SCALAR, (char *)t->data + i * nb_dtype_size(t->dtype));
    assert_ok(nb_tensor_convert(&from, &one));
    return value;
}

static nb_tensor tensor_of(nb_dtype dtype, nb_shape shape)
{
    nb_tensor t;
    assert_ok(nb_tensor_create(&t, dtype, shape));
    return t;
}

/* A tensor of that type with these doubles, cut as nb_tensor_convert does. */
static nb_tensor cast_of(nb_dtype dtype, nb_shape shape, double *numbers)
{
    nb_tensor to = tensor_of(dtype, shape);
    const nb_tensor from = nb_tensor_view(NB_FLOAT64, shape, numbers);
    assert_ok(nb_tensor_convert(&from, &to));
    return to;
}

static nb_dataset make(nb_dtype x, nb_dtype t)
{
    double numbers[N * WIDTH], labels[N];
    for (size_t i = 0; i < N; i++) {
        labels[i] = (double)label(i);
        for (size_t j = 0; j < WIDTH; j++) numbers[i * WIDTH + j] = sample(i, j, x);
    }
    return (nb_dataset){.x = cast_of(x, NB_SHAPE(N, WIDTH), numbers),
                        .t = cast_of(t, NB_SHAPE(N), labels),
                        .classes = CLASSES};
}

static void destroy(nb_dataset *d)
{
    nb_tensor_destroy(&d->x);
    nb_tensor_destroy(&d->t);
}

/* --- samples ---------------------------------------------------------------------------------- */

/* Pixels are float32 quotients in both precisions: NumPy's np.float32(b) / np.float32(255). */
static void pixels_are_single_precision_quotients(void **state)
{
    (void)state;
    static const struct {
        uint8_t byte;
        double quotient;
    } known[] = {{0, 0.0},
                 {1, 0.003921568859368563},
                 {127, 0.49803921580314636},
                 {200, 0.7843137383460999},
                 {254, 0.9960784316062927},
                 {255, 1.0}};
    uint8_t image[6], digit = 3;
    float single[6];
    double twice[6];
    for (size_t i = 0; i < 6; i++) image[i] = known[i].byte;
    nb_dataset d = {.x = nb_tensor_view(NB_UINT8, NB_SHAPE(1, 6), image),
                    .t = nb_tensor_view(NB_UINT8, NB_SHAPE(1), &digit),
                    .scale = 255,
                    .classes = 10};
    nb_tensor s = nb_tensor_view(NB_FLOAT32, NB_SHAPE(1, 6), single);
    nb_tensor t = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 6), twice);
    assert_ok(nb_dataset_range(&d, 0, 1, &s, NULL));
    assert_ok(nb_dataset_range(&d, 0, 1, &t, NULL));
    for (size_t i = 0; i < 6; i++) {
        assert_near((double)single[i], known[i].quotient, 0);
        assert_near(twice[i], known[i].quotient, 0);
    }
    for (int k = 0; k < 2; k++) {
        d.scale = k;
        assert_ok(nb_dataset_range(&d, 0, 1, &s, NULL));
        assert_ok(nb_dataset_range(&d, 0, 1, &t, NULL));
        for (size_t i = 0; i < 6; i++) {
            assert_near((double)single[i], known[i].byte, 0);
            assert_near(twice[i], known[i].byte, 0);
        }
    }
}

/* x / scale, of an integer in single precision, in both; of a real number in the batch's. */
static double want(nb_dtype from, nb_dtype to, double value, double scale)
{
    const bool real = from == NB_FLOAT32 || from == NB_FLOAT64;
    if (!real && scale != 1) return (double)((float)value / (float)scale);
    return to == NB_FLOAT32 ? (double)(float)(value / scale) : value / scale;
}

/* Every type of samples, into both precisions, without a single allocation; an index may repeat and
 * the batch be larger than the set. */
static void samples_of_any_type_are_scaled(void **state)
{
    (void)state;
    static const double scales[] = {0, 1, 3, 255, 0.125};
    size_t index[2 * N];
    for (size_t i = 0; i < 2 * N; i++) index[i] = (i * i + 5) % N;
    for (size_t c = 0; c < COUNT(all_types) * COUNT(reals) * COUNT(scales); c++) {
        const nb_dtype from = all_types[c % COUNT(all_types)];
        const nb_dtype to = reals[c / COUNT(all_types) % COUNT(reals)];
        const double scale = scales[c / COUNT(all_types) / COUNT(reals)];
        nb_dataset d = make(from, NB_INT32);
        nb_tensor x = tensor_of(to, nb_dataset_x_shape(&d, 2 * N));
        d.scale = scale;
        memset(x.data, 0xff, nb_tensor_count(&x) * nb_dtype_size(to));
        support_allocator_start(1);
        nb_status status = nb_dataset_gather(&d, 2 * N, index, &x, NULL);
        support_allocator_stop();
        assert_ok(status);
        for (size_t i = 0; i < 2 * N; i++)
            for (size_t j = 0; j < WIDTH; j++)
                assert_near(number(&x, i * WIDTH + j),
                            want(from, to, sample(index[i], j, from), scale == 0 ? 1 : scale), 0);
        nb_tensor_destroy(&x);
        destroy(&d);
    }
}

static void samples_keep_their_shape(void **state)
{
    (void)state;
    nb_dataset d = make(NB_FLOAT64, NB_UINT8);
    static const size_t some[] = {22, 0, 7};
    d.x.shape = NB_SHAPE(N, 1, 2, 3);
    nb_tensor x = tensor_of(NB_FLOAT64, NB_SHAPE(3, 1, 2, 3));
    assert_true(nb_shape_equal(nb_dataset_x_shape(&d, 3), x.shape));
    assert_ok(nb_dataset_gather(&d, 3, some, &x, NULL));
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < WIDTH; j++)
            assert_near(number(&x, i * WIDTH + j), sample(some[i], j, NB_FLOAT64), 0);
    x.shape = NB_SHAPE(3, WIDTH);
    assert_fails(NB_ESHAPE, "x is (3, 6), expected (3, 1, 2, 3)",
                 nb_dataset_gather(&d, 3, some, &x, NULL));
    nb_tensor_destroy(&x);
    destroy(&d);
}

/* --- targets ---------------------------------------------------------------------------------- */

static void labels_of_any_integer_type_are_handed_over(void **state)
{
    (void)state;
    size_t index[N];
    for (size_t i = 0; i < N; i++) index[i] = (7 * i + 4) % N;
    for (size_t c = 0; c < 5; c++)
        for (size_t r = 0; r < 2; r++) {
            nb_dataset d = make(NB_FLOAT32, all_types[c]);
            nb_tensor t = tensor_of(NB_INT32, nb_dataset_t_shape(&d, N));
            assert_ok(nb_dataset_check(&d, "training"));
            assert_true(nb_shape_equal(t.shape, NB_SHAPE(N)));
            assert_ok(nb_dataset_gather(&d, N, index, NULL, &t));
            for (size_t i = 0; i < N; i++) assert_near(number(&t, i), (double)label(index[i]), 0);
            nb_tensor_destroy(&t);
            d.one_hot = true;
            t = tensor_of(reals[r], nb_dataset_t_shape(&d, N));
            memset(t.data, 0xff, nb_tensor_count(&t) * nb_dtype_size(t.dtype));
            assert_true(nb_shape_equal(t.shape, NB_SHAPE(N, CLASSES)));
            assert_ok(nb_dataset_gather(&d, N, index, NULL, &t));
            for (size_t i = 0; i < N; i++)
                for (size_t k = 0; k < CLASSES; k++)
                    assert_near(number(&t, i * CLASSES + k), label(index[i]) == k, 0);
            nb_tensor_destroy(&t);
            destroy(&d);
        }
}

static void there_are_as_many_classes_as_one_likes(void **state)
{
    (void)state;
    static const size_t classes[] = {1, 2, 11, 1000, 70000, INT32_MAX};
    for (size_t c = 0; c < COUNT(classes); c++) {
        const int64_t last = (int64_t)classes[c] - 1;
        int64_t labels[] = {0, last, last / 2};
        float x[3] = {0};
        int32_t got[3];
        nb_dataset d = {.x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 1), x),
                        .t = nb_tensor_view(NB_INT64, NB_SHAPE(3), labels),
                        .classes = classes[c]};
        nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(3), got);
        assert_ok(nb_dataset_check(&d, "a"));
        assert_ok(nb_dataset_range(&d, 0, 3, NULL, &t));
        for (size_t i = 0; i < 3; i++) assert_int_equal(got[i], labels[i]);
        labels[1] = last + 1;
        assert_fails(NB_ERANGE, "label 1 is", nb_dataset_check(&d, "a"));
        assert_fails(NB_ERANGE, "label 1 is", nb_dataset_range(&d, 0, 3, NULL, &t));
    }
}

/* (n) is handed over as (n, 1), (n, m) as it is, from any type into both precisions. */
static void targets_may_be_numbers(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNT(all_types); c++)
        for (size_t r = 0; r < 2; r++)
            for (size_t m = 0; m <= 4; m++) {
                const size_t columns = m ? m : 1;
                double numbers[N * 4];
                nb_dataset d = make(NB_UINT8, NB_UINT8);
                nb_tensor_destroy(&d.t);
                for (size_t i = 0; i < N * columns; i++) numbers[i] = sample(i, 3, all_types[c]);
                d.t = cast_of(all_types[c], m ? NB_SHAPE(N, m) : NB_SHAPE(N), numbers);
                d.classes = 0;
                nb_tensor t = tensor_of(reals[r], NB_SHAPE(N - 2, columns));
                assert_ok(nb_dataset_check(&d, "training"));
                assert_true(nb_shape_equal(nb_dataset_t_shape(&d, N - 2), t.shape));
                assert_ok(nb_dataset_range(&d, 2, N, NULL, &t));
                for (size_t i = 0; i < (N - 2) * columns; i++)
                    assert_near(number(&t, i), number(&d.t, i + 2 * columns), 0);
                nb_tensor_destroy(&t);
                destroy(&d);
            }
}

/* --- what is no dataset ----------------------------------------------------------------------- */

static void a_wrong_set_is_refused(void **state)
{
    (void)state;
    const nb_dataset good = make(NB_FLOAT32, NB_INT16), targets = make(NB_FLOAT32, NB_FLOAT32);
    nb_dataset d = good;
    const nb_tensor none = {0};
    assert_fails(NB_EINVAL, "training set: NULL", nb_dataset_check(NULL, "training"));
    assert_ok(nb_dataset_check(&good, NULL));
    d.x = none;
    assert_fails(NB_EINVAL, "training set: no samples", nb_dataset_check(&d, "training"));
    assert_int_equal(nb_dataset_count(&d), 0);
    d = good;
    d.t = none;
    assert_fails(NB_EINVAL, "no targets", nb_dataset_check(&d, "training"));
    for (int more = -1; more <= 1; more += 2) {
        d = good;
        d.t.shape.dim[0] = (size_t)((int)N + more);
        assert_fails(NB_ESHAPE, more < 0 ? "x is (23, 6), t is (22,)" : "x is (23, 6), t is (24,)",
                     nb_dataset_check(&d, "training"));
    }
    const nb_shape shapes[] = {NB_SCALAR,
                               NB_SHAPE(N * WIDTH),
                               NB_SHAPE(0, WIDTH),
                               NB_SHAPE(N, 0),
                               NB_SHAPE(N, WIDTH, 0),
                               {NB_MAX_DIMS, {N}},
                               {NB_MAX_DIMS + 1, {N}}};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        d = good;
        d.x.shape = shapes[i];
        assert_fails(NB_ESHAPE, "expected (n, ...) and as many targets",
                     nb_dataset_check(&d, "training"));
    }
    d = good;
    d.x.dtype = (nb_dtype)99;
    assert_fails(NB_EDTYPE, "x is unknown type", nb_dataset_check(&d, "training"));
    d = good;
    d.t.shape = NB_SHAPE(N, 1);
    assert_fails(NB_ESHAPE, "labels of 3 classes are int16 (23, 1), expected integers (n,)",
                 nb_dataset_check(&d, "training"));
    d = targets;
    assert_fails(NB_EDTYPE, "labels of 3 classes are float32 (23,)",
                 nb_dataset_check(&d, "training"));
    d.classes = 0;
    assert_ok(nb_dataset_check(&d, "training"));
    d.t.shape = NB_SHAPE(N, 1, 1);
    assert_fails(NB_ESHAPE, "targets are (23, 1, 1)", nb_dataset_check(&d, "training"));
    d.t.shape = NB_SHAPE(N, 0);
    assert_fails(NB_ESHAPE, "targets are (23, 0)", nb_dataset_check(&d, "training"));
    nb_dataset all[] = {good, targets};
    destroy(&all[0]);
    destroy(&all[1]);
}

/* An integer is divided in single precision, so that the scale must be a number there. */
static void a_scale_is_a_positive_number(void **state)
{
    (void)state;
    static const double never[] = {-1, -0x1p-300, (double)NAN, (double)INFINITY, -(double)INFINITY};
    static const double not_single[] = {0x1p-200, 0x1p200};
    float numbers[WIDTH];
    nb_tensor x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(1, WIDTH), numbers);
    for (size_t c = 0; c < COUNT(all_types); c++) {
        nb_dataset d = make(all_types[c], NB_UINT8);
        const bool real = all_types[c] == NB_FLOAT32 || all_types[c] == NB_FLOAT64;
        for (size_t i = 0; i < COUNT(never); i++) {
            d.scale = never[i];
            assert_fails(NB_EINVAL, "scale=", nb_dataset_check(&d, "a"));
            assert_fails(NB_EINVAL, "scale=", nb_dataset_range(&d, 0, 1, &x, NULL));
        }
        for (size_t i = 0; i < COUNT(not_single); i++) {
            d.scale = not_single[i];
            if (real)
                assert_ok(nb_dataset_check(&d, "a"));
            else
                assert_fails(NB_EINVAL, "scale=", nb_dataset_check(&d, "a"));
        }
        destroy(&d);
    }
}

static void a_label_that_is_no_class_is_refused(void **state)
{
    (void)state;
    for (size_t c = 0; c < 5; c++)
        for (int wrong = CLASSES; wrong >= -1; wrong -= CLASSES + 1) {
            if (wrong < 0 && all_types[c] == NB_UINT8) continue;
            nb_dataset d = make(NB_FLOAT32, all_types[c]);
            nb_tensor t = tensor_of(NB_INT32, NB_SHAPE(N));
            double number9 = wrong;
            const nb_tensor one = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1), &number9);
            nb_tensor place = nb_tensor_rows(&d.t, 9, 10);
            nb_source *source = (nb_source *)(uintptr_t)1;
            char text[64];
            assert_ok(nb_tensor_convert(&one, &place));
            snprintf(text, sizeof text, "label 9 is %d, expected 0 to 2", wrong);
            assert_fails(NB_ERANGE, text, nb_dataset_check(&d, "test"));
            assert_fails(NB_ERANGE, text, nb_dataset_range(&d, 0, N, NULL, &t));
            assert_fails(NB_ERANGE, text,
                         nb_source_create(&source, &d, &(nb_source_options){.most = 1}));
            assert_null(source);
            d.one_hot = true;
            nb_tensor rows = tensor_of(NB_FLOAT32, NB_SHAPE(N, CLASSES));
            assert_fails(NB_ERANGE, text, nb_dataset_range(&d, 0, N, NULL, &rows));
            for (size_t i = 0; i < N; i++) assert_near(number(&t, i), 0, 0);
            for (size_t i = 0; i < N * CLASSES; i++) assert_near(number(&rows, i), 0, 0);
            nb_tensor_destroy(&rows);
            nb_tensor_destroy(&t);
            destroy(&d);
        }
    /* A batch holds labels as int32. */
    nb_dataset d = make(NB_FLOAT32, NB_INT64);
    d.classes = (size_t)INT32_MAX + 1;
    assert_fails(NB_ERANGE, "2147483648 classes", nb_dataset_check(&d, "test"));
    destroy(&d);
}

static void a_wrong_batch_is_refused_untouched(void **state)
{
    (void)state;
    static const size_t beyond[] = {0, N};
    float x_data[2 * WIDTH], t_data[2 * CLASSES];
    int32_t t_int[2] = {-7, -7};
    nb_dataset d = make(NB_UINT8, NB_UINT8);
    nb_tensor x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(2, WIDTH), x_data);
    nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(2), t_int);
    for (size_t i = 0; i < 2 * WIDTH; i++) x_data[i] = -7;
    for (size_t i = 0; i < 2 * CLASSES; i++) t_data[i] = -7;

    assert_fails(NB_ERANGE, "nb_dataset_gather: index[1]=23, expected below 23",
                 nb_dataset_gather(&d, 2, beyond, &x, &t));
    assert_fails(NB_EINVAL, "index is NULL", nb_dataset_gather(&d, 2, NULL, &x, &t));
    assert_fails(NB_ERANGE, "nb_dataset_range: lo=22, hi=24, expected lo <= hi <= 23",
                 nb_dataset_range(&d, 22, 24, &x, &t));
    assert_fails(NB_ERANGE, "lo=3, hi=1", nb_dataset_range(&d, 3, 1, &x, &t));
    assert_fails(NB_ESHAPE, "nb_dataset_range: x is (2, 6), expected (3, 6)",
                 nb_dataset_range(&d, 0, 3, &x, &t));
    nb_tensor wrong = nb_tensor_view(NB_INT32, NB_SHAPE(2, 1), t_int);
    assert_fails(NB_ESHAPE, "nb_dataset_range: t is (2, 1), expected (2,)",
                 nb_dataset_range(&d, 0, 2, &x, &wrong));
    wrong = nb_tensor_view(NB_INT32, x.shape, x_data);
    assert_fails(NB_EDTYPE, "x is int32, expected float32 or float64",
                 nb_dataset_gather(&d, 1, beyond, &wrong, NULL));
    wrong = nb_tensor_view(NB_FLOAT32, NB_SHAPE(2), t_data);
    assert_fails(NB_EDTYPE, "t is float32, expected int32", nb_dataset_range(&d, 0, 2, &x, &wrong));
    wrong = nb_tensor_view(NB_FLOAT32, x.shape, NULL);
    assert_fails(NB_EINVAL, "x has no elements", nb_dataset_range(&d, 0, 2, &wrong, NULL));
    d.one_hot = true;
    assert_fails(NB_EDTYPE, "t is int32, expected float32 or float64",
                 nb_dataset_range(&d, 0, 2, &x, &t));

    for (size_t i = 0; i < 2 * WIDTH; i++) assert_near((double)x_data[i], -7, 0);
    for (size_t i = 0; i < 2 * CLASSES; i++) assert_near((double)t_data[i], -7, 0);
    assert_true(t_int[0] == -7 && t_int[1] == -7);

    d.one_hot = false;
    assert_ok(nb_dataset_gather(&d, 0, NULL, NULL, NULL));
    assert_ok(nb_dataset_range(&d, 5, 7, NULL, &t));
    assert_int_equal(t_int[0], label(5));
    assert_int_equal(t_int[1], label(6));
    assert_near((double)x_data[0], -7, 0);
    destroy(&d);
}

/* A set put together by hand: eight labels for 512 samples were once read beyond their end. */
static void training_reads_no_label_beyond_the_last(void **state)
{
    (void)state;
    nb_random random;
    nb_model *net;
    nb_train_options o = NB_TRAIN_DEFAULTS;
    nb_train_result result;
    o.batch = 16;
    o.iterations = 10;
    o.lr = 0.001;
    for (size_t c = 0; c < COUNT(all_types); c++) {
        nb_dataset d = {.x = tensor_of(all_types[c], NB_SHAPE(512, 4)),
                        .t = tensor_of(NB_UINT8, NB_SHAPE(8)),
                        .classes = 10};
        nb_source *source;
        nb_random_seed(&random, 1);
        assert_ok(nb_two_layer_net_create(&net, 4, 5, 10, .1, NB_RELU, NB_FLOAT32,
                                          nb_train_max_batch(16), &random));
        assert_fails(NB_ESHAPE, "x is (512, 4), t is (8,)",
                     nb_train(net, &d, NULL, &random, &o, &result));
        assert_fails(NB_ESHAPE, "x is (512, 4), t is (8,)",
                     nb_source_create(&source, &d, &(nb_source_options){.most = 512}));
        nb_tensor_destroy(&d.t);
        /* As many, of any integer type. */
        d.t = tensor_of(all_types[c % 5], NB_SHAPE(512));
        assert_ok(nb_train(net, &d, NULL, &random, &o, &result));
        nb_model_destroy(net);
        destroy(&d);
    }
}

/* --- parts of a set --------------------------------------------------------------------------- */

/* Rows lo ... hi-1 are the gather of that index, and the set of those rows, for every lo and hi. */
static void a_range_is_a_gather(void **state)
{
    (void)state;
    size_t index[N];
    nb_tensor x[3], t[3];
    nb_dataset d = make(NB_INT16, NB_INT8);
    d.scale = 7;
    for (size_t i = 0; i < N; i++) index[i] = i;
    for (int k = 0; k < 3; k++) {
        x[k] = tensor_of(NB_FLOAT64, nb_dataset_x_shape(&d, N));
        t[k] = tensor_of(NB_INT32, nb_dataset_t_shape(&d, N));
    }
    for (size_t lo = 0; lo < N; lo++)
        for (size_t hi = lo + 1; hi <= N; hi++) {
            nb_tensor xs[3], ts[3];
            const nb_dataset rows = nb_dataset_rows(&d, lo, hi);
            for (int k = 0; k < 3; k++) {
                xs[k] = nb_tensor_rows(&x[k], 0, hi - lo);
                ts[k] = nb_tensor_rows(&t[k], 0, hi - lo);
            }
            assert_ok(nb_dataset_range(&d, lo, hi, &xs[0], &ts[0]));
            assert_ok(nb_dataset_gather(&d, hi - lo, index + lo, &xs[1], &ts[1]));
            assert_int_equal(nb_dataset_count(&rows), hi - lo);
            assert_ok(nb_dataset_range(&rows, 0, hi - lo, &xs[2], &ts[2]));
            for (int k = 1; k < 3; k++) {
                assert_memory_equal(x[0].data, x[k].data, sizeof(double) * N * WIDTH);
                assert_memory_equal(t[0].data, t[k].data, sizeof(int32_t) * N);
            }
        }
    for (int k = 0; k < 3; k++) {
        nb_tensor_destroy(&x[k]);
        nb_tensor_destroy(&t[k]);
    }
    destroy(&d);
}

/* Every sample once, each half in order; of each class its rounded share, or of all. */
static void assert_is_split(const nb_dataset *d, double share, const size_t *index, size_t firsts)
{
    size_t all[CLASSES] = {0}, second[CLASSES] = {0};
    bool seen[N] = {false};
    for (size_t i = 0; i < N; i++) {
        assert_true(index[i] < N && !seen[index[i]]);
        seen[index[i]] = true;
        if (i && i != firsts) assert_true(index[i - 1] < index[i]);
        const size_t class = d->classes ? label(index[i]) : 0;
        all[class]++;
        second[class] += i >= firsts;
    }
    for (size_t k = 0; k < CLASSES; k++)
        assert_true(fabs((double)second[k] - share * (double)all[k]) <= 0.5);
}

static void a_split_is_a_partition_of_every_class(void **state)
{
    (void)state;
    static const double shares[] = {0, 0.02, 0.25, 1. / 3, 0.5, 0.77, 1};
    for (size_t c = 0; c < 2 * COUNT(shares); c++) {
        nb_dataset d = make(NB_FLOAT32, NB_INT8);
        const double share = shares[c / 2];
        size_t index[N], again[N], other[N], firsts, firsts_again;
        nb_random random;
        if (c % 2) d.classes = 0;
        nb_random_seed(&random, 8);
        nb_random twin = random;
        assert_ok(nb_dataset_split(&d, share, &random, index, &firsts));
        assert_is_split(&d, share, index, firsts);
        assert_ok(nb_dataset_split(&d, share, &twin, again, &firsts_again));
        assert_int_equal(firsts, firsts_again);
        assert_memory_equal(index, again, sizeof index);
        assert_ok(nb_dataset_split(&d, share, &random, other, &firsts_again));
        assert_is_split(&d, share, other, firsts_again);
        if (share > 0.1 && share < 0.9) assert_memory_not_equal(index, other, sizeof index);
        destroy(&d);
    }
}

/* The number of classes costs nothing. */
static void a_split_of_many_classes_is_fast(void **state)
{
    (void)state;
    nb_dataset d = make(NB_FLOAT32, NB_INT32);
    size_t index[N], firsts, few[N], few_firsts;
    nb_random random;
    nb_random_seed(&random, 8);
    nb_random twin = random;
    assert_ok(nb_dataset_split(&d, 0.4, &random, few, &few_firsts));
    d.classes = INT32_MAX;
    assert_ok(nb_dataset_split(&d, 0.4, &twin, index, &firsts));
    assert_int_equal(firsts, few_firsts);
    assert_memory_equal(index, few, sizeof few);
    destroy(&d);
}

static void a_wrong_split_is_refused(void **state)
{
    (void)state;
    static const double shares[] = {-0.01, 1.01, (double)NAN, (double)INFINITY};
    nb_dataset d = make(NB_FLOAT32, NB_INT8);
    size_t index[N], firsts = 7;
    nb_random random;
    nb_random_seed(&random, 8);
    for (size_t i = 0; i < COUNT(shares); i++)
        assert_fails(NB_EINVAL, "share=", nb_dataset_split(&d, shares[i], &random, index, &firsts));
    assert_fails(NB_EINVAL, "NULL", nb_dataset_split(&d, .5, NULL, index, &firsts));
    assert_fails(NB_EINVAL, "NULL", nb_dataset_split(&d, .5, &random, NULL, &firsts));
    assert_fails(NB_EINVAL, "NULL", nb_dataset_split(&d, .5, &random, index, NULL));
    assert_fails(NB_EINVAL, "NULL", nb_dataset_split(NULL, .5, &random, index, &firsts));
    ((int8_t *)d.t.data)[4] = -1;
    assert_fails(NB_ERANGE, "label 4 is -1", nb_dataset_split(&d, .5, &random, index, &firsts));
    ((int8_t *)d.t.data)[4] = 0;
    for (size_t at = 1;; at++) {
        support_allocator_start(at);
        nb_status status = nb_dataset_split(&d, .5, &random, index, &firsts);
        const bool reached = support_memory.taken >= at;
        support_allocator_stop();
        assert_memory_status(status);
        assert_int_equal(support_memory.live, 0);
        if (!reached) break;
    }
    destroy(&d);
}

/* --- sources ---------------------------------------------------------------------------------- */

/* A batch is what nb_dataset_gather gives, once its rows are filled, in shares of any order. */
static void folds_share_out_every_class(void **state)
{
    (void)state;
    enum { MANY = 101, MOST = 7 };
    uint8_t x[MANY][1] = {{0}}, t[MANY];
    size_t fold[MANY], again[MANY], other[MANY];
    for (size_t i = 0; i < MANY; i++) t[i] = (uint8_t)label(i);
    nb_dataset d = {.x = nb_tensor_view(NB_UINT8, NB_SHAPE(MANY, 1), x),
                    .t = nb_tensor_view(NB_UINT8, NB_SHAPE(MANY), t),
                    .classes = CLASSES};
    nb_random random, twin;
    for (size_t k = 2; k <= MOST; k++) {
        size_t count[CLASSES + 1][MOST] = {{0}};
        nb_random_seed(&random, (uint32_t)k);
        twin = random;
        assert_ok(nb_dataset_folds(&d, k, &random, fold));
        assert_ok(nb_dataset_folds(&d, k, &twin, again));
        assert_memory_equal(fold, again, sizeof fold);
        assert_ok(nb_dataset_folds(&d, k, &random, other));
        assert_memory_not_equal(fold, other, sizeof fold);
        for (size_t i = 0; i < MANY; i++) {
            assert_true(fold[i] < k);
            count[t[i]][fold[i]]++;
            count[CLASSES][fold[i]]++;
        }
        for (size_t c = 0; c <= CLASSES; c++)
            for (size_t p = 0; p < k; p++)
                for (size_t q = 0; q < k; q++) assert_true(count[c][p] <= count[c][q] + 1);
    }
    d.classes = 0;
    assert_ok(nb_dataset_folds(&d, MANY, &random, fold));
    assert_fails(NB_EINVAL, "k=1, expected 2 to 101", nb_dataset_folds(&d, 1, &random, fold));
    assert_fails(NB_EINVAL, "k=102", nb_dataset_folds(&d, MANY + 1, &random, fold));
    assert_fails(NB_EINVAL, "NULL", nb_dataset_folds(&d, 2, NULL, fold));
    assert_fails(NB_EINVAL, "NULL", nb_dataset_folds(NULL, 2, &random, fold));
    for (size_t at = 1; at <= 2; at++) {
        support_allocator_start(at);
        assert_fails(NB_ENOMEM, "", nb_dataset_folds(&d, 2, &random, fold));
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
    }
}

static void assert_is_batch(const nb_dataset *d, nb_dtype dtype, nb_batch *b)
{
    const bool labels = d->classes && !d->one_hot;
    size_t index[2 * N];
    nb_tensor x = tensor_of(dtype, nb_dataset_x_shape(d, b->n)), got = tensor_of(dtype, x.shape);
    nb_tensor t = tensor_of(labels ? NB_INT32 : dtype, nb_dataset_t_shape(d, b->n));
    assert_true(b->n > 0 && b->n <= 2 * N);
    for (size_t i = 0; i < b->n; i++) index[i] = b->index ? b->index[i] : b->first + i;
    assert_ok(nb_dataset_gather(d, b->n, index, &x, &t));
    if (b->fill) {
        const size_t middle = b->n / 2;
        assert_ok(b->fill(b->context, middle, b->n));
        assert_ok(b->fill(b->context, 0, middle));
    }
    assert_int_equal(b->x.dtype, dtype);
    assert_true(nb_shape_equal(b->x.shape, x.shape) && nb_shape_equal(b->t.shape, t.shape));
    assert_int_equal(b->t.dtype, t.dtype);
    assert_ok(nb_tensor_convert(&b->x, &got));
    assert_memory_equal(got.data, x.data, nb_tensor_count(&x) * nb_dtype_size(dtype));
    assert_memory_equal(b->t.data, t.data, nb_tensor_count(&t) * nb_dtype_size(t.dtype));
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&got);
    nb_tensor_destroy(&t);
}

static nb_source *source_of(const nb_dataset *d, const nb_source_options *o)
{
    nb_source *source;
    assert_ok(nb_source_create(&source, d, o));
    assert_ptr_equal(nb_source_dataset(source), d);
    return source;
}

static void batches_are_drawn_as_numpy_draws(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 5, N, 2 * N};
    for (size_t c = 0; c < COUNT(sizes); c++) {
        nb_dataset d = make(NB_UINT8, NB_UINT8);
        nb_random random;
        nb_batch b;
        size_t want_index[2 * N];
        nb_random_seed(&random, 4);
        nb_random twin = random;
        nb_source *s = source_of(&d, &(nb_source_options){.batch = sizes[c], .random = &random});
        for (size_t step = 0; step < 4; step++) {
            assert_ok(nb_source_next(s, &b));
            assert_ok(nb_random_choice(&twin, N, sizes[c], want_index));
            assert_int_equal(b.n, sizes[c]);
            assert_memory_equal(b.index, want_index, sizes[c] * sizeof *want_index);
            assert_is_batch(&d, NB_FLOAT32, &b);
        }
        nb_source_destroy(s);
        destroy(&d);
    }
    /* np.random.seed(0); np.random.choice(60000, 5) */
    static const size_t numpy[] = {2732, 43567, 42613, 52416, 45891};
    static uint8_t bytes[60000], labels[60000];
    const nb_dataset d = {.x = nb_tensor_view(NB_UINT8, NB_SHAPE(60000, 1), bytes),
                          .t = nb_tensor_view(NB_UINT8, NB_SHAPE(60000), labels),
                          .classes = 1};
    nb_random random;
    nb_batch b;
    nb_random_seed(&random, 0);
    nb_source *s = source_of(&d, &(nb_source_options){.batch = 5, .random = &random});
    assert_ok(nb_source_next(s, &b));
    assert_memory_equal(b.index, numpy, sizeof numpy);
    nb_source_destroy(s);
}

static void an_epoch_shows_each_sample_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4, 12, N - 1, N, 2 * N};
    for (size_t c = 0; c < COUNT(sizes); c++) {
        nb_dataset d = make(NB_FLOAT32, NB_UINT8);
        nb_random random;
        nb_batch b;
        nb_random_seed(&random, 4);
        nb_random twin = random;
        nb_source *s = source_of(
            &d, &(nb_source_options){.batch = sizes[c], .sampling = NB_EPOCH, .random = &random});
        for (size_t epoch = 0; epoch < 3; epoch++) {
            size_t order[N];
            nb_random_permutation(&twin, N, order);
            for (size_t at = 0; at < N; at += b.n) {
                assert_ok(nb_source_next(s, &b));
                assert_int_equal(b.n, N - at < sizes[c] ? N - at : sizes[c]);
                assert_memory_equal(b.index, order + at, b.n * sizeof *order);
                assert_is_batch(&d, NB_FLOAT32, &b);
            }
        }
        nb_source_destroy(s);
        destroy(&d);
    }
}

/* Neighbours of the batch's own type and scale are not copied. */
static void in_order_is_again_and_again_and_copies_nothing(void **state)
{
    (void)state;
    for (size_t c = 0; c < 4; c++) {
        nb_dataset d = make(c == 1 ? NB_FLOAT64 : NB_FLOAT32, NB_UINT8);
        const bool same = c == 0 || c == 3;
        nb_batch b;
        if (c == 2) d.scale = 2;
        if (c == 3) d.scale = 1;
        nb_source *s = source_of(&d, &(nb_source_options){.batch = 10, .sampling = NB_IN_ORDER});
        for (size_t epoch = 0; epoch < 3; epoch++)
            for (size_t at = 0; at < N; at += b.n) {
                assert_ok(nb_source_next(s, &b));
                assert_null(b.index);
                assert_int_equal(b.first, at);
                assert_int_equal(b.n, N - at < 10 ? N - at : 10);
                assert_true((b.fill == NULL) == same);
                if (same) assert_ptr_equal(b.x.data, nb_tensor_at(&d.x, at));
                assert_is_batch(&d, NB_FLOAT32, &b);
            }
        nb_source_destroy(s);
        destroy(&d);
    }
}

static void ranges_are_up_to_the_most(void **state)
{
    (void)state;
    nb_dataset d = make(NB_UINT8, NB_UINT8);
    nb_batch b = {.n = 7};
    nb_source *s = source_of(&d, &(nb_source_options){.most = 9, .dtype = NB_FLOAT64});
    for (size_t lo = 0; lo < N; lo += 5)
        for (size_t hi = lo + 1; hi <= N && hi <= lo + 9; hi++) {
            assert_ok(nb_source_range(s, lo, hi, &b));
            assert_int_equal(b.n, hi - lo);
            assert_is_batch(&d, NB_FLOAT64, &b);
        }
    b.n = 7;
    assert_fails(NB_ESHAPE, "10 samples, expected up to 9", nb_source_range(s, 0, 10, &b));
    assert_fails(NB_ERANGE, "lo=20, hi=24", nb_source_range(s, 20, 24, &b));
    assert_fails(NB_ERANGE, "lo=3, hi=3", nb_source_range(s, 3, 3, &b));
    assert_fails(NB_ERANGE, "lo=4, hi=3", nb_source_range(s, 4, 3, &b));
    assert_fails(NB_EINVAL, "batch=0", nb_source_next(s, &b));
    assert_int_equal(b.n, 7);
    nb_source_destroy(s);
    destroy(&d);
}

/* Bytes, a matrix of them, mostly 0: found without being told, unless told not to. */
static void a_source_packs_where_it_pays(void **state)
{
    (void)state;
    enum { COLUMNS = 64 };
    static uint8_t bytes[N * COLUMNS];
    uint8_t labels[N];
    size_t index[2 * N];
    for (size_t i = 0; i < N; i++) {
        labels[i] = (uint8_t)label(i);
        for (size_t j = 0; j < COLUMNS; j++)
            bytes[i * COLUMNS + j] =
                j % 8 == 0 || (i + j) % 11 == 0 ? (uint8_t)(1 + (i * j) % 200) : 0;
    }
    for (int c = 0; c < 16; c++) {
        const bool dense = c & 1, images = c & 2;
        const nb_dtype dtype = c & 4 ? NB_FLOAT64 : NB_FLOAT32;
        nb_dataset d = {.x = nb_tensor_view(NB_UINT8, NB_SHAPE(N, COLUMNS), bytes),
                        .t = nb_tensor_view(NB_UINT8, NB_SHAPE(N), labels),
                        .scale = c & 8 ? 255 : 0,
                        .classes = CLASSES};
        nb_random random;
        nb_batch b;
        if (images) d.x.shape = NB_SHAPE(N, 8, 8);
        nb_random_seed(&random, 5);
        nb_source *s =
            source_of(&d, &(nb_source_options){
                              .dtype = dtype, .batch = 2 * N, .random = &random, .dense = dense});
        assert_int_equal(nb_source_packs(s), !dense && !images);
        for (size_t step = 0; step < 3; step++) {
            assert_ok(nb_source_next(s, &b));
            memcpy(index, b.index, sizeof index);
            assert_int_equal(b.x.packed != NULL, !dense && !images);
            assert_is_batch(&d, dtype, &b);
            assert_ok(nb_source_range(s, step, N, &b));
            assert_is_batch(&d, dtype, &b);
        }
        nb_source_destroy(s);
    }
    /* As in a photograph. */
    memset(bytes, 200, sizeof bytes);
    const nb_dataset d = {.x = nb_tensor_view(NB_UINT8, NB_SHAPE(N, COLUMNS), bytes),
                          .t = nb_tensor_view(NB_UINT8, NB_SHAPE(N), labels),
                          .classes = CLASSES};
    nb_source *s = source_of(&d, &(nb_source_options){.most = 4});
    assert_false(nb_source_packs(s));
    nb_source_destroy(s);
}

static void wrong_sources_are_refused(void **state)
{
    (void)state;
    nb_dataset d = make(NB_UINT8, NB_UINT8);
    nb_random random;
    nb_source *s;
    nb_batch b;
    nb_random_seed(&random, 1);
    static const struct {
        nb_source_options o;
        nb_status status;
        const char *text;
    } wrong[] = {
        {{.sampling = NB_IN_ORDER}, NB_EINVAL, "batch=0 and most=0"},
        {{.batch = 2}, NB_EINVAL, "random is NULL"},
        {{.batch = 2, .sampling = NB_EPOCH}, NB_EINVAL, "random is NULL"},
        {{.batch = 2, .sampling = (nb_sampling)3}, NB_EINVAL, "sampling=3"},
        {{.batch = 2, .sampling = NB_IN_ORDER, .dtype = NB_INT32}, NB_EDTYPE, "int32"},
        {{.most = SIZE_MAX / 2, .dense = true}, NB_EOVERFLOW, ""},
        {{.most = SIZE_MAX, .dense = true}, NB_EOVERFLOW, ""},
        {{.batch = SIZE_MAX, .sampling = NB_IN_ORDER}, NB_EOVERFLOW, ""},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        s = (nb_source *)(uintptr_t)1;
        assert_fails(wrong[i].status, wrong[i].text, nb_source_create(&s, &d, &wrong[i].o));
        assert_null(s);
    }
    assert_fails(NB_EINVAL, "NULL", nb_source_create(NULL, &d, &wrong[0].o));
    assert_fails(NB_EINVAL, "NULL", nb_source_create(&s, NULL, &wrong[1].o));
    assert_fails(NB_EINVAL, "NULL", nb_source_create(&s, &d, NULL));
    assert_null(s);
    assert_fails(NB_EINVAL, "NULL", nb_source_next(NULL, &b));
    assert_fails(NB_EINVAL, "NULL", nb_source_range(NULL, 0, 1, &b));
    assert_null(nb_source_dataset(NULL));
    assert_false(nb_source_packs(NULL));
    nb_source_destroy(NULL);
    s = source_of(&d, &(nb_source_options){.batch = 2, .random = &random});
    assert_fails(NB_EINVAL, "NULL", nb_source_next(s, NULL));
    assert_fails(NB_EINVAL, "NULL", nb_source_range(s, 0, 1, NULL));
    /* Labels are looked at again as they are handed over. */
    memset(d.t.data, 9, N);
    assert_fails(NB_ERANGE, "is 9", nb_source_next(s, &b));
    nb_source_destroy(s);
    destroy(&d);
}

/* Every allocation of a source fails in turn; batches allocate nothing. */
static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    for (int c = 0; c < 12; c++) {
        nb_dataset d = make(c & 1 ? NB_UINT8 : NB_FLOAT64, NB_UINT8);
        const nb_sampling sampling = (nb_sampling)(c / 2 % 3);
        nb_random random;
        nb_batch b;
        if (c & 1) memset(d.x.data, 0, N * WIDTH);
        nb_random_seed(&random, 1);
        nb_status status = NB_ENOMEM;
        for (size_t at = 1; status; at++) {
            nb_source *s = (nb_source *)(uintptr_t)1;
            support_allocator_start(at);
            status = nb_source_create(
                &s, &d,
                &(nb_source_options){
                    .batch = 5, .sampling = sampling, .random = &random, .dense = c >= 6});
            const size_t taken = support_memory.taken;
            assert_true((s == NULL) == (status != NB_OK));
            for (size_t step = 0; step < 7 && !status; step++) {
                assert_ok(nb_source_next(s, &b));
                if (b.fill) assert_ok(b.fill(b.context, 0, b.n));
                assert_ok(nb_source_range(s, 1, 4, &b));
            }
            assert_int_equal(support_memory.taken, taken);
            if (!status) assert_int_equal(nb_source_packs(s), (c & 1) && c < 6);
            nb_source_destroy(s);
            support_allocator_stop();
            assert_memory_status(status);
            assert_int_equal(support_memory.live, 0);
            assert_int_equal(status, taken >= at ? NB_ENOMEM : NB_OK);
        }
        destroy(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_single_precision_quotients),
        cmocka_unit_test(samples_of_any_type_are_scaled),
        cmocka_unit_test(samples_keep_their_shape),
        cmocka_unit_test(labels_of_any_integer_type_are_handed_over),
        cmocka_unit_test(there_are_as_many_classes_as_one_likes),
        cmocka_unit_test(targets_may_be_numbers),
        cmocka_unit_test(a_wrong_set_is_refused),
        cmocka_unit_test(a_scale_is_a_positive_number),
        cmocka_unit_test(a_label_that_is_no_class_is_refused),
        cmocka_unit_test(a_wrong_batch_is_refused_untouched),
        cmocka_unit_test(training_reads_no_label_beyond_the_last),
        cmocka_unit_test(a_range_is_a_gather),
        cmocka_unit_test(a_split_is_a_partition_of_every_class),
        cmocka_unit_test(a_split_of_many_classes_is_fast),
        cmocka_unit_test(a_wrong_split_is_refused),
        cmocka_unit_test(folds_share_out_every_class),
        cmocka_unit_test(batches_are_drawn_as_numpy_draws),
        cmocka_unit_test(an_epoch_shows_each_sample_once),
        cmocka_unit_test(in_order_is_again_and_again_and_copies_nothing),
        cmocka_unit_test(ranges_are_up_to_the_most),
        cmocka_unit_test(a_source_packs_where_it_pays),
        cmocka_unit_test(wrong_sources_are_refused),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
