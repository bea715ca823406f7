// Choice of the instruction set, made once when the library is loaded.
#pragma once

#include <string>
#include <vector>

#include "lenet5/kernels.h"

namespace lenet5 {

// The instruction sets that were built and that this machine supports, best first.
std::vector<const Target*> runnable_targets();

// The best one, or the one named by the environment variable LENET5_INSTRUCTIONS. Throws std::invalid_argument, naming
// the choices, for one that cannot run here.
const Target& chosen_target();

}  // namespace lenet5
