/*
 * sabha: SharedArrayBuffer + Atomics for processes. Processes that know only a name meet in a region of
 * memory; they count, wait, notify, lock and pass messages there, and when any of them is killed, at any
 * instruction, the others go on.
 *
 *     sabha_region *region;
 *     sabha_mutex *mutex;
 *     void *data;
 *     sabha_status status = sabha_region_open_or_create("bank", NULL, &region);
 *     if (status >= 0)
 *         status = sabha_mutex_open(region, "total", sabha_type_of(SABHA_U64), SABHA_ADAPTIVE, &mutex);
 *     if (status >= 0)
 *         status = sabha_mutex_lock(mutex);
 *     if (status >= 0)
 *         status = sabha_mutex_data(mutex, &data);
 *     ...
 *
 * Link with -lsabha. Linux, 64 bits.
 *
 * For all functions:
 * - The result says what happened: see sabha_status. A function that fails has changed nothing, and has
 *   not touched where its results should go. sabha_last_error() has the details.
 * - No pointer may be NULL, unless it says so: then SABHA_E_NULL.
 * - Strings are UTF-8 and end with a NUL. The library keeps none of the caller's pointers.
 * - A handle (sabha_region *, sabha_array *, …) is the caller's, until it is given to the function that
 *   ends in _free, once. Handles mean nothing to other processes, except to a child of a fork.
 * - Deadlines are absolute, in nanoseconds of CLOCK_MONOTONIC: see sabha_deadline_after(). No function
 *   returns early because of a signal; none is for signal handlers.
 * - No panic or exception crosses into C: SABHA_E_PANIC.
 *
 * The last lines of each comment say
 *   Waits        what the call may wait for. Every wait notices the death of who is waited for.
 *   Threads      who may call. Where it says "any", several at the same time, with one handle, too.
 *   Fork         whether a child may use a handle that it has from its parent. (Made by fork(), not by a
 *                bare clone(); between fork() and exec() of a process with threads, do not use it.)
 *   Killed here  what a process leaves that is killed inside the call:
 *                G0 nothing; G1 what others put right in passing; G2 the next is told, and goes on.
 *
 * Made from ffi/src by cbindgen; see ffi/tests/header.rs.
 */

#ifndef SABHA_H
#define SABHA_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SABHA_MUST_USE __attribute__((warn_unused_result))
#else
#define SABHA_MUST_USE
#endif

#if defined(__cplusplus)
#define SABHA_ALIGNOF(type) alignof(type)
#else
#define SABHA_ALIGNOF(type) _Alignof(type)
#endif

// The options that are the defaults: sabha_region_options options = SABHA_REGION_OPTIONS_INIT;
#define SABHA_REGION_OPTIONS_INIT { sizeof(sabha_region_options), 0, 0, 0, 0, 0, NULL, NULL }

// A sabha_field: SABHA_FIELD(struct account, balance, sabha_type_of(SABHA_I64))
#define SABHA_FIELD(structure, field, type) { offsetof(structure, field), type }

// The type of a struct whose fields are in an array of sabha_field, in their order.
#define SABHA_TYPE_STRUCT(structure, fields) \
    sabha_type_struct(sizeof(structure), SABHA_ALIGNOF(structure), fields, \
                      sizeof(fields) / sizeof((fields)[0]))

// The version of this header.
#define SABHA_VERSION_MAJOR 0

// See SABHA_VERSION_MAJOR.
#define SABHA_VERSION_MINOR 1

// See SABHA_VERSION_MAJOR.
#define SABHA_VERSION_PATCH 0

// The version of the binary interface: another number means that functions or structs have changed.
#define SABHA_ABI_VERSION 0

// A deadline that never passes. (0 has always passed: do not wait at all.)
#define SABHA_NEVER 18446744073709551615ull

// int8_t. These name element types; the elements of an array are atomic.
#define SABHA_I8 1

// uint8_t
#define SABHA_U8 2

// int16_t
#define SABHA_I16 3

// uint16_t
#define SABHA_U16 4

// int32_t
#define SABHA_I32 5

// uint32_t
#define SABHA_U32 6

// int64_t
#define SABHA_I64 7

// uint64_t
#define SABHA_U64 8

// float
#define SABHA_F32 9

// double
#define SABHA_F64 10

// All of those who wait.
#define SABHA_ALL 4294967295

// How a waiter waits: spins a little, then sleeps.
#define SABHA_ADAPTIVE 0

// How a waiter waits: sleeps at once.
#define SABHA_BLOCK 1

// How a waiter waits: never sleeps. For sections shorter than a system call, with fewer waiters than
// processors: a spinlock, in Rust SpinLock<T>.
#define SABHA_SPIN 2

// An array of atomic elements in a region, in Rust a Shared<[AtomicU32]> and so on: a handle of this
// process. Any thread may use it. It is yours until sabha_array_free().
typedef struct sabha_array sabha_array;

// The consumer's end of a ring, which this process owns: for one thread at a time. It is yours until
// sabha_consumer_free(). A child of a fork gets SABHA_E_FORKED from all that would change the ring.
//
// An item comes twice only if its consumer was killed before it had released the item's slot: inside the
// call of a pop, or between sabha_consumer_read() and sabha_consumer_release().
typedef struct sabha_consumer sabha_consumer;

