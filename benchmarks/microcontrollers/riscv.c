/* RISC-V, 32 bits, on QEMU's virt board: the instruction counter counts, semihosting prints. */
#include "port.h"

void run(void);

__attribute__((section(".vectors"), naked, used)) void reset(void)
{
    __asm__ volatile(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\nli sp, 0x80400000\ncall run");
}

static void call(uint32_t operation, uint32_t argument)
{
    register uint32_t a0 __asm__("a0") = operation;
    register uint32_t a1 __asm__("a1") = argument;
    __asm__ volatile(
        ".option push\n.option norvc\n.balign 16\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
        : "+r"(a0)
        : "r"(a1)
        : "memory");
}

uint32_t counter(void)
{
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count));
    return count;
}

uint32_t elapsed(uint32_t before, uint32_t after)
{
    return after - before;
}

void calibrate(void)
{
    uint32_t loops = CALIBRATION / 2;
    __asm__ volatile("1: addi %0, %0, -1\nbnez %0, 1b" : "+r"(loops));
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
