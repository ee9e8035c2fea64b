/* One side of tests/death.rs: `death <role> <region>`. */
#include "check.h"

static sabha_mutex *mutex;

/* Takes the lock, spoils the data, says so, and never comes back. */
static void hold(void) {
    void *data;
    OK(sabha_mutex_lock(mutex));
    OK(sabha_mutex_data(mutex, &data));
    *(uint64_t *)data = 666;
    puts("held");
    pause();
}

/* Is told of the death, finds what the dead one left, and repairs it. */
static void repair(void) {
    void *data;
    GIVES(SABHA_OWNER_DIED, sabha_mutex_lock_until(mutex, sabha_deadline_after(5 * SECOND)));
    OK(sabha_mutex_data(mutex, &data));
    CHECK(*(uint64_t *)data == 666);
    *(uint64_t *)data = 1;
    OK(sabha_mutex_mark_consistent(mutex));
    OK(sabha_mutex_unlock(mutex));
}

/* Pushes items for ever: somebody will stop it. */
static void produce(sabha_region *region) {
    sabha_ring *ring;
    sabha_producer *producer;
    OK(sabha_ring_open(region, "numbers", sabha_type_of(SABHA_U64), 16, &ring));
    OK(sabha_ring_producer(ring, SABHA_ADAPTIVE, &producer));
    puts("pushing");
    for (uint64_t number = 0;; number++)
        OK(sabha_producer_push_until(producer, &number, SABHA_NEVER));
}

/* Sleeps until a Rust process stores and notifies. */
static void hear(sabha_region *region) {
    sabha_array *bell;
    int64_t value;
    OK(sabha_array_find(region, "bell", SABHA_I64, 1, &bell));
    puts("listening");
    OK(sabha_i64_wait_until(bell, 0, 0, sabha_deadline_after(20 * SECOND)));
    OK(sabha_i64_load(bell, 0, &value));
    CHECK(value == INT64_C(1) << 40);
}

/* As `repair`, but is asleep at the lock when its holder dies. */
static void wait_and_repair(void) {
    GIVES(SABHA_E_HELD, sabha_mutex_try_lock(mutex));
    puts("waiting");
    repair();
}

int main(int argc, char **argv) {
    sabha_region *region;
    hurry();
    CHECK(argc == 3);
    OK(sabha_region_open(argv[2], NULL, &region));
    OK(sabha_mutex_open(region, "total", sabha_type_of(SABHA_U64), SABHA_ADAPTIVE, &mutex));
    if (strcmp(argv[1], "hold") == 0)
        hold();
    else if (strcmp(argv[1], "repair") == 0)
        repair();
    else if (strcmp(argv[1], "produce") == 0)
        produce(region);
    else if (strcmp(argv[1], "listen") == 0)
        hear(region);
    else
        wait_and_repair();
    return 0;
}