// A lock around data, for threads of any process: a handle of this process. Any thread may use the
// handle; the lock is held by a thread. It is yours until sabha_mutex_free().
typedef struct sabha_mutex sabha_mutex;

// The producer's end of a ring, which this process owns: for one thread at a time. It is yours until
// sabha_producer_free(). A child of a fork gets SABHA_E_FORKED from all that would change the ring.
typedef struct sabha_producer sabha_producer;

// A region of memory that processes share: a handle of this process. Any thread may use it. It is
// yours until sabha_region_free(); objects of it that are still open keep the memory mapped.
typedef struct sabha_region sabha_region;

// A ring of items of one size, from one producer process to one consumer process: a handle of this
// process, from which its two ends are taken. Any thread may use it. It is yours until
// sabha_ring_free().
typedef struct sabha_ring sabha_ring;

// What every function returns. 0 and above: what was asked for is so. Below 0: it is not, and
// nothing has been changed. Codes may be added: treat an unknown one by its sign.
typedef int32_t sabha_status;

// Who holds a lock, has an object open, or has the end of a ring: what the region's tables said
// when they were asked. It may have let go, or died, since.
typedef struct {
  // Its process, as its own pid namespace counts; 0: unknown.
  uint32_t pid;
  // Its thread; 0: unknown, or no thread's.
  uint32_t tid;
  // The seat that a lock names; 0: none.
  uint32_t seat;
  // The process as a member of the region; 0: unknown.
  uint32_t member;
  // What the process calls itself, NUL-terminated.
  char name[80];
  // 0.
  uint64_t reserved[4];
} sabha_holder;

// The type of data under a lock or in a ring, such that every process, in every language, describes
// the same layout by the same numbers: who opens an object with another type is told so
// (SABHA_E_OTHER_TYPE). All zeros: no type; who is given it says SABHA_E_INVALID_ARGUMENT.
//
// Data may be any bytes: a killed writer may leave half a write. So no pointers, no bool, no enum.
typedef struct {
  // Bytes.
  uint64_t size;
  // What its address is a multiple of.
  uint64_t align;
  // A hash of the layout.
  uint64_t fingerprint;
} sabha_type;

// A field of a struct.
typedef struct {
  // offsetof()
  uint64_t offset;
  // What it is.
  sabha_type type;
} sabha_field;

// How to make or open a region. Start from SABHA_REGION_OPTIONS_INIT and set what you need; a field
// of 0 or NULL means the default. What only concerns making is ignored by opening.
typedef struct {
  // sizeof(sabha_region_options), as the caller was compiled: new fields will come at the end.
  uint32_t struct_size;
  // Permission bits of the file, whatever the umask; 0: 0600, this user only.
  uint32_t mode;
  // Bytes for objects; 0: 1 MiB.
  uint64_t size;
  // How far the region can grow; 0: not at all. Costs address space only.
  uint64_t max_size;
  // How many threads of all processes can have a seat at a time; 0: 1024, the most.
  uint32_t seats;
  // How many there are in trusted_owners.
  uint32_t trusted_count;
  // User ids: regions of these users are opened, too. By default only this user's own are: a name
  // that anybody can take proves nothing about who made it.
  const uint32_t *trusted_owners;
  // What this process calls itself to the others; NULL: its command's name.
  const char *member_name;
} sabha_region_options;

// An object, as the region's directory describes it.
typedef struct {
  // Its name, NUL-terminated.
  char name[216];
  // What it is, in English: "array", "object", …
  char kind[32];
  // The code of an array's element type, SABHA_I8 to SABHA_F64; 0: not such an array.
  int32_t code;
  // 0.
  int32_t reserved;
  // Elements.
  uint64_t count;
  // Bytes in all.
  uint64_t bytes;
  // Where it is, from the start of the region's heap.
  uint64_t offset;
  // Of the element type: see sabha_type.
  uint64_t fingerprint;
} sabha_object_info;

// An attached process, as it described itself.
typedef struct {
  // Its number in the region; never 0.
  uint32_t member;
  // Its process, as its own pid namespace counts.
  uint32_t pid;
  // When it was started, in clock ticks since boot; 0: unknown.
  uint64_t start_time;
  // What it calls itself, NUL-terminated.
  char name[80];
} sabha_member_info;

// Done. A lock: you hold it. A wait: you were woken.
#define SABHA_OK 0

// You hold the lock, and its last holder was killed, or one before whose data nobody has repaired:
// repair, then sabha_mutex_mark_consistent().
#define SABHA_OWNER_DIED 1

// The element is not what you expected: no need to wait, or nothing exchanged.
#define SABHA_NOT_EQUAL 2

// A bug of this library, caught before it reached you. The handle may be of no use any more.
#define SABHA_E_PANIC -1

// A pointer that must not be is NULL.
#define SABHA_E_NULL -2

// A code, a flag, a struct_size or a sabha_type that means nothing to this version.
#define SABHA_E_INVALID_ARGUMENT -3

// Not a name: empty, too long, with a slash, `.` or `..`, or not UTF-8.
#define SABHA_E_INVALID_NAME -4

