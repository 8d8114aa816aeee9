/* Every stored number was printed by NumPy 1.24.2; the comment beside it is the Python that made
 * it, with `crc = lambda a: zlib.crc32(a.tobytes())` and `state = np.random.get_state`. */
#include "support.h"

#include "nablas/random.h"

#include <float.h>
#include <math.h>
#include <zlib.h>

/* The sum goes on over the value's bytes, lowest first, so it is the same on every machine. */
static uint32_t crc(uint32_t sum, uint64_t value, unsigned size)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < size; i++) bytes[i] = (unsigned char)(value >> (8 * i));
    return (uint32_t)crc32(sum, bytes, size);
}

static uint32_t crc_key(const nb_random *r)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < COUNT(r->key); i++) sum = crc(sum, r->key[i], 4);
    return sum;
}

static uint32_t crc_draws(nb_random *r, double (*draw)(nb_random *), size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        double value = draw(r);
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        sum = crc(sum, bits, 8);
    }
    return sum;
}

static void assert_draws(size_t count, const size_t *got, const size_t *expected)
{
    for (size_t i = 0; i < count; i++) assert_int_equal(got[i], expected[i]);
}

static void assert_same_state(const nb_random *a, const nb_random *b)
{
    assert_memory_equal(a->key, b->key, sizeof a->key);
    assert_int_equal(a->pos, b->pos);
    assert_int_equal(a->has_gauss, b->has_gauss);
    assert_true(a->gauss == b->gauss);
}

static const struct {
    uint32_t seed;
    uint32_t key;                /* np.random.seed(seed); crc(state()[1]) */
    double rand, randn1, randn2; /* np.random.rand(), .randn(), .randn() */
    size_t choice;               /* np.random.choice(1000) */
    uint32_t rands;              /* np.random.seed(seed); crc(np.random.rand(100000)) */
    uint32_t randns;             /* crc(np.random.randn(100001)) */
    uint32_t key_after;          /* crc(state()[1]) */
    int pos_after;               /* state()[2] */
    double gauss_after;          /* state()[4], state()[3] being 1 */
} streams[] = {
    {0, 0xe61a2824u, 0x1.18fe1565f12a8p-1, 0x1.7bb1e9a384a31p-1, 0x1.8d8bc0f1200c2p+0, 707,
     0xdefcd60eu, 0x61d7beefu, 0xa279ed50u, 536, -0x1.5fa1f5e46a2aep+0},
    {1, 0x9fb6a668u, 0x1.ab07d0ffa3c06p-2, -0x1.9ab665f778871p-1, -0x1.cba69fc03e5b1p-2, 144,
     0x8c643172u, 0x5d796daeu, 0x10883107u, 280, -0x1.411fbd36529cfp-1},
    {42, 0xe789079fu, 0x1.7f8771e5f51ecp-2, -0x1.1ca42ce8158a6p+0, 0x1.468e4b5774960p-2, 466,
     0x3186720fu, 0xa3cb2893u, 0x711d5e58u, 288, -0x1.df955619d0c23p-1},
    {5489, 0x7f7a409fu, 0x1.a1237688aba7bp-1, 0x1.d5c30c3d0fca7p-3, 0x1.6ec85307291e2p-1, 99,
     0xa3c88a33u, 0x800b9db5u, 0xd3e415eau, 324, -0x1.d0428caca8cadp-5},
    {2147483647u, 0xb518ba98u, 0x1.92d51ff22d57ap-2, -0x1.4f18a50724405p-1, 0x1.fb926cb8df41bp-3,
     752, 0xa73a1549u, 0x47319b72u, 0x140d121cu, 500, 0x1.dfa447b9e6052p-2},
    {2147483648u, 0x2181f05cu, 0x1.374d4855d4140p-3, 0x1.1198392280aa2p-1, 0x1.3e53ed2734d51p-1,
     180, 0xc7b82927u, 0xd021230bu, 0x9a11efb8u, 544, -0x1.88881ae12cca9p-2},
    {4294967295u, 0xc6bc9a40u, 0x1.8fe69a3924820p-4, 0x1.4d051339bc741p-4, 0x1.a3847f39c09c9p-2,
     779, 0x48b83490u, 0x63fffb17u, 0xcf9786e9u, 132, -0x1.48c2f50b97d31p+0},
};

