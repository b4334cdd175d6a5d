#include "fs/last_resort.h"

#include <chrono>
#include <cstdlib>

#include "base/log.h"
#include "base/pause.h"

namespace astrofs {
namespace {

/// More than an archive gets for a last word (tap_jobs.cpp), less than who mounts anew waits for the cache
/// (mount_main.cpp).
constexpr milliseconds kPatience{4000};
/// For blocks on their way to the cache, where it is not their threads that hang.
constexpr milliseconds kLook{50};
constexpr int kLooks = 10;

}  // namespace

LastResort::LastResort(Catalog& catalog, IndexWriter& writer, const Executor& store)
    : catalog_(catalog),
      writer_(writer),
      store_(store),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

LastResort::~LastResort() {
  thread_.request_stop();
  begun_.release();
}

void LastResort::begin(int code) {
  code_ = code;
  begun_.release();
}

void LastResort::run(const std::stop_token& stop) {
  name_this_thread("last-resort");
  begun_.acquire();
  if (!pause(kPatience, stop)) return;
  for (int look = 0; look < kLooks && store_.unfinished() > 0; ++look) {
    if (!pause(kLook, stop)) return;
  }
  (void)writer_.flush();
  if (stop.stop_requested()) return;
  (void)catalog_.mark_clean();
  log::warning("ended without a disk that was shown and does not answer");
  std::_Exit(code_);
}

}  // namespace astrofs