// There is no region of that name, or it has lost it.
#define SABHA_E_NO_SUCH_REGION -5

// The region's name is taken.
#define SABHA_E_ALREADY_EXISTS -6

// The system does not let this process have the file.
#define SABHA_E_PERMISSION_DENIED -7

// Another user made the file: see trusted_owners in sabha_region_options.
#define SABHA_E_FOREIGN_OWNER -8

// What is there is not a region or an object of this version, or it was damaged.
#define SABHA_E_CORRUPT -9

// No room on the filesystem.
#define SABHA_E_NO_SPACE -10

// An index, a length or a size outside what is possible.
#define SABHA_E_OUT_OF_RANGE -11

// An address that is no multiple of what its type needs.
#define SABHA_E_MISALIGNED -12

// The region cannot grow that far: see max_size in sabha_region_options.
#define SABHA_E_PAST_MAXIMUM -13

// The region is larger already, and never shrinks.
#define SABHA_E_SHRINK -14

// There is no object of that name.
#define SABHA_E_NO_SUCH_OBJECT -15

// The name is another kind of object's, or the handle is another element type's.
#define SABHA_E_OTHER_TYPE -16

// The region has as many objects as it can have.
#define SABHA_E_DIRECTORY_FULL -17

// The region has no gap that is large enough: grow it, or remove an object.
#define SABHA_E_REGION_FULL -18

// A process has the object open: see sabha_last_holder().
#define SABHA_E_IN_USE -19

// The region was opened for reading only.
#define SABHA_E_READ_ONLY -20

// As many threads have a seat in the region as it has seats.
#define SABHA_E_SEATS_FULL -21

// As many processes are attached as the region can have.
#define SABHA_E_MEMBERS_FULL -22

// This thread has seats in as many regions as it can.
#define SABHA_E_TOO_MANY_REGIONS -23

// The address lies in no region that this process has open.
#define SABHA_E_NOT_IN_REGION -24

// The handle is the parent's: a child of a fork makes its own.
#define SABHA_E_FORKED -25

// This thread holds the lock already.
#define SABHA_E_DEADLOCK -26

// Somebody living holds the lock: see sabha_last_holder().
#define SABHA_E_HELD -27

// The deadline passed. A lock: see sabha_last_holder().
#define SABHA_E_TIMED_OUT -28

// This thread does not hold the lock.
#define SABHA_E_NOT_OWNER -29

// The machine lacks something that the library needs.
#define SABHA_E_UNSUPPORTED -30

// The system refused a call for another reason: see sabha_last_error().
#define SABHA_E_OS -31

// No free slot, and the consumer lives: trying again can help.
#define SABHA_E_FULL -32

// No item, and the producer lives: trying again can help.
#define SABHA_E_EMPTY -33

// The ring is closed (and drained, if you are the consumer): no use in trying again.
#define SABHA_E_CLOSED -34

// The ring is full or empty, and the process at its other end is gone.
#define SABHA_E_ABANDONED -35

// A living process has this end of the ring: see sabha_last_holder().
#define SABHA_E_TAKEN -36

// The path is a directory, a link or another thing that is no file.
#define SABHA_E_NOT_A_FILE -37

// An error that this version of the C interface has no code for: see sabha_last_error().
#define SABHA_E_OTHER -100

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the library, as "1.2.3". Never NULL; lives as long as the program.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
const char *sabha_version(void);

// The SABHA_ABI_VERSION of the library that is loaded: compare it with yours.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
uint32_t sabha_abi_version(void);

// A few words on `code`, for a log. Never NULL; the text lives as long as the program.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
const char *sabha_strerror(sabha_status code);

// Writes what the last failure in this thread was to `buffer`, which has room for `size` bytes: one
// line of UTF-8 with the names and numbers that the code cannot tell, cut if need be and ended by a
// NUL. Returns the bytes that the whole line has without the NUL, like snprintf(); 0: no failure yet.
// A success leaves the last failure as it is. `buffer` may be NULL if `size` is 0.
//
// Waits: no. Threads: any; each has its own. Fork: the child, too. Killed here: G0.
size_t sabha_last_error(char *buffer,
                        size_t size);

// Writes to `holder` who was in the way, if the last failure in this thread was SABHA_E_HELD,
// SABHA_E_TIMED_OUT of a lock, SABHA_E_DEADLOCK, SABHA_E_IN_USE or SABHA_E_TAKEN; else all zeros.
//
// Waits: no. Threads: any; each has its own. Fork: the child, too. Killed here: G0.
sabha_status sabha_last_holder(sabha_holder *holder);

// The deadline `timeout_ns` nanoseconds from now, on CLOCK_MONOTONIC. SABHA_NEVER stays SABHA_NEVER.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
uint64_t sabha_deadline_after(uint64_t timeout_ns);

// The type that `code` names: sabha_type_of(SABHA_U64) is a uint64_t, in Rust a u64. No type (all
// zeros) if the code names none.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_type sabha_type_of(int32_t code);

// The type of `element name[len]`, in Rust [T; len]. No type if that cannot be.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_type sabha_type_array(sabha_type element, uint64_t len);