static void streams_begin_as_numpys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        nb_random r;
        size_t choice;
        nb_random_seed(&r, streams[i].seed);
        assert_int_equal(r.pos, 624);
        assert_false(r.has_gauss);
        assert_true(r.gauss == 0);
        assert_int_equal(crc_key(&r), streams[i].key);
        assert_true(nb_random_rand(&r) == streams[i].rand);
        assert_true(nb_random_randn(&r) == streams[i].randn1);
        assert_true(r.has_gauss && r.gauss == streams[i].randn2);
        assert_true(nb_random_randn(&r) == streams[i].randn2);
        assert_true(!r.has_gauss && r.gauss == 0);
        assert_ok(nb_random_choice(&r, 1000, 1, &choice));
        assert_int_equal(choice, streams[i].choice);
    }
}

static void streams_stay_numpys_over_many_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        nb_random r;
        nb_random_seed(&r, streams[i].seed);
        assert_int_equal(crc_draws(&r, nb_random_rand, 100000), streams[i].rands);
        const uint32_t randns = crc_draws(&r, nb_random_randn, 100001);
        assert_int_equal(crc_key(&r), streams[i].key_after);
        assert_int_equal(r.pos, streams[i].pos_after);
        assert_true(r.has_gauss);
/* log is that of x87 there, or musl's: some last bits differ, no draw is added. */
#if defined __i386__ || !defined __GLIBC__
        (void)randns;
        assert_near(r.gauss, streams[i].gauss_after, 2 * DBL_EPSILON * fabs(r.gauss));
#else
        assert_int_equal(randns, streams[i].randns);
        assert_true(r.gauss == streams[i].gauss_after);
#endif
    }
}

static void seeding_again_begins_again(void **state)
{
    (void)state;
    nb_random fresh, used;
    nb_random_seed(&fresh, 7);
    nb_random_seed(&used, 8);
    nb_random_randn(&used);
    nb_random_seed(&used, 7);
    assert_same_state(&used, &fresh);
}

/* np.random.seed(0); np.random.randn(3); np.random.choice(60000, 5) */
static void the_books_first_draws(void **state)
{
    (void)state;
    static const double normal[] = {1.764052345967664, 0.4001572083672233, 0.9787379841057392};
    static const size_t batch[] = {41993, 57043, 20757, 55026, 46884};
    nb_random r;
    size_t got[5];
    nb_random_seed(&r, 0);
    for (size_t i = 0; i < 3; i++) assert_true(nb_random_randn(&r) == normal[i]);
    assert_ok(nb_random_choice(&r, 60000, 5, got));
    assert_draws(5, got, batch);
    /* state()[2:] */
    assert_int_equal(r.pos, 13);
    assert_true(r.has_gauss && r.gauss == 2.240893199201458);
}

/* The order of the book's training: the weights of a 784-50-10 net, then the first mini-batch.
 * np.random.seed(0); np.random.randn(784, 50); np.random.randn(50, 10); state()[2:] */
static void the_books_first_mini_batch(void **state)
{
    (void)state;
    static const size_t batch[] = {39900, 54078, 52289, 14774, 17976};
    nb_random r;
    size_t got[100], sum = 0;
    nb_random_seed(&r, 0);
    for (size_t i = 0; i < 784 * 50 + 50 * 10; i++) nb_random_randn(&r);
    assert_int_equal(r.pos, 88);
    assert_false(r.has_gauss);
    /* np.random.choice(60000, 5), np.random.choice(60000, 100).sum(), state()[2] */
    assert_ok(nb_random_choice(&r, 60000, 5, got));
    assert_draws(5, got, batch);
    assert_ok(nb_random_choice(&r, 60000, 100, got));
    for (size_t i = 0; i < 100; i++) sum += got[i];
    assert_int_equal(sum, 2590461);
    assert_int_equal(r.pos, 201);
}

