/* Locks: taking turns, being refused, and what lies under them. */
#include "check.h"
#include <pthread.h>

struct account {
    uint8_t kind;
    uint32_t numbers[3];
    int64_t balance;
};

static sabha_type account(void) {
    sabha_field fields[] = {
        SABHA_FIELD(struct account, kind, sabha_type_of(SABHA_U8)),
        SABHA_FIELD(struct account, numbers, sabha_type_array(sabha_type_of(SABHA_U32), 3)),
        SABHA_FIELD(struct account, balance, sabha_type_of(SABHA_I64)),
    };
    return SABHA_TYPE_STRUCT(struct account, fields);
}

static int is_none(sabha_type type) {
    return type.size == 0 && type.align == 0 && type.fingerprint == 0;
}

static void types(void) {
    sabha_type word = sabha_type_of(SABHA_U32);
    sabha_field outside[] = { { 2, word } };
    CHECK(word.size == 4 && word.align == 4 && word.fingerprint != 0);
    CHECK(sabha_type_array(word, 3).size == 12);
    CHECK(account().size == sizeof(struct account) && account().align == _Alignof(struct account));
    CHECK(is_none(sabha_type_of(0)) && is_none(sabha_type_of(-1)) && is_none(sabha_type_of(11)));
    CHECK(is_none(sabha_type_array(word, 0)) && is_none(sabha_type_array(word, UINT64_MAX)));
    CHECK(is_none(sabha_type_array(sabha_type_of(0), 3)));
    CHECK(is_none(sabha_type_struct(4, 4, outside, 1)) && is_none(sabha_type_struct(4, 4, NULL, 1)));
}

static void alone(sabha_region *region, int32_t policy) {
    sabha_mutex *mutex = NULL, *same = NULL;
    sabha_holder holder;
    void *data = NULL, *again = NULL;
    OK(sabha_mutex_open(region, "accounts", account(), policy, &mutex));
    OK(sabha_mutex_open(region, "accounts", account(), SABHA_ADAPTIVE, &same));
    GIVES(SABHA_E_NOT_OWNER, sabha_mutex_unlock(mutex));
    GIVES(SABHA_E_NOT_OWNER, sabha_mutex_mark_consistent(mutex));
    GIVES(SABHA_E_NOT_OWNER, sabha_mutex_data(mutex, &data));
    CHECK(data == NULL);

    OK(sabha_mutex_lock(mutex));
    OK(sabha_mutex_data(mutex, &data));
    OK(sabha_mutex_data(same, &again));
    CHECK(data == again && (uintptr_t)data % _Alignof(struct account) == 0);
    ((struct account *)data)->balance += 5;
    GIVES(SABHA_E_DEADLOCK, sabha_mutex_lock(same));
    OK(sabha_last_holder(&holder));
    CHECK(holder.pid == (uint32_t)getpid() && holder.tid == (uint32_t)gettid() && holder.seat != 0);
    GIVES(SABHA_E_DEADLOCK, sabha_mutex_try_lock(mutex));
    OK(sabha_mutex_mark_consistent(mutex));
    OK(sabha_mutex_unlock(same));
    GIVES(SABHA_E_NOT_OWNER, sabha_mutex_unlock(mutex));
    OK(sabha_mutex_lock_until(mutex, 0)); /* free: had without waiting */
    OK(sabha_mutex_unlock(mutex));
    OK(sabha_mutex_free(mutex));
    OK(sabha_mutex_free(same));
    OK(sabha_mutex_free(NULL));
}

static void refusals(sabha_region *region) {
    sabha_mutex *mutex = NULL;
    sabha_type word = sabha_type_of(SABHA_U32), none = { 0, 0, 0 }, odd = { 6, 4, 1 };
    GIVES(SABHA_E_OTHER_TYPE, sabha_mutex_open(region, "accounts", word, SABHA_SPIN, &mutex));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_mutex_open(region, "m", none, SABHA_SPIN, &mutex));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_mutex_open(region, "m", odd, SABHA_SPIN, &mutex));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_mutex_open(region, "m", word, 3, &mutex));
    GIVES(SABHA_E_REGION_FULL, sabha_mutex_open(region, "m", sabha_type_array(word, 1 << 30), 0, &mutex));
    GIVES(SABHA_E_INVALID_NAME, sabha_mutex_open(region, "a/b", word, SABHA_SPIN, &mutex));
    GIVES(SABHA_E_NULL, sabha_mutex_open(NULL, "m", word, SABHA_SPIN, &mutex));
    GIVES(SABHA_E_NULL, sabha_mutex_open(region, NULL, word, SABHA_SPIN, &mutex));
    GIVES(SABHA_E_NULL, sabha_mutex_open(region, "m", word, SABHA_SPIN, NULL));
    GIVES(SABHA_E_NULL, sabha_mutex_lock(NULL));
    GIVES(SABHA_E_NULL, sabha_mutex_lock_until(NULL, SABHA_NEVER));
    GIVES(SABHA_E_NULL, sabha_mutex_try_lock(NULL));
    GIVES(SABHA_E_NULL, sabha_mutex_unlock(NULL));
    GIVES(SABHA_E_NULL, sabha_mutex_mark_consistent(NULL));
    GIVES(SABHA_E_NULL, sabha_mutex_data(NULL, NULL));
    CHECK(mutex == NULL);
}

