// A few threads that work side by side and meet often.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lenet5 {

// How many threads to use: OMP_NUM_THREADS where it is set, as for the other engines; otherwise one for each core that
// this process may run on.
int default_threads();

class Pool {
 public:
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return threads_; }

  // Calls work(0), work(1), ... at once, work(0) on the calling thread, and returns when all are done. One call at a
  // time: a second caller waits.
  void run(const std::function<void(int)>& work);

  // Inside work: waits until every thread is here. Between two meetings lies about a tenth of a millisecond, so a
  // thread first looks again and again; only a thread that waits long goes to sleep.
  void meet();

 private:
  void serve(int number);

  const int threads_;
  std::mutex one_caller_;
  const std::function<void(int)>* work_ = nullptr;
  std::atomic<unsigned> call_{0};
  std::atomic<int> busy_{0};
  std::atomic<int> arrived_{0};
  std::atomic<unsigned> meeting_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> others_;
};

// The pool that all networks of this process share. A process made by fork() has none of the threads of its parent and
// gets a pool of its own.
Pool& shared_pool();

}  // namespace lenet5