// The type of a struct of `size` bytes, aligned to `align`, with `count` fields in their order; see
// SABHA_FIELD. In Rust a repr(C) struct with #[derive(Shareable)]. No type if that cannot be.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_type sabha_type_struct(uint64_t size,
                             uint64_t align,
                             const sabha_field *fields,
                             size_t count);

// Makes the region /dev/shm/`name` and gives a handle on it. `options` may be NULL.
// SABHA_E_ALREADY_EXISTS, SABHA_E_INVALID_NAME, SABHA_E_NO_SPACE (the bytes are reserved now, so
// using them cannot fail later), SABHA_E_OUT_OF_RANGE, SABHA_E_OS.
//
// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0, the name appears
// with the whole region behind it, or not at all.
sabha_status sabha_region_create(const char *name,
                                 const sabha_region_options *options,
                                 sabha_region **region);

// Opens the region /dev/shm/`name`. Opening one region twice gives two handles on one mapping.
// SABHA_E_NO_SUCH_REGION, SABHA_E_NOT_A_FILE, SABHA_E_CORRUPT, SABHA_E_FOREIGN_OWNER,
// SABHA_E_PERMISSION_DENIED, SABHA_E_MEMBERS_FULL, SABHA_E_UNSUPPORTED, SABHA_E_OS.
//
// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_open(const char *name,
                               const sabha_region_options *options,
                               sabha_region **region);

// Opens the region, or makes it: the same line in every process. One that exists keeps its size.
// Errors as those of both.
//
// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_open_or_create(const char *name,
                                         const sabha_region_options *options,
                                         sabha_region **region);

// Opens the region to look and to wait: the processor refuses every write. Its arrays can be loaded,
// copied from and waited on; all else is SABHA_E_READ_ONLY. Errors as sabha_region_open().
//
// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_open_read_only(const char *name,
                                         const sabha_region_options *options,
                                         sabha_region **region);

// As sabha_region_open_or_create(), in the file `path` of any filesystem that can reserve space.
//
// Waits: for the filesystem. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_open_or_create_file(const char *path,
                                              const sabha_region_options *options,
                                              sabha_region **region);

// Makes a region without a name, shared by inheritance or by passing its descriptor.
// SABHA_E_NO_SPACE, SABHA_E_OUT_OF_RANGE, SABHA_E_OS.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_anonymous(const sabha_region_options *options, sabha_region **region);

// Opens the region behind a descriptor, which was inherited or came through a socket. `fd` stays
// yours: close it when you like. Errors as sabha_region_open().
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_from_fd(int32_t fd,
                                  const sabha_region_options *options,
                                  sabha_region **region);

// Gives the handle back; nothing in the region changes. NULL is allowed, as to free(). The process
// leaves the region when its last handle on it, or on an object of it, is given back.
//
// Waits: no. Threads: any, when no other uses the handle. Fork: the child has its own copy to give
// back. Killed here: G0.
sabha_status sabha_region_free(sabha_region *region);

// Takes the region's name away. Who has it open keeps it; the name is free for another. Goes by
// identity: what somebody has made under the same name since stays. SABHA_E_NO_SUCH_REGION if it has
// no name (any more).
//
// Waits: for another process that does the same. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_unlink(const sabha_region *region);

// The descriptor of the region's file, to be passed to other processes. It is the region's: do not
// close it; it is closed on exec, and with the last handle.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_fd(const sabha_region *region, int32_t *fd);

// Bytes that objects can use now. Only grows, when any process grows the region.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_len(const sabha_region *region, uint64_t *len);

// How far the region can grow. Fixed when it was made.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_max_len(const sabha_region *region, uint64_t *len);

// Grows the region to `len` bytes, rounded up to pages. Nothing moves; new bytes are zero.
// SABHA_E_SHRINK (it is larger already), SABHA_E_PAST_MAXIMUM, SABHA_E_NO_SPACE.
//
// Waits: for the filesystem. Threads: any; of several that grow it at the same time each succeeds, or
// is told that it is larger already. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_grow(const sabha_region *region,
                               uint64_t len);

// Takes the calling thread's seat now, which its first lock in this region would do (about 20 us). It
// is given back when the thread ends or the process leaves the region. SABHA_E_SEATS_FULL,
// SABHA_E_MEMBERS_FULL, SABHA_E_TOO_MANY_REGIONS, SABHA_E_NO_SPACE, SABHA_E_OS.
//
// Waits: no. Threads: any; the seat is the caller's. Fork: the child's thread takes its own.
// Killed here: G1, a half-taken seat is taken by the next who looks for one.
sabha_status sabha_region_enter(const sabha_region *region);

// Writes to `id` the 16 bytes that tell this region from every other, whatever its name.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_id(const sabha_region *region, uint8_t (*id)[16]);

// Writes the first `room` objects of the region to `objects`, and to `count` how many there are.
// `objects` may be NULL if `room` is 0; a region has 256 at most. Others may have changed it on return.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_objects(const sabha_region *region,
                                  sabha_object_info *objects,
                                  size_t room,
                                  size_t *count);

// Writes the first `room` processes that are attached to `members`, and to `count` how many there are.
// `members` may be NULL if `room` is 0; a region has 256 at most. Some may be gone on return.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_region_members(const sabha_region *region,
                                  sabha_member_info *members,
                                  size_t room,
                                  size_t *count);