static pid_t main_thread;

static void *meets_a_held_lock(void *mutex) {
    sabha_holder holder;
    GIVES(SABHA_E_HELD, sabha_mutex_try_lock(mutex));
    OK(sabha_last_holder(&holder));
    CHECK(holder.tid == (uint32_t)main_thread);
    SAYS("process");
    GIVES(SABHA_E_TIMED_OUT, sabha_mutex_lock_until(mutex, sabha_deadline_after(SECOND / 100)));
    memset(&holder, 0, sizeof holder);
    OK(sabha_last_holder(&holder));
    CHECK(holder.tid == (uint32_t)main_thread);
    GIVES(SABHA_E_NOT_OWNER, sabha_mutex_unlock(mutex));
    return NULL;
}

enum { ROUNDS = 20000 };

static void *count(void *mutex) {
    for (int i = 0; i < ROUNDS; i++) {
        void *data;
        OK(sabha_mutex_lock(mutex));
        OK(sabha_mutex_data(mutex, &data));
        ++*(uint64_t *)data;
        OK(sabha_mutex_unlock(mutex));
    }
    return NULL;
}

static void *dies_with_the_lock(void *mutex) {
    OK(sabha_mutex_lock(mutex));
    return NULL;
}

static void threads(sabha_region *region, int32_t policy) {
    pthread_t thread;
    sabha_mutex *mutex;
    void *data;
    OK(sabha_mutex_open(region, "count", sabha_type_of(SABHA_U64), policy, &mutex));
    OK(sabha_mutex_lock(mutex));
    OK(sabha_mutex_data(mutex, &data));
    *(uint64_t *)data = 0;
    main_thread = gettid();
    CHECK(pthread_create(&thread, NULL, meets_a_held_lock, mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    OK(sabha_mutex_unlock(mutex));

    CHECK(pthread_create(&thread, NULL, count, mutex) == 0);
    count(mutex);
    CHECK(pthread_join(thread, NULL) == 0);
    OK(sabha_mutex_lock(mutex));
    CHECK(*(uint64_t *)data == 2 * ROUNDS);
    OK(sabha_mutex_unlock(mutex));

    CHECK(pthread_create(&thread, NULL, dies_with_the_lock, mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    GIVES(SABHA_OWNER_DIED, sabha_mutex_lock(mutex));
    OK(sabha_mutex_unlock(mutex));
    GIVES(SABHA_OWNER_DIED, sabha_mutex_try_lock(mutex)); /* nobody has repaired */
    OK(sabha_mutex_mark_consistent(mutex));
    OK(sabha_mutex_unlock(mutex));
    OK(sabha_mutex_lock(mutex));
    OK(sabha_mutex_unlock(mutex));
    OK(sabha_mutex_free(mutex));
}

static void deadlines(void) {
    uint64_t now = sabha_deadline_after(0);
    CHECK(now > 0 && sabha_deadline_after(SECOND) >= now + SECOND);
    CHECK(sabha_deadline_after(SECOND) < now + 60 * SECOND);
    CHECK(sabha_deadline_after(SABHA_NEVER) == SABHA_NEVER);
}

int main(int argc, char **argv) {
    sabha_region *region;
    hurry();
    CHECK(argc == 2 && argv[1]);
    OK(sabha_region_anonymous(NULL, &region));
    types();
    deadlines();
    for (int32_t policy = SABHA_ADAPTIVE; policy <= SABHA_SPIN; policy++) {
        alone(region, policy);
        threads(region, policy);
    }
    refusals(region);
    sabha_region_free(region);
    return 0;
}