static void a_copy_goes_on_where_the_stream_stood(void **state)
{
    (void)state;
    nb_random r, copy;
    nb_random_seed(&r, 0);
    for (size_t i = 0; i < 1001; i++) nb_random_randn(&r);
    assert_true(r.has_gauss);
    copy = r;
    uint32_t first = crc_draws(&r, nb_random_randn, 1000);
    nb_random end = r;
    assert_int_equal(crc_draws(&copy, nb_random_randn, 1000), first);
    assert_same_state(&copy, &end);
}

/* np.random.seed(0); np.random.randn(3); name, key, pos, has_gauss, gauss = state() */
static void the_state_is_numpys(void **state)
{
    (void)state;
    nb_random r, from_numpy = {.pos = 8, .has_gauss = true, .gauss = 2.240893199201458};
    nb_random_seed(&r, 0);
    for (size_t i = 0; i < 3; i++) nb_random_randn(&r);
    /* key[:3], key[623], crc(key), pos, has_gauss, gauss */
    assert_int_equal(r.key[0], 2443250962u);
    assert_int_equal(r.key[1], 1093594115u);
    assert_int_equal(r.key[2], 1878467924u);
    assert_int_equal(r.key[623], 1678096082u);
    assert_int_equal(crc_key(&r), 1597767964u);
    memcpy(from_numpy.key, r.key, sizeof r.key);
    assert_same_state(&r, &from_numpy);
    /* np.random.randn(), np.random.randn(), np.random.rand() */
    assert_true(nb_random_randn(&from_numpy) == 2.240893199201458);
    assert_true(nb_random_randn(&from_numpy) == 1.8675579901499675);
    assert_true(nb_random_rand(&from_numpy) == 0.4375872112626925);
}

/* np.random.seed(3); np.random.choice(n, 4); state()[2] */
static void choice_covers_every_size(void **state)
{
    (void)state;
    static const struct {
        uint64_t n, draws[4];
        int pos;
    } cases[] = {
        {1, {0, 0, 0, 0}, 624},
        {2, {0, 0, 1, 1}, 4},
        {3, {2, 0, 1, 0}, 5},
        {256, {106, 152, 249, 131}, 4},
        {257, {152, 249, 131, 256}, 7},
        {60000, {5994, 1688, 11513, 59011}, 4},
        {4294967295u, {2365658986u, 303761048, 3041471737u, 3607553667u}, 4},
        {4294967296u, {2365658986u, 303761048, 3041471737u, 3607553667u}, 4},
        {4294967297u, {303761048, 521102280, 2445173525u, 80522091}, 12},
        {1099511627777u, {1073054410371u, 867663915883u, 593770158997u, 511502908838u}, 18},
        {9223372036854775807u,
         {937055941807507096u, 3839649608876091011u, 5366245355481424840u, 199733986212078357u},
         8},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_random r;
        size_t got[4];
        if (cases[i].n > SIZE_MAX) continue;
        nb_random_seed(&r, 3);
        assert_ok(nb_random_choice(&r, (size_t)cases[i].n, 4, got));
        for (size_t k = 0; k < 4; k++) assert_int_equal(got[k], cases[i].draws[k]);
        assert_int_equal(r.pos, cases[i].pos);
    }
}

