/* What the C tests share. A test is a program: 0 if all is well, else a line that says what is not. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <sabha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);  \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

/* The call returns this status. */
#define GIVES(expected, call)                                                        \
    do {                                                                             \
        sabha_status got_ = (call);                                                  \
        if (got_ != (expected)) {                                                    \
            char why_[300] = "";                                                     \
            sabha_last_error(why_, sizeof why_);                                     \
            fprintf(stderr, "%s:%d: %s\n    gives %d (%s), not %s; last error: %s\n", \
                    __FILE__, __LINE__, #call, (int)got_, sabha_strerror(got_),      \
                    #expected, why_);                                                \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

#define OK(call) GIVES(SABHA_OK, call)

/* The last error has this word in it. */
#define SAYS(word)                                                                   \
    do {                                                                             \
        char why_[300] = "";                                                         \
        CHECK(sabha_last_error(why_, sizeof why_) == strlen(why_));                  \
        if (!strstr(why_, word)) {                                                   \
            fprintf(stderr, "%s:%d: no \"%s\" in: %s\n", __FILE__, __LINE__, word, why_); \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

static const uint64_t SECOND = 1000000000;

/* Nothing here takes that long: a test that hangs is killed. */
static inline void hurry(void) {
    alarm(60);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Waits for a child; whether it exited with 0. */
static inline int went_well(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) != child) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