// Withdraws the object `name`; its place can be used again. SABHA_E_NO_SUCH_OBJECT; SABHA_E_IN_USE as
// long as a living process, this one too, has a handle on it: see sabha_last_holder().
//
// Waits: for others that open or remove objects. Threads: any. Fork: the child, too.
// Killed here: G1, the object is there or not.
sabha_status sabha_region_remove(const sabha_region *region,
                                 const char *name);

// Finds the array `name` of `len` elements of the type that `code` names (SABHA_I8 to SABHA_F64), or
// makes it: all zeros. In a region that was opened for reading it is only found. SABHA_E_OTHER_TYPE,
// SABHA_E_INVALID_NAME, SABHA_E_OUT_OF_RANGE, SABHA_E_REGION_FULL, SABHA_E_DIRECTORY_FULL, and those of
// sabha_region_enter().
//
// Waits: for others that open or remove objects. Threads: any. Fork: the child, too.
// Killed here: G1, the object is there, whole, or not at all.
sabha_status sabha_array_open(const sabha_region *region,
                              const char *name,
                              int32_t code,
                              size_t len,
                              sabha_array **array);

// Finds the array, as sabha_array_open(), but makes none: SABHA_E_NO_SUCH_OBJECT.
//
// Waits: for others that open or remove objects. Threads: any. Fork: the child, too. Killed here: G1.
sabha_status sabha_array_find(const sabha_region *region,
                              const char *name,
                              int32_t code,
                              size_t len,
                              sabha_array **array);

// Gives the handle back. The array stays in the region. NULL is allowed.
//
// Waits: no. Threads: any, when no other uses the handle. Fork: the child has its own copy to give
// back. Killed here: G0.
sabha_status sabha_array_free(sabha_array *array);

// How many elements the array has. Never changes.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_array_len(const sabha_array *array, size_t *len);

// The code of the elements' type, SABHA_I8 to SABHA_F64. Never changes.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_array_code(const sabha_array *array, int32_t *code);

// The address of the first element, for your own atomics (_Atomic uint32_t * of C11, and so on): every
// access must be atomic, with the width of the element. Good until the handle is given back.
// SABHA_E_READ_ONLY.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_array_data(const sabha_array *array,
                              void **data);

// Finds the lock `name` around data of type `type`, or makes it: free, the data all zeros. `policy`
// is SABHA_ADAPTIVE, SABHA_BLOCK or SABHA_SPIN: how this handle waits. The lock is the same for each,
// and for a Mutex<T> of Rust under the same name. SABHA_E_OTHER_TYPE, SABHA_E_INVALID_NAME,
// SABHA_E_REGION_FULL, SABHA_E_DIRECTORY_FULL, and those of sabha_region_enter().
//
// Waits: for others that open or remove objects. Threads: any. Fork: the child, too.
// Killed here: G1, the object is there, whole, or not at all.
sabha_status sabha_mutex_open(const sabha_region *region,
                              const char *name,
                              sabha_type type,
                              int32_t policy,
                              sabha_mutex **mutex);

// Gives the handle back. NULL is allowed. A lock that is held stays held: by this thread, as long as
// it lives and the process is in the region; then the next to lock is told that its owner died.
//
// Waits: no. Threads: any, when no other uses the handle. Fork: the child has its own copy to give
// back. Killed here: G0.
sabha_status sabha_mutex_free(sabha_mutex *mutex);

// Locks, waiting as long as it takes; a dead holder is noticed. As sabha_mutex_lock_until() with
// SABHA_NEVER.
//
// Waits: for the holder. Threads: any; the lock is the caller's. Fork: the child, too; what the
// parent holds stays the parent's. Killed here: G2, the next to lock is told.
SABHA_MUST_USE sabha_status sabha_mutex_lock(const sabha_mutex *mutex);

// Locks, waiting until CLOCK_MONOTONIC shows `deadline_ns` at the longest.
//
//   SABHA_OK            you hold it
//   SABHA_OWNER_DIED    you hold it, and the last holder was killed: repair the data, then call
//                       sabha_mutex_mark_consistent()
//   SABHA_E_TIMED_OUT   you do not hold it; sabha_last_holder() says who does
//   SABHA_E_DEADLOCK    this thread holds it already
//
// and those of sabha_region_enter(). No fairness: a newcomer may overtake.
//
// Waits: for the holder. Threads: any; the lock is the caller's. Fork: the child, too; what the
// parent holds stays the parent's. Killed here: G2, the next to lock is told.
SABHA_MUST_USE sabha_status sabha_mutex_lock_until(const sabha_mutex *mutex, uint64_t deadline_ns);

// Locks if nobody living holds it; else SABHA_E_HELD, and sabha_last_holder() says who does. Otherwise
// as sabha_mutex_lock_until().
//
// Waits: no. Threads: any; the lock is the caller's. Fork: the child, too. Killed here: G2.
SABHA_MUST_USE
sabha_status sabha_mutex_try_lock(const sabha_mutex *mutex);

// Unlocks. SABHA_E_NOT_OWNER, and nothing is changed, if this thread does not hold it; a child of a
// fork never holds what its parent does.
//
// Waits: no. Threads: the holder. Fork: see above. Killed here: G2.
sabha_status sabha_mutex_unlock(const sabha_mutex *mutex);

