/* Arrays of atomic elements: every operation at every width, and every way to be refused. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

/* What all integer types can do; LEAST and MOST are the type's bounds. */
#define TEST_INTEGER(N, T, CODE, LEAST, MOST)                                              \
    static void test_##N(sabha_region *region) {                                           \
        sabha_array *array = NULL;                                                         \
        T value = 1, old = 1;                                                              \
        int32_t code = 0;                                                                  \
        size_t len = 0;                                                                    \
        OK(sabha_array_open(region, #N, CODE, 3, &array));                                 \
        OK(sabha_array_code(array, &code));                                                \
        OK(sabha_array_len(array, &len));                                                  \
        CHECK(code == (CODE) && len == 3);                                                 \
        OK(sabha_##N##_load(array, 0, &value));                                            \
        CHECK(value == 0);                                                                 \
        OK(sabha_##N##_store(array, 1, (MOST)));                                           \
        OK(sabha_##N##_exchange(array, 1, (LEAST), &old));                                 \
        CHECK(old == (MOST));                                                              \
        OK(sabha_##N##_fetch_sub(array, 1, 1, &old)); /* wraps */                          \
        CHECK(old == (LEAST));                                                             \
        OK(sabha_##N##_fetch_add(array, 1, 1, &old));                                      \
        CHECK(old == (MOST));                                                              \
        OK(sabha_##N##_store(array, 1, 12));                                               \
        OK(sabha_##N##_fetch_and(array, 1, 10, &old));                                     \
        CHECK(old == 12);                                                                  \
        OK(sabha_##N##_fetch_or(array, 1, 3, &old));                                       \
        CHECK(old == 8);                                                                   \
        OK(sabha_##N##_fetch_xor(array, 1, 1, &old));                                      \
        CHECK(old == 11);                                                                  \
        OK(sabha_##N##_compare_exchange(array, 1, 10, 99, &old));                          \
        CHECK(old == 10);                                                                  \
        GIVES(SABHA_NOT_EQUAL, sabha_##N##_compare_exchange(array, 1, 10, 7, &old));       \
        CHECK(old == 99);                                                                  \
        OK(sabha_##N##_fetch_add(array, 1, 1, NULL));                                      \
        OK(sabha_##N##_load(array, 1, &value));                                            \
        CHECK(value == 100);                                                               \
        OK(sabha_##N##_load(array, 2, &value));                                            \
        CHECK(value == 0); /* the neighbours have seen nothing of it */                    \
        T three[4] = { 1, 2, 3, 44 };                                                      \
        OK(sabha_##N##_copy_from(array, 0, three, 3));                                     \
        OK(sabha_##N##_fill(array, 1, 1, 9));                                              \
        OK(sabha_##N##_copy_to(array, 1, three, 2));                                       \
        CHECK(three[0] == 9 && three[1] == 3 && three[2] == 3 && three[3] == 44);          \
        OK(sabha_##N##_copy_to(array, 3, NULL, 0));                                        \
        GIVES(SABHA_E_NULL, sabha_##N##_copy_to(array, 0, NULL, 1));                       \
        GIVES(SABHA_E_NULL, sabha_##N##_copy_from(array, 0, NULL, 1));                     \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_copy_to(array, 1, three, 3));              \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_copy_from(array, 1, three, 3));            \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_fill(array, 0, 4, 0));                     \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_fill(array, 2, SIZE_MAX, 0));              \
        value = 55;                                                                        \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_load(array, 3, &value));                   \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_store(array, SIZE_MAX, 1));                \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_fetch_add(array, 3, 1, &value));           \
        GIVES(SABHA_E_NULL, sabha_##N##_load(NULL, 0, &value));                            \
        GIVES(SABHA_E_NULL, sabha_##N##_load(array, 0, NULL));                             \
        GIVES(SABHA_E_NULL, sabha_##N##_exchange(NULL, 0, 1, &value));                     \
        CHECK(value == 55);                                                                \
        OK(sabha_array_free(array));                                                       \
    }

TEST_INTEGER(i8, int8_t, SABHA_I8, INT8_MIN, INT8_MAX)
TEST_INTEGER(u8, uint8_t, SABHA_U8, 0, UINT8_MAX)
TEST_INTEGER(i16, int16_t, SABHA_I16, INT16_MIN, INT16_MAX)
TEST_INTEGER(u16, uint16_t, SABHA_U16, 0, UINT16_MAX)
TEST_INTEGER(i32, int32_t, SABHA_I32, INT32_MIN, INT32_MAX)
TEST_INTEGER(u32, uint32_t, SABHA_U32, 0, UINT32_MAX)
TEST_INTEGER(i64, int64_t, SABHA_I64, INT64_MIN, INT64_MAX)
TEST_INTEGER(u64, uint64_t, SABHA_U64, 0, UINT64_MAX)

/* Floats: the bits count. */
#define TEST_FLOAT(N, T, CODE)                                                             \
    static void test_##N(sabha_region *region) {                                           \
        sabha_array *array = NULL;                                                         \
        T value = 1, old = 1, two[2];                                                      \
        OK(sabha_array_open(region, #N, CODE, 2, &array));                                 \
        OK(sabha_##N##_load(array, 0, &value));                                            \
        CHECK(value == 0);                                                                 \
        OK(sabha_##N##_store(array, 0, (T)-1.5));                                          \
        OK(sabha_##N##_exchange(array, 0, (T)0.25, &old));                                 \
        CHECK(old == (T)-1.5);                                                             \
        OK(sabha_##N##_compare_exchange(array, 0, (T)0.25, (T)-0.0, &old));                \
        GIVES(SABHA_NOT_EQUAL, sabha_##N##_compare_exchange(array, 0, (T)0.0, 1, &old));   \
        OK(sabha_##N##_fill(array, 1, 1, (T)1e30));                                        \
        OK(sabha_##N##_copy_to(array, 0, two, 2));                                         \
        CHECK(two[0] == 0 && two[1] == (T)1e30);                                           \
        OK(sabha_##N##_copy_from(array, 0, two + 1, 1));                                   \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_load(array, 2, &value));                   \
        OK(sabha_array_free(array));                                                       \
    }

TEST_FLOAT(f32, float, SABHA_F32)
TEST_FLOAT(f64, double, SABHA_F64)

static void refusals(sabha_region *region) {
    sabha_array *array = NULL, *same = NULL;
    int32_t value;
    GIVES(SABHA_E_NO_SUCH_OBJECT, sabha_array_find(region, "x", SABHA_U32, 4, &array));
    OK(sabha_array_open(region, "x", SABHA_U32, 4, &array));
    OK(sabha_array_find(region, "x", SABHA_U32, 4, &same));
    OK(sabha_array_free(same));
    GIVES(SABHA_E_OTHER_TYPE, sabha_array_open(region, "x", SABHA_I32, 4, &same));
    SAYS("expected");
    GIVES(SABHA_E_OTHER_TYPE, sabha_array_open(region, "x", SABHA_U32, 5, &same));
    GIVES(SABHA_E_OTHER_TYPE, sabha_i32_load(array, 0, &value));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_array_open(region, "y", 0, 4, &same));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_array_open(region, "y", 77, 4, &same));
    GIVES(SABHA_E_OUT_OF_RANGE, sabha_array_open(region, "y", SABHA_U32, 0, &same));
    GIVES(SABHA_E_OUT_OF_RANGE, sabha_array_open(region, "y", SABHA_U32, SIZE_MAX, &same));
    GIVES(SABHA_E_REGION_FULL, sabha_array_open(region, "y", SABHA_U32, 1 << 20, &same));
    GIVES(SABHA_E_INVALID_NAME, sabha_array_open(region, "", SABHA_U32, 4, &same));
    GIVES(SABHA_E_NULL, sabha_array_open(NULL, "y", SABHA_U32, 4, &same));
    GIVES(SABHA_E_NULL, sabha_array_open(region, NULL, SABHA_U32, 4, &same));
    GIVES(SABHA_E_NULL, sabha_array_open(region, "y", SABHA_U32, 4, NULL));
    OK(sabha_array_free(array));
    OK(sabha_array_free(NULL));
}

static void looking(const char *name) {
    sabha_region *region, *look;
    sabha_array *array, *seen;
    uint32_t value = 0;
    void *data = NULL;
    OK(sabha_region_create(name, NULL, &region));
    OK(sabha_region_open_read_only(name, NULL, &look));
    OK(sabha_region_unlink(region));
    OK(sabha_array_open(region, "x", SABHA_U32, 4, &array));
    OK(sabha_array_open(look, "x", SABHA_U32, 4, &seen));
    OK(sabha_u32_store(array, 3, 33));
    OK(sabha_u32_load(seen, 3, &value));
    CHECK(value == 33);
    GIVES(SABHA_E_OUT_OF_RANGE, sabha_u32_load(seen, 4, &value));
    GIVES(SABHA_E_READ_ONLY, sabha_u32_store(seen, 3, 34));
    GIVES(SABHA_E_READ_ONLY, sabha_u32_fetch_add(seen, 3, 1, NULL));
    GIVES(SABHA_E_READ_ONLY, sabha_u32_compare_exchange(seen, 3, 33, 1, NULL));
    GIVES(SABHA_E_READ_ONLY, sabha_u32_copy_from(seen, 0, &value, 1));
    GIVES(SABHA_E_READ_ONLY, sabha_u32_fill(seen, 0, 1, 1));
    GIVES(SABHA_E_READ_ONLY, sabha_u32_notify(seen, 3, 1, NULL));
    GIVES(SABHA_E_READ_ONLY, sabha_u32_store_and_notify(seen, 3, 1, 1, NULL));
    GIVES(SABHA_NOT_EQUAL, sabha_u32_wait_until(seen, 3, 32, SABHA_NEVER));
    GIVES(SABHA_E_TIMED_OUT, sabha_u32_wait_until(seen, 3, 33, 0));
    value = 0;
    OK(sabha_u32_copy_to(seen, 3, &value, 1));
    GIVES(SABHA_E_READ_ONLY, sabha_array_data(seen, &data));
    CHECK(value == 33 && data == NULL);
    sabha_array_free(seen);
    sabha_array_free(array);
    sabha_region_free(look);
    sabha_region_free(region);
}

enum { ROUNDS = 20000 };

static void *count(void *array) {
    void *data;
    OK(sabha_array_data(array, &data));
    _Atomic uint64_t *elements = data;
    for (int i = 0; i < ROUNDS; i++) {
        OK(sabha_u64_fetch_add(array, 0, 1, NULL));
        atomic_fetch_add(&elements[1], 1); /* the same bytes by C's own atomics */
    }
    return NULL;
}

static void threads(sabha_region *region) {
    pthread_t thread;
    sabha_array *array;
    uint64_t value;
    OK(sabha_array_open(region, "counts", SABHA_U64, 2, &array));
    CHECK(pthread_create(&thread, NULL, count, array) == 0);
    count(array);
    CHECK(pthread_join(thread, NULL) == 0);
    for (size_t i = 0; i < 2; i++) {
        OK(sabha_u64_load(array, i, &value));
        CHECK(value == 2 * ROUNDS);
    }
    sabha_array_free(array);
}

int main(int argc, char **argv) {
    sabha_region *region;
    hurry();
    CHECK(argc == 2);
    OK(sabha_region_anonymous(NULL, &region));
    test_i8(region);
    test_u8(region);
    test_i16(region);
    test_u16(region);
    test_i32(region);
    test_u32(region);
    test_i64(region);
    test_u64(region);
    test_f32(region);
    test_f64(region);
    refusals(region);
    threads(region);
    looking(argv[1]);
    sabha_region_free(region);
    return 0;
}
