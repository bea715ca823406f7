/* Scores the digits of digits.h; reports wrong scores, ticks of the counter, and the bytes of stack in use. */
#include "digits.h"
#include "lenet5.h"
#include "port.h"

#define PAINTED 1024 /* bytes of free stack filled with a pattern, to see how many are used */
#define PATTERN 0xA5
#define OWN 64 /* more than the frame of `stack_used` itself */

static unsigned char image[LENET5_PIXELS], memory[LENET5_MEMORY_BYTES];
static int32_t scores[LENET5_CLASSES];

static void report(const char *name, uint32_t number)
{
    char digit[12];
    int at = 11;
    digit[at] = 0;
    digit[--at] = '\n';
    do
        digit[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put(name);
    put(" ");
    put(digit + at);
}

static __attribute__((noinline)) uint32_t stack_used(void)
{
    volatile unsigned char *const top = (volatile unsigned char *)__builtin_frame_address(0) - OWN;
    for (int i = 1; i <= PAINTED; i++)
        top[-i] = PATTERN;
    (void)lenet5_predict(image, scores, memory);
    uint32_t used = PAINTED;
    while (used > 0 && top[-(int32_t)used] == PATTERN)
        used--;
    return used + OWN;
}

void run(void)
{
    uint32_t wrong = 0, ticks = 0, before = counter();
    calibrate();
    report("calibration", elapsed(before, counter()));
    for (int n = 0; n < DIGITS; n++) {
        for (int i = 0; i < LENET5_PIXELS; i++)
            image[i] = digits[n][i];
        before = counter();
        (void)lenet5_predict(image, scores, memory);
        ticks += elapsed(before, counter());
        for (int k = 0; k < LENET5_CLASSES; k++)
            wrong += scores[k] != expected[n][k];
    }
    report("ticks", ticks);
    report("wrong", wrong);
    report("stack", stack_used());
    stop();
}
