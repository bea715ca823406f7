#include <cstdlib>
#include <stdexcept>

#if defined(LENET5_HAS_AVX2) || defined(LENET5_HAS_AVX512)
#include <cpuid.h>
#endif

#include "lenet5/cpu.h"

namespace lenet5 {

#if defined(LENET5_HAS_AVX512)
extern const Target kAvx512Target;
#endif
#if defined(LENET5_HAS_AVX2)
extern const Target kAvx2Target;
#endif
extern const Target kBaselineTarget;

#if defined(LENET5_HAS_AVX2) || defined(LENET5_HAS_AVX512)
namespace {

struct Vectors {
  bool avx2 = false;
  bool avx512 = false;
};

// What processor and system support, by CPUID and XGETBV: __builtin_cpu_supports needs a runtime library that Zig's
// builds do not have, and answers "no" there.
Vectors supported_vectors() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE) || !(ecx & bit_FMA)) return {};
  unsigned saved = 0, unused = 0;  // the registers that the system saves when it switches between threads
  asm("xgetbv" : "=a"(saved), "=d"(unused) : "c"(0));
  constexpr unsigned kYmm = 0x06, kZmm = 0xe6;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return {};
  constexpr unsigned kAvx512 = bit_AVX512F | bit_AVX512VL | bit_AVX512DQ | bit_AVX512BW;
  return {(saved & kYmm) == kYmm && (ebx & bit_AVX2), (saved & kZmm) == kZmm && (ebx & kAvx512) == kAvx512};
}

}  // namespace
#endif

std::vector<const Target*> runnable_targets() {
  std::vector<const Target*> targets;
#if defined(LENET5_HAS_AVX512)
  if (supported_vectors().avx512) targets.push_back(&kAvx512Target);
#endif
#if defined(LENET5_HAS_AVX2)
  if (supported_vectors().avx2) targets.push_back(&kAvx2Target);
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
