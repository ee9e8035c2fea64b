/* Regions: made, opened, listed, grown, looked at; and every way to be refused. */
#include "check.h"
#include <pthread.h>

static sabha_region *make(uint64_t size, uint64_t max_size) {
    sabha_region_options options = SABHA_REGION_OPTIONS_INIT;
    sabha_region *region = NULL;
    options.size = size;
    options.max_size = max_size;
    options.member_name = "tester";
    OK(sabha_region_anonymous(&options, &region));
    return region;
}

static void names(const char *name) {
    sabha_region *first = NULL, *second = NULL, *third = NULL;
    uint8_t id1[16], id2[16];
    GIVES(SABHA_E_NO_SUCH_REGION, sabha_region_open(name, NULL, &first));
    SAYS(name);
    CHECK(first == NULL);
    OK(sabha_region_create(name, NULL, &first));
    GIVES(SABHA_E_ALREADY_EXISTS, sabha_region_create(name, NULL, &second));
    OK(sabha_region_open(name, NULL, &second));
    OK(sabha_region_open_or_create(name, NULL, &third));
    OK(sabha_region_id(first, &id1));
    OK(sabha_region_id(third, &id2));
    CHECK(memcmp(id1, id2, sizeof id1) == 0);
    OK(sabha_region_unlink(second));
    GIVES(SABHA_E_NO_SUCH_REGION, sabha_region_unlink(first));
    OK(sabha_region_free(first));
    OK(sabha_region_free(second));
    OK(sabha_region_free(third));
    OK(sabha_region_free(NULL));

    const char *bad[] = { "", ".", "..", "a/b", "\xff\xfe" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        GIVES(SABHA_E_INVALID_NAME, sabha_region_create(bad[i], NULL, &first));
    GIVES(SABHA_E_NULL, sabha_region_create(NULL, NULL, &first));
    SAYS("`name`");
    GIVES(SABHA_E_NULL, sabha_region_create(name, NULL, NULL));
    SAYS("`region`");
    GIVES(SABHA_E_NO_SUCH_REGION, sabha_region_open(name, NULL, &first));
}

static void files(const char *name) {
    char path[300];
    sabha_region *first, *second;
    snprintf(path, sizeof path, "/tmp/%s.region", name);
    OK(sabha_region_open_or_create_file(path, NULL, &first));
    OK(sabha_region_open_or_create_file(path, NULL, &second));
    OK(sabha_region_unlink(first));
    CHECK(access(path, F_OK) != 0);
    GIVES(SABHA_E_NOT_A_FILE, sabha_region_open_or_create_file("/tmp", NULL, &first));
    SAYS("directory");
    sabha_region_free(first);
    sabha_region_free(second);
}

static void options_of_other_versions(void) {
    struct { sabha_region_options known; uint64_t more; } longer = { SABHA_REGION_OPTIONS_INIT, 0 };
    sabha_region *region = NULL;
    longer.known.struct_size = sizeof longer;
    OK(sabha_region_anonymous(&longer.known, &region));
    sabha_region_free(region);
    region = NULL;
    longer.more = 1;
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_region_anonymous(&longer.known, &region));
    SAYS("newer version");
    longer.known.struct_size = 0;
    GIVES(SABHA_E_INVALID_ARGUMENT, sabha_region_anonymous(&longer.known, &region));
    SAYS("SABHA_REGION_OPTIONS_INIT");
    longer.known.struct_size = sizeof longer.known;
    longer.known.trusted_count = 2;
    GIVES(SABHA_E_NULL, sabha_region_anonymous(&longer.known, &region));
    longer.known.trusted_count = 0;
    longer.known.seats = 5000;
    GIVES(SABHA_E_OUT_OF_RANGE, sabha_region_anonymous(&longer.known, &region));
    CHECK(region == NULL);
}

static void growing(void) {
    sabha_region *region = make(1 << 16, 1 << 18);
    uint64_t len = 0;
    OK(sabha_region_len(region, &len));
    CHECK(len == 1 << 16);
    OK(sabha_region_max_len(region, &len));
    CHECK(len == 1 << 18);
    OK(sabha_region_grow(region, (1 << 17) - 1));
    OK(sabha_region_len(region, &len));
    CHECK(len == 1 << 17);
    GIVES(SABHA_E_SHRINK, sabha_region_grow(region, 1 << 16));
    GIVES(SABHA_E_PAST_MAXIMUM, sabha_region_grow(region, (1 << 18) + 1));
    GIVES(SABHA_E_PAST_MAXIMUM, sabha_region_grow(region, UINT64_MAX));
    GIVES(SABHA_E_NULL, sabha_region_len(region, NULL));
    GIVES(SABHA_E_NULL, sabha_region_grow(NULL, 1));
    OK(sabha_region_enter(region));
    sabha_region_free(region);
}

static void descriptors(void) {
    sabha_region *region = make(1 << 16, 0), *again = NULL;
    uint8_t id1[16], id2[16];
    int fd = -1;
    OK(sabha_region_fd(region, &fd));
    OK(sabha_region_from_fd(fd, NULL, &again));
    OK(sabha_region_id(region, &id1));
    OK(sabha_region_id(again, &id2));
    CHECK(memcmp(id1, id2, sizeof id1) == 0);
    sabha_region_free(again);
    again = NULL;
    GIVES(SABHA_E_OS, sabha_region_from_fd(-1, NULL, &again));
    GIVES(SABHA_E_OS, sabha_region_from_fd(9999, NULL, &again));
    FILE *other = tmpfile();
    GIVES(SABHA_E_CORRUPT, sabha_region_from_fd(fileno(other), NULL, &again));
    CHECK(again == NULL);
    sabha_region_free(region);
}

