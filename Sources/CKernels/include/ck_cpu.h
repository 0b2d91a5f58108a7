// What Swift cannot ask of the CPU and the system.
#pragma once

/// The level of the kernels in use: "baseline", "avx2" or "avx512". The environment variable
/// FINETUNE_CPU_LEVEL lowers it; a level that the CPU lacks is not chosen.
const char *_Nonnull ck_level(void);

/// The cores that the process may be scheduled on.
long ck_allowed_cores(void);

/// The system's number of the calling thread.
int ck_thread(void);

/// Takes the core that the caller runs on from those that another thread may run on, unless it is
/// the only one. Returns its number, for `ck_allow_core`, or -1 if nothing has changed.
int ck_keep_from_this_core(int thread);

/// Lets the calling thread run on the core `core` again; -1 changes nothing.
void ck_allow_core(int core);

/// Tells the CPU that the thread spins.
static inline void ck_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
