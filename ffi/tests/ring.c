/* Rings: items in order, full and empty, claims and chunks, closed, taken, abandoned. */
#include "check.h"
#include <signal.h>

struct item {
    uint64_t number;
    uint8_t bytes[3];
};

static sabha_type item_type(void) {
    sabha_field fields[] = {
        SABHA_FIELD(struct item, number, sabha_type_of(SABHA_U64)),
        SABHA_FIELD(struct item, bytes, sabha_type_array(sabha_type_of(SABHA_U8), 3)),
    };
    return SABHA_TYPE_STRUCT(struct item, fields);
}

static sabha_ring *ring;
static sabha_producer *producer;
static sabha_consumer *consumer;

static void take_ends(sabha_region *region, const char *name, size_t capacity, int32_t policy) {
    OK(sabha_ring_open(region, name, item_type(), capacity, &ring));
    OK(sabha_ring_producer(ring, policy, &producer));
    OK(sabha_ring_consumer(ring, policy, &consumer));
}

static void give_back(void) {
    OK(sabha_producer_free(producer));
    OK(sabha_consumer_free(consumer));
    OK(sabha_ring_free(ring));
    producer = NULL;
    consumer = NULL;
    ring = NULL;
}

static void one_by_one(sabha_region *region) {
    struct item item = { 7, { 1, 2, 3 } }, got = { 0, { 0, 0, 0 } };
    size_t count = 0;
    uint64_t position = 0;
    int32_t closed = 9;
    take_ends(region, "one", 3, SABHA_ADAPTIVE);
    OK(sabha_ring_capacity(ring, &count));
    CHECK(count == 4);
    GIVES(SABHA_E_EMPTY, sabha_consumer_try_pop(consumer, &got));
    GIVES(SABHA_E_TIMED_OUT, sabha_consumer_pop_until(consumer, &got, sabha_deadline_after(SECOND / 100)));
    CHECK(got.number == 0);
    for (; item.number < 11; item.number++)
        OK(sabha_producer_push_until(producer, &item, SABHA_NEVER));
    GIVES(SABHA_E_FULL, sabha_producer_try_push(producer, &item));
    GIVES(SABHA_E_TIMED_OUT, sabha_producer_push_until(producer, &item, 0));
    OK(sabha_ring_len(ring, &count));
    CHECK(count == 4);
    OK(sabha_producer_room(producer, &count));
    CHECK(count == 0);
    OK(sabha_consumer_len(consumer, &count));
    CHECK(count == 4);
    OK(sabha_consumer_pop_until(consumer, &got, SABHA_NEVER));
    CHECK(got.number == 7 && memcmp(got.bytes, item.bytes, 3) == 0);
    OK(sabha_producer_try_push(producer, &item));
    OK(sabha_producer_position(producer, &position));
    CHECK(position == 5);
    OK(sabha_consumer_position(consumer, &position));
    CHECK(position == 1);

    OK(sabha_ring_is_closed(ring, &closed));
    CHECK(closed == 0);
    OK(sabha_producer_close(producer));
    OK(sabha_producer_close(producer));
    OK(sabha_ring_is_closed(ring, &closed));
    CHECK(closed == 1);
    GIVES(SABHA_E_CLOSED, sabha_producer_try_push(producer, &item));
    for (uint64_t number = 8; number < 12; number++) {
        OK(sabha_consumer_try_pop(consumer, &got));
        CHECK(got.number == number);
    }
    GIVES(SABHA_E_CLOSED, sabha_consumer_try_pop(consumer, &got));
    GIVES(SABHA_E_CLOSED, sabha_consumer_pop_until(consumer, &got, SABHA_NEVER));
    OK(sabha_consumer_close(consumer));
    give_back();
}

static void many_at_once(sabha_region *region) {
    struct item items[6] = { { 0 } }, got[6] = { { 0 } };
    size_t count = 99;
    void *slots = NULL;
    const void *seen = NULL;
    for (uint64_t i = 0; i < 6; i++)
        items[i].number = i;
    take_ends(region, "many", 4, SABHA_BLOCK);
    OK(sabha_producer_push_some(producer, items, 3, &count));
    CHECK(count == 3);
    OK(sabha_producer_push_some(producer, items + 3, 3, &count));
    CHECK(count == 1);
    GIVES(SABHA_E_FULL, sabha_producer_push_some(producer, items, 2, &count));
    GIVES(SABHA_E_FULL, sabha_producer_claim(producer, 2, &slots, &count));
    OK(sabha_consumer_pop_some(consumer, got, 6, &count));
    CHECK(count == 4 && got[0].number == 0 && got[3].number == 3 && got[4].number == 0);
    GIVES(SABHA_E_EMPTY, sabha_consumer_pop_some(consumer, got, 6, &count));
    GIVES(SABHA_E_EMPTY, sabha_consumer_read(consumer, 6, &seen, &count));
    CHECK(count == 4 && slots == NULL && seen == NULL);

    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_producer_commit(producer, 1));
    OK(sabha_producer_claim(producer, 3, &slots, &count));
    CHECK(count == 3);
    memcpy(slots, items + 2, 3 * sizeof *items);
    GIVES(SABHA_E_EMPTY, sabha_consumer_try_pop(consumer, got)); /* nobody sees it */
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_producer_commit(producer, 4));
    OK(sabha_producer_commit(producer, 2));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_consumer_release(consumer, 1));
    OK(sabha_consumer_read(consumer, 6, &seen, &count));
    CHECK(count == 2 && ((const struct item *)seen)[1].number == 3);
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_consumer_release(consumer, 3));
    OK(sabha_consumer_release(consumer, 1));
    OK(sabha_consumer_try_pop(consumer, got)); /* what was not released comes again */
    CHECK(got[0].number == 3);
    give_back();
}

