// The end of a mount in spite of a disk that hangs. A thread that asks such a disk cannot be waited for, nor
// may what it uses go: so the process leaves as it is, once what was fetched is on the cache's own disk.
// Owned by the daemon; a thread of its own.
#pragma once

#include <semaphore>
#include <stop_token>
#include <thread>

#include "base/executor.h"
#include "cache/index_writer.h"

namespace astrofs {

class LastResort {
 public:
  /// All outlive it. `store` writes what was fetched.
  LastResort(Catalog& catalog, IndexWriter& writer, const Executor& store);
  ~LastResort();  ///< the end has come by itself
  LastResort(const LastResort&) = delete;
  LastResort& operator=(const LastResort&) = delete;

  /// The mount is gone: in some seconds the process ends with `code`. Once.
  void begin(int code);

 private:
  void run(const std::stop_token& stop);

  Catalog& catalog_;
  IndexWriter& writer_;
  const Executor& store_;
  int code_{0};                          ///< set before begun_
  std::counting_semaphore<2> begun_{0};  ///< by begin(), and at the latest by the destructor
  std::jthread thread_;                  ///< last: it uses all of the above
};

}  // namespace astrofs
