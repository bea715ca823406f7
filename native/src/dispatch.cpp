#include <cstdlib>
#include <stdexcept>

#include "lenet5/cpu.h"

namespace lenet5 {

#if defined(LENET5_HAS_AVX512)
extern const Target kAvx512Target;
#endif
#if defined(LENET5_HAS_AVX2)
extern const Target kAvx2Target;
#endif
extern const Target kBaselineTarget;

std::vector<const Target*> runnable_targets() {
  std::vector<const Target*> targets;
#if defined(LENET5_HAS_AVX2) || defined(LENET5_HAS_AVX512)
  __builtin_cpu_init();  // where the runtime library does not do it before the first constructor (zig's)
#endif
#if defined(LENET5_HAS_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw")) {
    targets.push_back(&kAvx512Target);
  }
#endif
#if defined(LENET5_HAS_AVX2)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) targets.push_back(&kAvx2Target);
#endif
  targets.push_back(&kBaselineTarget);
  return targets;
}

const Target& chosen_target() {
  const std::vector<const Target*> targets = runnable_targets();
  const char* wanted = std::getenv("LENET5_INSTRUCTIONS");
  if (!wanted || !*wanted) return *targets.front();
  std::string names;
  for (const Target* target : targets) {
    if (std::string(wanted) == target->name) return *target;
    names += (names.empty() ? "" : ", ") + std::string(target->name);
  }
  throw std::invalid_argument("LENET5_INSTRUCTIONS is " + std::string(wanted) + "; this machine can run " + names + ".");
}

}  // namespace lenet5