static void refusals(sabha_region *region) {
    sabha_producer *other = NULL;
    sabha_consumer *nobody = NULL;
    sabha_ring *none = NULL;
    sabha_type wide = { 256, 256, 1 };
    sabha_holder holder;
    struct item item;
    void *slots;
    size_t count;
    take_ends(region, "refusals", 4, SABHA_SPIN);
    GIVES(SABHA_E_TAKEN, sabha_ring_producer(ring, SABHA_SPIN, &other));
    OK(sabha_last_holder(&holder));
    CHECK(holder.pid == (uint32_t)getpid());
    GIVES(SABHA_E_TAKEN, sabha_ring_consumer(ring, SABHA_SPIN, &nobody));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_ring_producer(ring, -1, &other));
    GIVES(SABHA_E_OTHER_TYPE, sabha_ring_open(region, "refusals", item_type(), 8, &none));
    GIVES(SABHA_E_OTHER_TYPE, sabha_ring_open(region, "refusals", sabha_type_of(SABHA_U64), 4, &none));
    GIVES(SABHA_E_OUT_OF_RANGE, sabha_ring_open(region, "r", item_type(), 0, &none));
    GIVES(SABHA_E_OUT_OF_RANGE, sabha_ring_open(region, "r", item_type(), SIZE_MAX, &none));
    GIVES(SABHA_E_OUT_OF_RANGE, sabha_ring_open(region, "r", wide, 4, &none));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_ring_open(region, "r", sabha_type_of(0), 4, &none));
    GIVES(SABHA_E_NULL, sabha_ring_open(NULL, "r", item_type(), 4, &none));
    GIVES(SABHA_E_NULL, sabha_ring_open(region, NULL, item_type(), 4, &none));
    GIVES(SABHA_E_NULL, sabha_ring_open(region, "r", item_type(), 4, NULL));
    GIVES(SABHA_E_NULL, sabha_ring_len(ring, NULL));
    GIVES(SABHA_E_NULL, sabha_producer_try_push(NULL, &item));
    GIVES(SABHA_E_NULL, sabha_producer_try_push(producer, NULL));
    GIVES(SABHA_E_NULL, sabha_producer_push_until(producer, NULL, 0));
    GIVES(SABHA_E_NULL, sabha_producer_push_some(producer, NULL, 1, &count));
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_producer_push_some(producer, &item, SIZE_MAX / 2, &count));
    GIVES(SABHA_E_NULL, sabha_producer_claim(producer, 1, NULL, &count));
    GIVES(SABHA_E_NULL, sabha_producer_claim(producer, 1, &slots, NULL));
    GIVES(SABHA_E_NULL, sabha_consumer_try_pop(consumer, NULL));
    GIVES(SABHA_E_NULL, sabha_consumer_pop_until(NULL, &item, 0));
    GIVES(SABHA_E_NULL, sabha_consumer_pop_some(consumer, NULL, 1, &count));
    GIVES(SABHA_E_NULL, sabha_consumer_read(consumer, 1, NULL, &count));
    CHECK(other == NULL && nobody == NULL && none == NULL);
    give_back();
    OK(sabha_ring_free(NULL));
    OK(sabha_producer_free(NULL));
    OK(sabha_consumer_free(NULL));
}

enum { ITEMS = 5000 };

/* A child streams items and is killed at the end; the parent gets them all, then a successor. */
static void processes(sabha_region *region) {
    struct item item = { 0, { 1, 2, 3 } };
    OK(sabha_ring_open(region, "stream", item_type(), 64, &ring));
    OK(sabha_ring_consumer(ring, SABHA_ADAPTIVE, &consumer));
    pid_t child = fork();
    if (child == 0) {
        GIVES(SABHA_E_FORKED, sabha_consumer_try_pop(consumer, &item));
        OK(sabha_ring_producer(ring, SABHA_ADAPTIVE, &producer));
        for (; item.number < ITEMS; item.number++)
            OK(sabha_producer_push_until(producer, &item, SABHA_NEVER));
        kill(getpid(), SIGKILL);
    }
    for (uint64_t number = 0; number < ITEMS; number++) {
        OK(sabha_consumer_pop_until(consumer, &item, SABHA_NEVER));
        CHECK(item.number == number && item.bytes[2] == 3);
    }
    GIVES(SABHA_E_ABANDONED, sabha_consumer_pop_until(consumer, &item, SABHA_NEVER));
    CHECK(!went_well(child));
    OK(sabha_ring_producer(ring, SABHA_ADAPTIVE, &producer));
    item.number = ITEMS;
    OK(sabha_producer_try_push(producer, &item));
    OK(sabha_consumer_close(consumer));
    GIVES(SABHA_E_CLOSED, sabha_producer_try_push(producer, &item));
    OK(sabha_consumer_try_pop(consumer, &item));
    CHECK(item.number == ITEMS);
    give_back();
}

int main(int argc, char **argv) {
    sabha_region *region;
    hurry();
    CHECK(argc == 2 && argv[1]);
    OK(sabha_region_anonymous(NULL, &region));
    one_by_one(region);
    many_at_once(region);
    refusals(region);
    processes(region);
    sabha_region_free(region);
    return 0;
}
