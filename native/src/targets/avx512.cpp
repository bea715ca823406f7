// x86 with AVX-512: 16 images a block, 32 registers. Small batches use blocks of 8, so that fewer lanes stay idle
// and the threads share them.
#define LENET5_TARGET lenet5_avx512
#include "target-inl.h"

namespace lenet5 {
constexpr const Kernels* kWidths[] = {&lenet5_avx512::kKernels<16>, &lenet5_avx512::kKernels<8>};
extern const Target kAvx512Target;
const Target kAvx512Target = {"avx512", kWidths, 2};
}  // namespace lenet5
