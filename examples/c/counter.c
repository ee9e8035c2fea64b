/*
 * One counter, several processes, four ways to add to it: examples/counter.rs in C. The two meet in one region.
 *
 * Build:  cargo build --release -p sabha-ffi
 *         cc -std=c11 -O2 -D_GNU_SOURCE -I ffi/include examples/c/counter.c target/release/libsabha.a \
 *            -pthread -ldl -lm -o target/counter-c
 * Run:    target/counter-c
 * Or, with every second process written in Rust:
 *         cargo build --release --example counter
 *         target/counter-c sabha-counter target/release/examples/counter
 *
 * You should see: a plain counter that lost additions; an atomic, a spinlock and a mutex that lost none.
 * Proves: C and Rust find the same objects by name, and exclude each other from them.
 *
 * `counter add REGION WAY TIMES` is what each process here runs, and the Rust example understands it, too.
 */
#include <inttypes.h>
#include <sabha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 2 };

/* Ends the program if a call has failed; else its status, which can be news. */
static sabha_status must(sabha_status status) {
    char why[300] = "";
    if (status < 0) {
        sabha_last_error(why, sizeof why);
        fprintf(stderr, "counter: %s (%s)\n", sabha_strerror(status), why);
        exit(1);
    }
    return status;
}

/* The counters, as every process finds them. */
struct counters {
    sabha_array *plain, *atomic;
    sabha_mutex *spin, *mutex;
};

static struct counters find(sabha_region *region) {
    struct counters found;
    sabha_type number = sabha_type_of(SABHA_U64);
    must(sabha_array_open(region, "plain", SABHA_U64, 1, &found.plain));
    must(sabha_array_open(region, "atomic", SABHA_U64, 1, &found.atomic));
    must(sabha_mutex_open(region, "spin", number, SABHA_SPIN, &found.spin));
    must(sabha_mutex_open(region, "mutex", number, SABHA_ADAPTIVE, &found.mutex));
    return found;
}

static void give_back(struct counters found) {
    sabha_array_free(found.plain);
    sabha_array_free(found.atomic);
    sabha_mutex_free(found.spin);
    sabha_mutex_free(found.mutex);
}

/* Locks, adds, unlocks; the sum. */
static uint64_t add_locked(sabha_mutex *mutex, uint64_t times) {
    void *data;
    if (must(sabha_mutex_lock(mutex)) == SABHA_OWNER_DIED)
        must(sabha_mutex_mark_consistent(mutex)); /* one store changes it: it is never half-done */
    must(sabha_mutex_data(mutex, &data));
    uint64_t sum = *(uint64_t *)data += times;
    must(sabha_mutex_unlock(mutex));
    return sum;
}

static uint64_t total(struct counters found, const char *way) {
    uint64_t sum = 0;
    if (strcmp(way, "plain") == 0)
        must(sabha_u64_load(found.plain, 0, &sum));
    else if (strcmp(way, "atomic") == 0)
        must(sabha_u64_load(found.atomic, 0, &sum));
    else
        sum = add_locked(strcmp(way, "spin") == 0 ? found.spin : found.mutex, 0);
    return sum;
}

static void add(struct counters found, const char *way, uint64_t times) {
    if (strcmp(way, "plain") == 0) {
        for (uint64_t i = 0, seen; i < times; i++) {
            must(sabha_u64_load(found.plain, 0, &seen));
            must(sabha_u64_store(found.plain, 0, seen + 1)); /* what came in between is lost */
        }
    } else if (strcmp(way, "atomic") == 0) {
        for (uint64_t i = 0; i < times; i++)
            must(sabha_u64_fetch_add(found.atomic, 0, 1, NULL));
    } else {
        sabha_mutex *mutex = strcmp(way, "spin") == 0 ? found.spin : found.mutex;
        for (uint64_t i = 0; i < times; i++)
            add_locked(mutex, 1);
    }
}

static pid_t start(const char *program, const char *region, const char *way, uint64_t times) {
    char count[21];
    snprintf(count, sizeof count, "%" PRIu64, times);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout))
            execl(program, program, "add", region, way, count, (char *)NULL);
        perror(program);
        _exit(1);
    }
    return child;
}

/* Has several processes add at once, and counts what is lost; `other` may be a program in another language. */
static uint64_t race(struct counters found, const char *region, const char *way, uint64_t times,
                     const char *other) {
    pid_t children[PROCESSES];
    uint64_t before = total(found, way), expected = PROCESSES * times;
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start(other && i % 2 ? other : "/proc/self/exe", region, way, times);
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;
        if (children[i] < 0 || waitpid(children[i], &status, 0) < 0 || status != 0) {
            fprintf(stderr, "counter: a child failed\n");
            exit(1);
        }
    }
    uint64_t counted = total(found, way) - before;
    printf("  %-7s %10" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n", way, expected, counted, expected - counted);
    return expected - counted;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "sabha-counter", *other = argc > 2 ? argv[2] : NULL;
    sabha_region *region;
    if (sabha_abi_version() != SABHA_ABI_VERSION) {
        fprintf(stderr, "counter: made for another sabha than %s\n", sabha_version());
        return 1;
    }
    if (argc == 5 && strcmp(argv[1], "add") == 0) {
        must(sabha_region_open(argv[2], NULL, &region));
        struct counters found = find(region);
        add(found, argv[3], strtoull(argv[4], NULL, 10));
        printf("%s: %" PRIu64 "\n", argv[3], total(found, argv[3]));
        return 0;
    }
    if (argc > 3) {
        fprintf(stderr, "counter [REGION [OTHER PROGRAM]] | counter add REGION WAY TIMES\n");
        return 1;
    }

    must(sabha_region_open_or_create(name, NULL, &region));
    struct counters found = find(region);
    printf("%d processes add to one counter in /dev/shm/%s.\n\n", PROCESSES, name);
    printf("  way       expected   counted      lost\n");
    for (int attempt = 0; attempt < 5; attempt++) {
        if (race(found, name, "plain", 5000000, other) > 0)
            break;
        printf("  (none was lost, by luck: they never met)\n");
    }
    uint64_t lost = race(found, name, "atomic", 2000000, other);
    lost |= race(found, name, "spin", 1000000, other);
    lost |= race(found, name, "mutex", 1000000, other);
    must(sabha_region_unlink(region));
    give_back(found);
    must(sabha_region_free(region));
    if (lost) {
        fprintf(stderr, "counter: additions were lost that must not be\n");
        return 1;
    }
    printf("\nproven: plain additions race; atomic, spinlock and mutex lose none\n");
    return 0;
}
