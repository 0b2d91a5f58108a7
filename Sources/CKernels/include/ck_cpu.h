// What Swift cannot ask of the CPU and the system.
#pragma once

/// The level of the kernels in use: "baseline", "avx2" or "avx512". The environment variable
/// FINETUNE_CPU_LEVEL lowers it; a level that the CPU lacks is not chosen.
const char *_Nonnull ck_level(void);

/// The cores that the process may be scheduled on.
long ck_allowed_cores(void);

/// Tells the CPU that the thread spins.
static inline void ck_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