// Says that the data is whole again after SABHA_OWNER_DIED. Without it every later holder is told of
// the death, too. SABHA_E_NOT_OWNER.
//
// Waits: no. Threads: the holder. Fork: as sabha_mutex_unlock(). Killed here: G2.
sabha_status sabha_mutex_mark_consistent(const sabha_mutex *mutex);

// The address of the data that the lock guards. Read and write it while this thread holds the lock,
// not a moment longer; it stays the same until the handle is given back. SABHA_E_NOT_OWNER.
//
// Waits: no. Threads: the holder. Fork: as sabha_mutex_unlock(). Killed here: G0.
sabha_status sabha_mutex_data(const sabha_mutex *mutex, void **data);

// Finds the ring `name` of items of type `type`, or makes it: open and empty. `capacity` is rounded up
// to a power of two; every process must name the same, after rounding. In Rust an Spsc<T>.
// SABHA_E_OTHER_TYPE, SABHA_E_OUT_OF_RANGE (also for items that are aligned to more than 128),
// SABHA_E_INVALID_NAME, SABHA_E_REGION_FULL, SABHA_E_DIRECTORY_FULL, and those of sabha_region_enter().
//
// Waits: for others that open or remove objects. Threads: any. Fork: the child, too.
// Killed here: G1, the ring is there, whole, or not at all.
sabha_status sabha_ring_open(const sabha_region *region,
                             const char *name,
                             sabha_type type,
                             size_t capacity,
                             sabha_ring **ring);

// Gives the handle back; the ring stays in the region, and its ends stay whose they are. NULL is
// allowed.
//
// Waits: no. Threads: any, when no other uses the handle. Fork: the child has its own copy to give
// back. Killed here: G0.
sabha_status sabha_ring_free(sabha_ring *ring);

// How many slots the ring has. Never changes.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_ring_capacity(const sabha_ring *ring, size_t *capacity);

// How many items are in the ring. Both ends may have changed it on return.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_ring_len(const sabha_ring *ring, size_t *len);

// Writes 1 if the ring is closed, which it then is for ever, else 0. It may still hold items.
//
// Waits: no. Threads: any. Fork: the child, too. Killed here: G0.
sabha_status sabha_ring_is_closed(const sabha_ring *ring, int32_t *closed);

// Takes the producer's end for this process. `policy` (SABHA_ADAPTIVE, SABHA_BLOCK, SABHA_SPIN) says how
// its blocking calls wait. SABHA_E_TAKEN as long as its owner lives, which may be this process: see
// sabha_last_holder(). After a kill the next to ask gets it, and goes on behind the last item.
// SABHA_E_CORRUPT, SABHA_E_MEMBERS_FULL, SABHA_E_OS.
//
// Waits: no. Threads: any. Fork: the child, too, for itself. Killed here: G1, dead owners are replaced.
sabha_status sabha_ring_producer(const sabha_ring *ring,
                                 int32_t policy,
                                 sabha_producer **producer);

// Takes the consumer's end for this process: as sabha_ring_producer(). After a kill the next to ask gets
// it, and each item whose slot was not released once more.
//
// Waits: no. Threads: any. Fork: the child, too, for itself. Killed here: G1, dead owners are replaced.
sabha_status sabha_ring_consumer(const sabha_ring *ring,
                                 int32_t policy,
                                 sabha_consumer **consumer);

// Gives the end back: another process may take it. The ring stays open. NULL is allowed.
//
// Waits: no. Threads: one. Fork: the child's copy gives nothing back. Killed here: G1.
sabha_status sabha_producer_free(sabha_producer *producer);

// Pushes the item at `item`, of the size that the ring's type has.
//
//   SABHA_E_FULL        no free slot, and the consumer lives or there is none yet
//   SABHA_E_ABANDONED   no free slot, and the consumer's process is gone (asked at times: SABHA_E_FULL
//                       before); trying again helps when a successor has taken its end
//   SABHA_E_CLOSED      either end has closed the ring
//
// and SABHA_E_CORRUPT, SABHA_E_FORKED. A claim is given up.
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the item is in the ring, whole, or not.
sabha_status sabha_producer_try_push(sabha_producer *producer,
                                     const void *item);

// The same, waiting for a free slot until CLOCK_MONOTONIC shows `deadline_ns` at the longest:
// SABHA_E_TIMED_OUT instead of SABHA_E_FULL.
//
// Waits: for the consumer. Threads: one. Fork: refuses. Killed here: G1.
sabha_status sabha_producer_push_until(sabha_producer *producer,
                                       const void *item,
                                       uint64_t deadline_ns);

// Pushes as many of the `count` items at `items`, in order, as there are free slots, at once, and writes
// to `pushed` how many. As sabha_producer_try_push(), if there is not even one.
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, all of them are in the ring, or none.
sabha_status sabha_producer_push_some(sabha_producer *producer,
                                      const void *items,
                                      size_t count,
                                      size_t *pushed);

