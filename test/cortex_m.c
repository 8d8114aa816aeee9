/* cortex_m.c - where a Cortex-M4 begins that qemu plays (mps2-an386): for test_export.sh, linked with newlib,
 * whose files are those of qemu's own process. */
#include <stdint.h>

void _start(void);

/* Newlib's start expects the floating-point unit on. */
static void reset(void)
{
    *(volatile uint32_t *)0xE000ED88 |= UINT32_C(0xF) << 20; /* CPACR: full access */
    __asm__ volatile("dsb\n isb");
    _start();
}

/* At address 0: the stack's end, that of the board's 4 MB of RAM, and what runs first. */
__attribute__((section(".vectors"), used)) static const struct {
    uintptr_t stack;
    void (*reset)(void);
} vectors = {0x20400000, reset};
