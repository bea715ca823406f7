#include "lenet5/threads.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if !defined(_WIN32)
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace lenet5 {
namespace {

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` is no longer `old`: spinning for about 50 microseconds, then sleeping. The core is yielded every
// microsecond or two: with more threads than cores, the awaited thread may need it.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int look = 0; look < 2000; ++look) {
    if (value.load(std::memory_order_acquire) != old) return;
    look % 50 == 49 ? std::this_thread::yield() : pause();
  }
  value.wait(old, std::memory_order_acquire);
}

// The process, as far as fork() can change it.
long process() {
#if defined(_WIN32)
  return 0;  // there is no fork()
#else
  return getpid();
#endif
}

}  // namespace

int default_threads() {
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    if (const int asked = std::atoi(text); asked > 0) return std::min(asked, kMostThreads);
  }
#if defined(__linux__)
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return std::max(1, std::min(CPU_COUNT(&cores), 64));
#endif
  return std::max(1, static_cast<int>(std::min(std::thread::hardware_concurrency(), 64u)));
}

Pool::Pool(int threads) : threads_(threads), calls_(std::make_unique<Calls[]>(static_cast<std::size_t>(threads))) {
  for (int number = 1; number < threads; ++number) others_.emplace_back([this, number] { serve(number); });
}

Pool::~Pool() {
  stop_ = true;
  for (int number = 1; number < threads_; ++number) {
    calls_[static_cast<std::size_t>(number)].count.fetch_add(1, std::memory_order_release);
    calls_[static_cast<std::size_t>(number)].count.notify_one();
  }
  for (std::thread& thread : others_) thread.join();
}

void Pool::run(int workers, const std::function<void(int)>& work) {
  if (workers < 1 || workers > threads_) throw std::invalid_argument("there are fewer threads than workers");
  const std::lock_guard only(one_caller_);
  work_ = &work;
  workers_ = workers;
  busy_.store(workers - 1, std::memory_order_relaxed);
  for (int number = 1; number < workers; ++number) {
    calls_[static_cast<std::size_t>(number)].count.fetch_add(1, std::memory_order_release);
    calls_[static_cast<std::size_t>(number)].count.notify_one();
  }
  work(0);
  for (int left = busy_.load(std::memory_order_acquire); left != 0; left = busy_.load(std::memory_order_acquire)) {
    wait_while(busy_, left);
  }
}

void Pool::serve(int number) {
  for (unsigned done = 0;;) {
    wait_while(calls_[static_cast<std::size_t>(number)].count, done);
    ++done;
    if (stop_) return;
    (*work_)(number);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_all();
  }
}

void Pool::meet() {
  if (workers_ == 1) return;
  const unsigned meeting = meeting_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == workers_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    meeting_.fetch_add(1, std::memory_order_release);
    meeting_.notify_all();
  } else {
    wait_while(meeting_, meeting);
  }
}

namespace {

struct Shared {
  std::mutex changing;
  std::shared_ptr<Pool> pool;
  int threads = 0;  // as requested; 0: default
  long owner = process();
};

// Never freed: at the end of a process its threads may still be sleeping.
Shared& shared() {
  static Shared* only = new Shared;
  return *only;
}

// The parent's threads do not exist in this process, so its pool cannot be destroyed here.
void leave_pool_of_parent(Shared& own) {
  if (own.owner != process()) new std::shared_ptr<Pool>(std::move(own.pool));
  own.owner = process();
}

}  // namespace

std::shared_ptr<Pool> shared_pool() {
  Shared& own = shared();
  const std::lock_guard only(own.changing);
  leave_pool_of_parent(own);
  if (!own.pool) own.pool = std::make_shared<Pool>(own.threads ? own.threads : default_threads());
  return own.pool;
}

void use_threads(int threads) {
  if (threads < 0) throw std::invalid_argument("the number of threads is negative");
  Shared& own = shared();
  std::shared_ptr<Pool> before;  // destroyed on return, or by the last caller that still uses it
  const std::lock_guard only(own.changing);
  leave_pool_of_parent(own);
  own.threads = std::min(threads, kMostThreads);
  before = std::move(own.pool);
}

}  // namespace lenet5
