// x86 with AVX2 and FMA: 8 images a block, 16 registers.
#define LENET5_TARGET lenet5_avx2
#include "target-inl.h"

namespace lenet5 {
constexpr const Kernels* kWidths[] = {&lenet5_avx2::kKernels<8>};
extern const Target kAvx2Target;
const Target kAvx2Target = {"avx2", kWidths, 1};
}  // namespace lenet5
