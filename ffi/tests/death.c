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
    else
        wait_and_repair();
    return 0;
}
