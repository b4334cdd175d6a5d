// One stop token for what either of two may stop. Any thread.
#pragma once

#include <stop_token>

namespace astrofs {

class JoinedStop {
 public:
  JoinedStop(const std::stop_token& one, const std::stop_token& other)
      : one_(one, Both{source_}), other_(other, Both{source_}) {}
  /// Also beyond the life of this, but nobody stops it then.
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  struct Both {
    std::stop_source source;
    void operator()() { source.request_stop(); }
  };
  std::stop_source source_;
  std::stop_callback<Both> one_, other_;
};

}  // namespace astrofs