/* np.random.seed(7); crc(np.random.choice(n, 100000)); state()[2] */
static void choice_stays_numpys_over_many_blocks(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        uint32_t sum;
        int pos;
    } cases[] = {
        {3, 0xb318697fu, 146},     {256, 0xbca18e74u, 160},        {257, 0x83b08de3u, 211},
        {60000, 0x7fb88d8eu, 590}, {4294967297u, 0x605596cdu, 50},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_random r;
        uint32_t sum = 0;
        if (cases[i].n > SIZE_MAX) continue;
        nb_random_seed(&r, 7);
        for (size_t k = 0; k < 100000; k++) {
            size_t draw;
            assert_ok(nb_random_choice(&r, (size_t)cases[i].n, 1, &draw));
            assert_true(draw < cases[i].n);
            sum = crc(sum, draw, 8);
        }
        assert_int_equal(sum, cases[i].sum);
        assert_int_equal(r.pos, cases[i].pos);
    }
}

static void choice_from_nothing(void **state)
{
    (void)state;
    nb_random r, before;
    size_t out = 42;
    nb_random_seed(&r, 3);
    before = r;
    assert_fails(NB_EINVAL, "nb_random_choice: n=0, count=1", nb_random_choice(&r, 0, 1, &out));
    assert_int_equal(out, 42);
    assert_ok(nb_random_choice(&r, 0, 0, NULL));
    assert_ok(nb_random_choice(&r, 5, 0, NULL));
    assert_same_state(&r, &before);
}

/* np.random.seed(0); x = np.arange(10) * 11; np.random.shuffle(x); x; np.random.permutation(10);
 * state()[2] */
static void shuffle_and_permutation(void **state)
{
    (void)state;
    static const size_t shuffled[] = {22, 88, 44, 99, 11, 66, 77, 33, 0, 55};
    static const size_t permuted[] = {3, 5, 1, 2, 9, 8, 0, 6, 7, 4};
    nb_random r;
    size_t items[10];
    for (size_t i = 0; i < 10; i++) items[i] = 11 * i;
    nb_random_seed(&r, 0);
    nb_random_shuffle(&r, 10, items);
    assert_draws(10, items, shuffled);
    nb_random_permutation(&r, 10, items);
    assert_draws(10, items, permuted);
    assert_int_equal(r.pos, 21);
}

/* np.random.seed(0); crc(np.random.permutation(60000)); state()[2] */
static void a_permutation_of_mnist(void **state)
{
    (void)state;
    static size_t out[60000];
    nb_random r;
    uint32_t sum = 0;
    nb_random_seed(&r, 0);
    nb_random_permutation(&r, COUNT(out), out);
    for (size_t i = 0; i < COUNT(out); i++) sum = crc(sum, out[i], 8);
    assert_int_equal(sum, 0x6d8ad549u);
    assert_int_equal(r.pos, 461);
}

/* np.random.seed(3); np.random.permutation(n); state()[2] for n = 0, 1, 2 */
static void the_smallest_permutations(void **state)
{
    (void)state;
    static const size_t reversed[] = {1, 0};
    nb_random r;
    size_t out[2] = {42, 42};
    nb_random_seed(&r, 3);
    nb_random_permutation(&r, 0, out);
    assert_int_equal(out[0], 42);
    nb_random_permutation(&r, 1, out);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[1], 42);
    assert_int_equal(r.pos, 624);
    nb_random_permutation(&r, 2, out);
    assert_draws(2, out, reversed);
    assert_int_equal(r.pos, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_begin_as_numpys),
        cmocka_unit_test(streams_stay_numpys_over_many_blocks),
        cmocka_unit_test(seeding_again_begins_again),
        cmocka_unit_test(the_books_first_draws),
        cmocka_unit_test(the_books_first_mini_batch),
        cmocka_unit_test(a_copy_goes_on_where_the_stream_stood),
        cmocka_unit_test(the_state_is_numpys),
        cmocka_unit_test(choice_covers_every_size),
        cmocka_unit_test(choice_stays_numpys_over_many_blocks),
        cmocka_unit_test(choice_from_nothing),
        cmocka_unit_test(shuffle_and_permutation),
        cmocka_unit_test(a_permutation_of_mnist),
        cmocka_unit_test(the_smallest_permutations),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
