/* What each processor provides: a counter that advances with the instructions, and output. */
#include <stdint.h>

uint32_t counter(void);                             /* ticks */
uint32_t elapsed(uint32_t before, uint32_t after);  /* ticks between two readings */
void calibrate(void);                               /* executes CALIBRATION instructions */
void put(const char *text);
_Noreturn void stop(void);

#define CALIBRATION 200000
