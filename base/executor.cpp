#include "base/executor.h"

#include <pthread.h>

#include <cassert>
#include <utility>

namespace astrofs {

void name_this_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

Executor::Executor(std::string name, unsigned threads) : name_(std::move(name)) {
  assert(threads > 0);
  threads_.reserve(threads);
  try {
    for (unsigned number = 0; number < threads; ++number)
      threads_.emplace_back([this, number] { run(number); });
  } catch (...) {
    stop();  // the system is out of threads: those made already wait for work, and nobody would join them
    throw;
  }
}

Executor::~Executor() {
  stop();
}

bool Executor::submit(std::function<void()> job) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

std::size_t Executor::unfinished() const {
  const MutexLock lock(mutex_);
  return jobs_.size() + running_;
}

void Executor::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  threads_.clear();
}

void Executor::run(unsigned number) {
  name_this_thread(name_ + "-" + std::to_string(number));
  for (;;) {
    std::function<void()> job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stopping_) lock.wait(wake_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      ++running_;
    }
    job();
    job = nullptr;  // what it holds goes with it
    const MutexLock lock(mutex_);
    --running_;
  }
}

}  // namespace astrofs
