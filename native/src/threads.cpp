#include "lenet5/threads.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if !defined(_WIN32)
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>

namespace lenet5 {
namespace {

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` is no longer `old`: about 50 microseconds awake, then asleep.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int look = 0; look < 2000; ++look) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
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
    if (const int asked = std::atoi(text); asked > 0) return std::min(asked, 64);
  }
#if defined(__linux__)
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return std::max(1, std::min(CPU_COUNT(&cores), 64));
#endif
  return std::max(1, static_cast<int>(std::min(std::thread::hardware_concurrency(), 64u)));
}

Pool::Pool(int threads) : threads_(threads) {
  for (int number = 1; number < threads; ++number) others_.emplace_back([this, number] { serve(number); });
}

Pool::~Pool() {
  stop_ = true;
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  for (std::thread& thread : others_) thread.join();
}

void Pool::run(const std::function<void(int)>& work) {
  const std::lock_guard only(one_caller_);
  work_ = &work;
  busy_.store(threads_ - 1, std::memory_order_relaxed);
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  work(0);
  for (int left = busy_.load(std::memory_order_acquire); left != 0; left = busy_.load(std::memory_order_acquire)) {
    wait_while(busy_, left);
  }
}

void Pool::serve(int number) {
  for (unsigned done = 0;;) {
    wait_while(call_, done);
    ++done;
    if (stop_) return;
    (*work_)(number);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_all();
  }
}

void Pool::meet() {
  if (threads_ == 1) return;
  const unsigned meeting = meeting_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    meeting_.fetch_add(1, std::memory_order_release);
    meeting_.notify_all();
  } else {
    wait_while(meeting_, meeting);
  }
}

Pool& shared_pool() {
  // Never freed: at the end of a process its threads may still be asleep in there.
  static std::mutex making;
  static Pool* pool = nullptr;
  static long owner = 0;
  const std::lock_guard only(making);
  if (!pool || owner != process()) {
    pool = new Pool(default_threads());
    owner = process();
  }
  return *pool;
}

}  // namespace lenet5
