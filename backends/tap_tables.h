// Answers to queries of a TAP service as files. A query is asked at once, which costs one request; where the
// service cuts that answer off, or has not time enough for it, an asynchronous job is made of it, which
// may have an hour. What is cut off there too is an error and never a shorter file. What was made is kept for
// a moment, for whoever asks for the size of a file mostly reads it. Part of type "tap". Blocks; any thread.
#pragma once

#include <atomic>
#include <stop_token>
#include <string>

#include "backends/format/table_file.h"
#include "backends/kept_texts.h"
#include "backends/tap_jobs.h"
#include "backends/vo_client.h"
#include "base/clock.h"

namespace astrofs::tap {

class Tables {
 public:
  struct Limits {
    std::uint64_t rows{10'000'000};     ///< MAXREC: services have their own below it
    std::uint64_t bytes{256ULL << 20};  ///< of an answer, and of a file that is made of one
    unsigned at_once{4};                ///< queries: each may have both in memory
  };
  /// All outlive it.
  Tables(VoClient& client, Jobs& jobs, const Clock& clock, Limits limits)
      : client_(client), jobs_(jobs), limits_(limits), kept_(clock, {limits.bytes, limits.at_once}) {}

  struct Question {
    std::string key;  ///< of what is kept
    std::string adql;
    TableForm form{TableForm::fits};
  };
  /// Errc::unavailable: also what the service refuses, or cuts off; too_large: beyond the limits here.
  [[nodiscard]] Result<std::string> file(const Question& question, const std::stop_token& stop);
  /// The next file() of that key asks.
  void forget(const std::string& key) { kept_.forget(key); }
  void forget_all() { kept_.forget_all(); }
  /// Gives back the memory of what nobody reads any more.
  void forget_old() { kept_.forget_old(); }

 private:
  /// What a service said, and how many rows are in it.
  struct Answer {
    http::Response response;
    TableMeasure measure;
    VoOutcome outcome;
  };
  [[nodiscard]] Result<std::string> make(const Question& question, const std::stop_token& stop);
  [[nodiscard]] Result<Answer> read(http::Response response) const;
  [[nodiscard]] Result<Answer> ask(const std::string& adql, const std::stop_token& stop);
  [[nodiscard]] Result<Answer> ask_whole(const std::string& adql, const std::stop_token& stop);
  [[nodiscard]] Result<Answer> ask_job(const std::string& adql, const std::stop_token& stop);
  [[nodiscard]] Result<void> check(const Answer& answer) const;

  VoClient& client_;
  Jobs& jobs_;
  const Limits limits_;
  std::atomic<bool> any_format_{false};  ///< the service knows no name of BINARY2
  KeptTexts kept_;
};

}  // namespace astrofs::tap
