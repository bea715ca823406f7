// The kernels that AVX-512 uses, built without its instructions: so their logic is tested on every machine.
#define LENET5_TARGET lenet5_wide
#define LENET5_MANY_REGISTERS
#include "target-inl.h"

namespace lenet5 {
constexpr const Kernels* kWidths[] = {&lenet5_wide::kKernels<16>, &lenet5_wide::kKernels<8>};
extern const Target kWideTarget;
const Target kWideTarget = {"wide", kWidths, 2};
}  // namespace lenet5
