// A thread pool with fast barriers. Where a system has no threads, as in the browser's module, the pool is the caller.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#if !defined(__wasm__)
#include <atomic>
#include <thread>
#include <vector>
#endif

namespace lenet5 {

#if defined(__wasm__)

struct Mutex {
  void lock() {}
  void unlock() {}
};

class Pool {
 public:
  int threads() const { return 1; }
  void run(int, const std::function<void(int)>& work) { work(0); }
  void meet() {}
};

inline std::shared_ptr<Pool> shared_pool() { return std::make_shared<Pool>(); }

#else

using Mutex = std::mutex;

constexpr int kMostThreads = 64;

// How many threads to use: OMP_NUM_THREADS where it is set, as for the other engines; otherwise one for each core that
// this process may run on. At most kMostThreads.
int default_threads();

class Pool {
 public:
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return threads_; }

  // Calls work(0), ..., work(workers - 1) at once, work(0) on the calling thread, and returns when all are done; the
  // other threads sleep on. One call at a time: a second caller waits. Throws std::invalid_argument for more workers
  // than threads.
  void run(int workers, const std::function<void(int)>& work);

  // Barrier, called inside work: waits until every worker has arrived. Barriers are about a tenth of a millisecond
  // apart, so a thread first spins, yielding its core in between, and sleeps only after a long wait.
  void meet();

 private:
  struct alignas(64) Calls {  // of one thread; on a cache line of its own
    std::atomic<unsigned> count{0};
  };
  void serve(int number);

  const int threads_;
  Mutex one_caller_;
  const std::function<void(int)>* work_ = nullptr;
  int workers_ = 1;  // of this call
  std::unique_ptr<Calls[]> calls_;
  std::atomic<int> busy_{0};
  std::atomic<int> arrived_{0};
  std::atomic<unsigned> meeting_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> others_;
};

// The pool that all networks of this process share. A process made by fork() has none of the threads of its parent and
// gets a pool of its own.
std::shared_ptr<Pool> shared_pool();

// Sets the number of threads of the shared pool, at most kMostThreads; 0 restores default_threads().
void use_threads(int threads);

#endif

}  // namespace lenet5