static void listing(void) {
    sabha_region *region = make(1 << 16, 0);
    sabha_array *array;
    sabha_mutex *mutex;
    sabha_object_info objects[3];
    sabha_member_info members[2];
    sabha_holder holder;
    size_t count = 99;

    OK(sabha_region_objects(region, NULL, 0, &count));
    CHECK(count == 0);
    OK(sabha_array_open(region, "numbers", SABHA_I16, 7, &array));
    OK(sabha_mutex_open(region, "lock", sabha_type_of(SABHA_F64), SABHA_BLOCK, &mutex));
    OK(sabha_region_objects(region, objects, 3, &count));
    CHECK(count == 2);
    CHECK(strcmp(objects[0].name, "numbers") == 0 && objects[0].code == SABHA_I16);
    CHECK(strcmp(objects[0].kind, "array") == 0);
    CHECK(objects[0].count == 7 && objects[0].bytes == 14);
    CHECK(strcmp(objects[1].name, "lock") == 0 && objects[1].code == 0 && objects[1].bytes == 16);
    OK(sabha_region_objects(region, objects, 1, &count));
    CHECK(count == 2);
    GIVES(SABHA_E_NULL, sabha_region_objects(region, NULL, 1, &count));

    OK(sabha_region_members(region, members, 2, &count));
    CHECK(count == 1 && members[0].pid == (uint32_t)getpid() && members[0].member != 0);
    CHECK(strcmp(members[0].name, "tester") == 0);

    GIVES(SABHA_E_IN_USE, sabha_region_remove(region, "numbers"));
    OK(sabha_last_holder(&holder));
    CHECK(holder.pid == (uint32_t)getpid() && holder.member == members[0].member);
    CHECK(strcmp(holder.name, "tester") == 0);
    OK(sabha_array_free(array));
    OK(sabha_region_remove(region, "numbers"));
    GIVES(SABHA_E_NO_SUCH_OBJECT, sabha_region_remove(region, "numbers"));
    OK(sabha_last_holder(&holder));
    CHECK(holder.pid == 0 && holder.name[0] == 0);
    sabha_mutex_free(mutex);
    sabha_region_free(region);
}

static void looking(const char *name) {
    sabha_region *region = NULL, *look = NULL;
    sabha_array *array = NULL;
    sabha_mutex *mutex = NULL;
    sabha_object_info object;
    uint64_t len;
    size_t count;
    OK(sabha_region_create(name, NULL, &region));
    OK(sabha_region_open_read_only(name, NULL, &look));
    OK(sabha_region_unlink(region));
    GIVES(SABHA_E_NO_SUCH_OBJECT, sabha_array_open(look, "numbers", SABHA_U64, 2, &array));
    OK(sabha_array_open(region, "numbers", SABHA_U64, 2, &array));
    OK(sabha_region_objects(look, &object, 1, &count));
    CHECK(count == 1 && object.code == SABHA_U64);
    GIVES(SABHA_E_READ_ONLY, sabha_region_remove(look, "numbers"));
    GIVES(SABHA_E_READ_ONLY, sabha_region_grow(look, 1 << 20));
    GIVES(SABHA_E_READ_ONLY, sabha_region_len(look, &len));
    GIVES(SABHA_E_READ_ONLY, sabha_region_enter(look));
    GIVES(SABHA_E_READ_ONLY,
          sabha_mutex_open(look, "lock", sabha_type_of(SABHA_U64), SABHA_SPIN, &mutex));
    sabha_array_free(array);
    sabha_region_free(region);
    sabha_region_free(look);
}

static void *sees_no_error(void *unused) {
    char text[2] = "x";
    CHECK(sabha_last_error(text, sizeof text) == 0 && text[0] == 0);
    return unused;
}

static void errors(void) {
    pthread_t thread;
    char text[8] = "yyyyyyy";
    GIVES(SABHA_E_NULL, sabha_region_unlink(NULL));
    size_t len = sabha_last_error(NULL, 0);
    CHECK(len == strlen("the argument `region` is NULL"));
    CHECK(sabha_last_error(text, 5) == len && strcmp(text, "the ") == 0 && text[5] == 'y');
    CHECK(pthread_create(&thread, NULL, sees_no_error, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    GIVES(SABHA_E_NULL, sabha_last_holder(NULL));
}

int main(int argc, char **argv) {
    hurry();
    CHECK(argc == 2);
    CHECK(sabha_abi_version() == SABHA_ABI_VERSION);
    int major, minor, patch;
    CHECK(sscanf(sabha_version(), "%d.%d.%d", &major, &minor, &patch) == 3);
    CHECK(major == SABHA_VERSION_MAJOR && minor == SABHA_VERSION_MINOR && patch == SABHA_VERSION_PATCH);
    names(argv[1]);
    files(argv[1]);
    options_of_other_versions();
    growing();
    descriptors();
    listing();
    looking(argv[1]);
    errors();
    return 0;
}
