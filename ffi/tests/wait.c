/* Waiting and notifying: between threads, between processes, and when a process is killed. */
#include "check.h"
#include <pthread.h>
#include <signal.h>

#define TEST_WAIT(N, T, CODE)                                                              \
    static void *wait_##N(void *array) {                                                   \
        OK(sabha_##N##_wait_until(array, 1, (T)-7, SABHA_NEVER));                          \
        return NULL;                                                                       \
    }                                                                                      \
                                                                                           \
    static void test_##N(sabha_region *region) {                                           \
        sabha_array *array;                                                                \
        pthread_t thread;                                                                  \
        uint32_t woken = 9;                                                                \
        T old = 0;                                                                         \
        OK(sabha_array_open(region, #N, CODE, 2, &array));                                 \
        GIVES(SABHA_NOT_EQUAL, sabha_##N##_wait_until(array, 1, 1, 0));                    \
        GIVES(SABHA_E_TIMED_OUT, sabha_##N##_wait_until(array, 1, 0, 0));                  \
        uint64_t soon = sabha_deadline_after(SECOND / 100);                                \
        GIVES(SABHA_E_TIMED_OUT, sabha_##N##_wait_until(array, 1, 0, soon));               \
        CHECK(sabha_deadline_after(0) >= soon); /* never early */                          \
        OK(sabha_##N##_notify(array, 1, SABHA_ALL, &woken));                               \
        CHECK(woken == 0);                                                                 \
        OK(sabha_##N##_store(array, 1, (T)-7));                                            \
        CHECK(pthread_create(&thread, NULL, wait_##N, array) == 0);                        \
        while (woken == 0)                                                                 \
            OK(sabha_##N##_notify(array, 1, 1, &woken));                                   \
        CHECK(woken == 1);                                                                 \
        CHECK(pthread_join(thread, NULL) == 0);                                            \
        OK(sabha_##N##_store_and_notify(array, 1, 5, 1, &woken));                          \
        CHECK(woken == 0);                                                                 \
        OK(sabha_##N##_add_and_notify(array, 1, 2, 1, &old, NULL));                        \
        CHECK(old == 5);                                                                   \
        OK(sabha_##N##_add_and_notify(array, 1, 2, SABHA_ALL, NULL, &woken));              \
        OK(sabha_##N##_load(array, 1, &old));                                              \
        CHECK(old == 9);                                                                   \
        woken = 9;                                                                         \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_wait_until(array, 2, 0, 0));               \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_notify(array, 2, 1, &woken));              \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_store_and_notify(array, 2, 1, 1, &woken)); \
        GIVES(SABHA_E_OUT_OF_RANGE, sabha_##N##_add_and_notify(array, 2, 1, 1, &old, &woken)); \
        GIVES(SABHA_E_NULL, sabha_##N##_wait_until(NULL, 0, 0, 0));                        \
        GIVES(SABHA_E_NULL, sabha_##N##_notify(NULL, 0, 1, &woken));                       \
        CHECK(woken == 9 && old == 9);                                                     \
        sabha_array_free(array);                                                           \
    }

TEST_WAIT(i32, int32_t, SABHA_I32)
TEST_WAIT(u32, uint32_t, SABHA_U32)
TEST_WAIT(i64, int64_t, SABHA_I64)
TEST_WAIT(u64, uint64_t, SABHA_U64)

/* A child that waits is woken; one that is killed while it waits is in nobody's way. */
static void processes(sabha_region *region) {
    sabha_array *array;
    uint32_t woken = 0;
    int64_t waiting = 0;
    OK(sabha_array_open(region, "processes", SABHA_I64, 2, &array));
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            OK(sabha_i64_fetch_add(array, 1, 1, NULL));
            OK(sabha_i64_wait_until(array, 0, 0, sabha_deadline_after(20 * SECOND)));
            exit(0);
        }
        while (waiting <= i)
            OK(sabha_i64_load(array, 1, &waiting));
    }
    usleep(50000); /* let them fall asleep: else they are woken a little later */
    kill(children[0], SIGKILL);
    CHECK(!went_well(children[0]));
    while (woken == 0)
        OK(sabha_i64_notify(array, 0, SABHA_ALL, &woken));
    CHECK(woken == 1 && went_well(children[1]));
    sabha_array_free(array);
}

int main(int argc, char **argv) {
    sabha_region *region;
    hurry();
    CHECK(argc == 2 && argv[1]);
    OK(sabha_region_anonymous(NULL, &region));
    test_i32(region);
    test_u32(region);
    test_i64(region);
    test_u64(region);
    processes(region);
    sabha_region_free(region);
    return 0;
}