// Gives the address of the next free slots that lie one behind the other, at most `count`, to be written
// in place, and writes to `claimed` how many they are: at least one. (The ring's memory ends somewhere:
// then there are fewer than are free.) They hold old bytes. sabha_producer_commit() pushes them; until then
// nobody sees them, and the next call of another function that pushes gives them up. Errors as
// sabha_producer_try_push().
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, nothing has happened.
sabha_status sabha_producer_claim(sabha_producer *producer,
                                  size_t count,
                                  void **slots,
                                  size_t *claimed);

// Pushes the first `count` of the slots that were claimed, at once, and gives the others up.
// SABHA_E_INVALID_ARGUMENT if so many were not claimed; SABHA_E_CLOSED, and none of them counts;
// SABHA_E_FORKED.
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, all of them are in the ring, or none.
sabha_status sabha_producer_commit(sabha_producer *producer, size_t count);

// Closes the ring: no more items, from no producer, ever. The consumer gets those that were pushed, and
// then SABHA_E_CLOSED. Closing a closed ring changes nothing. SABHA_E_FORKED.
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the ring is closed, or it is not.
sabha_status sabha_producer_close(sabha_producer *producer);

// How many items were ever pushed, by all producers of this ring. Only this handle changes it.
//
// Waits: no. Threads: one. Fork: the parent's, as it was. Killed here: G0.
sabha_status sabha_producer_position(sabha_producer *producer, uint64_t *position);

// How many slots are free. Until the next push only the consumer changes it: it grows.
//
// Waits: no. Threads: one. Fork: the parent's, as it was. Killed here: G0.
sabha_status sabha_producer_room(sabha_producer *producer, size_t *room);

// Gives the end back: another process may take it. The ring stays open. NULL is allowed.
//
// Waits: no. Threads: one. Fork: the child's copy gives nothing back. Killed here: G1.
sabha_status sabha_consumer_free(sabha_consumer *consumer);

// Takes the oldest item and copies it to `item`, of the size that the ring's type has.
//
//   SABHA_E_EMPTY       no item, and the producer lives or there is none yet
//   SABHA_E_ABANDONED   no item, and the producer's process is gone (asked at times: SABHA_E_EMPTY before);
//                       trying again helps when a successor has taken its end
//   SABHA_E_CLOSED      either end has closed the ring, and all items have been taken
//
// and SABHA_E_CORRUPT, SABHA_E_FORKED.
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the successor gets the item, if it was not
// released.
sabha_status sabha_consumer_try_pop(sabha_consumer *consumer,
                                    void *item);

// The same, waiting for an item until CLOCK_MONOTONIC shows `deadline_ns` at the longest:
// SABHA_E_TIMED_OUT instead of SABHA_E_EMPTY.
//
// Waits: for the producer. Threads: one. Fork: refuses. Killed here: G1.
sabha_status sabha_consumer_pop_until(sabha_consumer *consumer, void *item, uint64_t deadline_ns);

// Takes as many of the oldest items, in order, as there are, at most `count`, copies them to `items`, and
// writes to `popped` how many. As sabha_consumer_try_pop(), if there is not even one.
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the successor gets all of them, or none.
sabha_status sabha_consumer_pop_some(sabha_consumer *consumer,
                                     void *items,
                                     size_t count,
                                     size_t *popped);

// Gives the address of the oldest items that lie one behind the other, at most `count`, to be used where
// they are, and writes to `read` how many: at least one. (The ring's memory ends somewhere: then there are
// fewer than were pushed.) They are yours until sabha_consumer_release(), or the next call of another
// function that takes items. Errors as sabha_consumer_try_pop().
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the successor gets them.
sabha_status sabha_consumer_read(sabha_consumer *consumer,
                                 size_t count,
                                 const void **items,
                                 size_t *read);

// Gives the slots of the first `count` items that were read to the producer, at once; the others come
// again. SABHA_E_INVALID_ARGUMENT if so many were not read; SABHA_E_FORKED.
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, all of them are released, or none.
sabha_status sabha_consumer_release(sabha_consumer *consumer,
                                    size_t count);

// Closes the ring: no more items, from no producer, ever. Those that were pushed can still be taken; a push
// at the same time is taken, or refused. Closing a closed ring changes nothing. SABHA_E_FORKED,
// SABHA_E_CORRUPT.
//
// Waits: no. Threads: one. Fork: refuses. Killed here: G1, the ring is closed, or it is not.
sabha_status sabha_consumer_close(sabha_consumer *consumer);

// How many items were ever released, by all consumers of this ring: the position of the next item, which
// tells an item that comes again from a new one. Only this handle changes it.
//
// Waits: no. Threads: one. Fork: the parent's, as it was. Killed here: G0.
sabha_status sabha_consumer_position(sabha_consumer *consumer,
                                     uint64_t *position);

