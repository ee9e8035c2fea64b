/* Forks: a child uses what it inherits, and never passes for its parent. */
#include "check.h"
#include <signal.h>

static sabha_region *region;
static sabha_array *array;
static sabha_mutex *mutex;

static void child_of_a_holder(void) {
    sabha_holder holder;
    void *data;
    uint64_t old;
    sabha_member_info members[2];
    size_t count;
    GIVES(SABHA_E_NOT_OWNER, sabha_mutex_unlock(mutex));
    GIVES(SABHA_E_NOT_OWNER, sabha_mutex_data(mutex, &data));
    GIVES(SABHA_E_HELD, sabha_mutex_try_lock(mutex));
    OK(sabha_last_holder(&holder));
    CHECK(holder.pid == (uint32_t)getppid());
    OK(sabha_u64_fetch_add(array, 0, 1, &old));
    OK(sabha_region_members(region, members, 2, &count));
    CHECK(count == 2);
    OK(sabha_mutex_free(mutex));
    OK(sabha_array_free(array));
    OK(sabha_region_free(region));
    exit(0);
}

static void child_that_dies(void) {
    OK(sabha_mutex_lock(mutex));
    kill(getpid(), SIGKILL);
}

int main(int argc, char **argv) {
    uint64_t value;
    void *data;
    hurry();
    CHECK(argc == 2 && argv[1]);
    OK(sabha_region_anonymous(NULL, &region));
    OK(sabha_array_open(region, "numbers", SABHA_U64, 1, &array));
    OK(sabha_mutex_open(region, "lock", sabha_type_of(SABHA_U8), SABHA_ADAPTIVE, &mutex));

    OK(sabha_mutex_lock(mutex));
    pid_t child = fork();
    if (child == 0)
        child_of_a_holder();
    CHECK(went_well(child));
    OK(sabha_u64_load(array, 0, &value));
    CHECK(value == 1);
    OK(sabha_mutex_data(mutex, &data)); /* still ours */
    OK(sabha_mutex_unlock(mutex));

    child = fork();
    if (child == 0)
        child_that_dies();
    CHECK(!went_well(child));
    GIVES(SABHA_OWNER_DIED, sabha_mutex_lock(mutex));
    OK(sabha_mutex_mark_consistent(mutex));
    OK(sabha_mutex_unlock(mutex));
    OK(sabha_mutex_lock(mutex));
    OK(sabha_mutex_unlock(mutex));
    sabha_mutex_free(mutex);
    sabha_array_free(array);
    sabha_region_free(region);
    return 0;
}
