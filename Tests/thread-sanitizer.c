// Tells ThreadSanitizer what the slow paths of Swift's `Mutex` do on Linux: they are in a library of the
// toolchain that it does not see into, so that whoever had to wait for a mutex would seem to have taken it
// without the one before having given it back. The quick paths are compiled into the program.
//
// `Tests/run.sh --sanitize=thread` makes a library of it that is loaded before the toolchain's.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

// Not there in programs without the sanitizer, such as a shell that a test starts.
__attribute__((weak)) void __tsan_acquire(void *);
__attribute__((weak)) void __tsan_release(void *);

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

// _MutexHandle._lockSlow(_: UInt32)
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
SWIFT void lock_slow(uint32_t thread, SELF) __asm__(LOCK);

SWIFT void lock_slow(uint32_t thread, SELF) {
    SWIFT void (*lock)(uint32_t, SELF) = dlsym(RTLD_NEXT, LOCK);
    lock(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

// _MutexHandle._unlockSlow()
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
SWIFT void unlock_slow(SELF) __asm__(UNLOCK);

SWIFT void unlock_slow(SELF) {
    SWIFT void (*unlock)(SELF) = dlsym(RTLD_NEXT, UNLOCK);
    if (__tsan_release) __tsan_release(self);
    unlock(self);
}