// How many items can be taken. Until the next pop only the producer changes it: it grows.
//
// Waits: no. Threads: one. Fork: the parent's, as it was. Killed here: G0.
sabha_status sabha_consumer_len(sabha_consumer *consumer, size_t *len);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The elements of arrays. T is the element's type, N its name: i8 u8 i16 u16 i32 u32 i64 u64 f32 f64.
 *
 * For all: SABHA_E_OTHER_TYPE if the array's elements are not of type T, SABHA_E_OUT_OF_RANGE if there are
 * no such elements (then nothing is stored or copied), SABHA_E_READ_ONLY. Where results go (`old`,
 * `woken`) may be NULL if they are not wanted.
 *
 * load, store, exchange, compare_exchange, fetch_…: one atomic operation, sequentially consistent,
 * wrapping; `old` gets what the element was.
 *     sabha_N_compare_exchange() stores `desired` if the element is `expected`, bit for bit; else it
 *     returns SABHA_NOT_EQUAL.
 *
 * copy_to, copy_from, fill: `len` elements from `start` on, each atomically, relaxed, in no order that
 * others can rely on.
 *
 * Waits: no. Threads: any. Fork: the child, too. Killed here: G0, each element has its old or its new
 * value.
 */
#define SABHA_ELEMENT_FUNCTIONS(N, T) \
    sabha_status sabha_##N##_load(const sabha_array *array, size_t index, T *value); \
    sabha_status sabha_##N##_store(const sabha_array *array, size_t index, T value); \
    sabha_status sabha_##N##_exchange(const sabha_array *array, size_t index, T value, T *old); \
    sabha_status sabha_##N##_compare_exchange(const sabha_array *array, size_t index, T expected, \
                                              T desired, T *old); \
    sabha_status sabha_##N##_copy_to(const sabha_array *array, size_t start, T *target, size_t len); \
    sabha_status sabha_##N##_copy_from(const sabha_array *array, size_t start, const T *source, \
                                       size_t len); \
    sabha_status sabha_##N##_fill(const sabha_array *array, size_t start, size_t len, T value);

/* The same, for integers only. */
#define SABHA_INTEGER_FUNCTIONS(N, T) \
    SABHA_ELEMENT_FUNCTIONS(N, T) \
    sabha_status sabha_##N##_fetch_add(const sabha_array *array, size_t index, T value, T *old); \
    sabha_status sabha_##N##_fetch_sub(const sabha_array *array, size_t index, T value, T *old); \
    sabha_status sabha_##N##_fetch_and(const sabha_array *array, size_t index, T value, T *old); \
    sabha_status sabha_##N##_fetch_or(const sabha_array *array, size_t index, T value, T *old); \
    sabha_status sabha_##N##_fetch_xor(const sabha_array *array, size_t index, T value, T *old);

/*
 * Waiting, for integers of 32 and 64 bits. Waiters are woken first come first served; no wake is spurious;
 * the sum of all `woken` is the number of waits that return SABHA_OK.
 *
 * wait_until: sleeps while nobody notifies the element, if it is `expected`; also in a region that was
 * opened for reading.
 *     SABHA_OK            a notify took this waiter off the queue, and counted it
 *     SABHA_NOT_EQUAL     the element was not `expected`; wins over the deadline
 *     SABHA_E_TIMED_OUT   CLOCK_MONOTONIC showed `deadline_ns`
 *     Waits: for a notify. Threads: any. Fork: the child, too. Killed here: G0, it leaves the queue.
 *
 * notify: wakes up to `count` waiters; SABHA_ALL is all. A process that is killed after a store and before
 * its notify leaves sleepers behind; so there are
 * store_and_notify, add_and_notify: change and wake. If they changed the element, its waiters look again,
 * whatever happens. Errors also as sabha_region_enter().
 *     Waits: no. Threads: any. Fork: the child, too. Killed here: G1.
 */
#define SABHA_WAIT_FUNCTIONS(N, T) \
    sabha_status sabha_##N##_wait_until(const sabha_array *array, size_t index, T expected, \
                                        uint64_t deadline_ns); \
    sabha_status sabha_##N##_notify(const sabha_array *array, size_t index, uint32_t count, \
                                    uint32_t *woken); \
    sabha_status sabha_##N##_store_and_notify(const sabha_array *array, size_t index, T value, \
                                              uint32_t count, uint32_t *woken); \
    sabha_status sabha_##N##_add_and_notify(const sabha_array *array, size_t index, T delta, \
                                            uint32_t count, T *old, uint32_t *woken);

SABHA_INTEGER_FUNCTIONS(i8, int8_t)
SABHA_INTEGER_FUNCTIONS(u8, uint8_t)
SABHA_INTEGER_FUNCTIONS(i16, int16_t)
SABHA_INTEGER_FUNCTIONS(u16, uint16_t)
SABHA_INTEGER_FUNCTIONS(i32, int32_t)
SABHA_INTEGER_FUNCTIONS(u32, uint32_t)
SABHA_INTEGER_FUNCTIONS(i64, int64_t)
SABHA_INTEGER_FUNCTIONS(u64, uint64_t)
SABHA_ELEMENT_FUNCTIONS(f32, float)
SABHA_ELEMENT_FUNCTIONS(f64, double)
SABHA_WAIT_FUNCTIONS(i32, int32_t)
SABHA_WAIT_FUNCTIONS(u32, uint32_t)
SABHA_WAIT_FUNCTIONS(i64, int64_t)
SABHA_WAIT_FUNCTIONS(u64, uint64_t)

#undef SABHA_ELEMENT_FUNCTIONS
#undef SABHA_INTEGER_FUNCTIONS
#undef SABHA_WAIT_FUNCTIONS

#ifdef __cplusplus
}
#endif

#endif /* SABHA_H */
