// The baseline of each architecture: SSE2 on x86, NEON on 64-bit ARM (32 registers), plain C++ elsewhere, where the
// compiler splits the vectors. 4 images a block.
#define LENET5_TARGET lenet5_baseline
#include "target-inl.h"

namespace lenet5 {
constexpr const Kernels* kWidths[] = {&lenet5_baseline::kKernels<4>};
#if defined(__aarch64__)
constexpr const char* kName = "neon";
#else
constexpr const char* kName = "baseline";
#endif
extern const Target kBaselineTarget;
const Target kBaselineTarget = {kName, kWidths, 1};
}  // namespace lenet5
