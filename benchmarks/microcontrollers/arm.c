/* Cortex-M on QEMU's MPS2 board: the system timer counts, semihosting prints. */
#include "port.h"

#define TIMER ((volatile uint32_t *)0xE000E010)

void run(void);

_Noreturn void reset(void)
{
    TIMER[1] = 0xFFFFFF;
    TIMER[2] = 0;
    TIMER[0] = 5; /* on, with the processor's clock */
    run();
    stop();
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t stack;
    void (*reset)(void);
} vectors = {0x20010000, reset};

static void call(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uint32_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

uint32_t counter(void)
{
    return TIMER[2];
}

uint32_t elapsed(uint32_t before, uint32_t after)
{
    return (before - after) & 0xFFFFFF; /* it counts down */
}

void calibrate(void)
{
    uint32_t loops = CALIBRATION / 2;
    __asm__ volatile(".syntax unified\n1: subs %0, #1\nbne 1b" : "+l"(loops) : : "cc");
}

void put(const char *text)
{
    call(4, (uint32_t)text);
}

_Noreturn void stop(void)
{
    call(0x18, 0x20026);
    for (;;) {
    }
}
