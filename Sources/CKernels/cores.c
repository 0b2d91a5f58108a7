// The cores that threads run on. Elsewhere than on Linux the system decides alone.
#define _GNU_SOURCE
#include "CKernels.h"
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#endif

long ck_allowed_cores(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
#endif
    return cores < 1 ? 1 : cores;
}

int ck_thread(void) {
#if defined(__linux__)
    return (int)syscall(SYS_gettid);
#else
    return 0;
#endif
}

int ck_keep_from_this_core(int thread) {
#if defined(__linux__)
    const int core = sched_getcpu();
    cpu_set_t set;
    if (core < 0 || core >= CPU_SETSIZE || sched_getaffinity(thread, sizeof set, &set) != 0
        || !CPU_ISSET(core, &set) || CPU_COUNT(&set) < 2)
        return -1;
    CPU_CLR(core, &set);
    if (sched_setaffinity(thread, sizeof set, &set) == 0) return core;
#else
    (void)thread;
#endif
    return -1;
}

void ck_allow_core(int core) {
#if defined(__linux__)
    cpu_set_t set;
    if (core < 0 || sched_getaffinity(0, sizeof set, &set) != 0) return;
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
#else
    (void)core;
#endif
}
