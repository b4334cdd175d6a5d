// A bulk download script where it lies: how long it is, and any of its bytes by Range. What its lines say is
// format/curl_script's. Blocks; any thread but the client's. Lives for one question.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/http/fetcher.h"
#include "base/bytes.h"
#include "base/error.h"

namespace astrofs {

// A piece is long enough that its round trip does not matter and short enough that eight of them share the
// connection budget: the largest script of frames, 34 MB, has nine.
inline constexpr std::uint64_t kScriptPiece = 4ULL << 20;

class RemoteScript {
 public:
  /// Asks for its length. not_found: there is no such script. `fetcher` outlives the script.
  [[nodiscard]] static Result<RemoteScript> open(http::Fetcher& fetcher, std::string url,
                                                 std::stop_token stop);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool serves_ranges() const { return serves_ranges_; }
  [[nodiscard]] const std::string& url() const { return url_; }

  /// Several at once, in the order of their addresses; each is there or not on its own.
  [[nodiscard]] static std::vector<Result<RemoteScript>> open(http::Fetcher& fetcher,
                                                              std::vector<std::string> urls,
                                                              std::stop_token stop);

  /// The bytes of each range, all asked at once. unsupported: the server ignores Range after all.
  [[nodiscard]] Result<std::vector<std::string>> read(const std::vector<ByteRange>& ranges) const;
  /// One range of any length, in pieces.
  [[nodiscard]] Result<std::string> read(ByteRange range) const;
  /// All of it in one answer: for a short one, or a server that serves no ranges.
  [[nodiscard]] Result<std::string> whole() const;

  /// A range of one script; `script` is there as long as it is read.
  struct Part {
    const RemoteScript* script;
    ByteRange range;
  };
  /// Ranges of several scripts of one fetcher, all asked at once; each answer stands for itself.
  [[nodiscard]] static std::vector<Result<std::string>> read(const std::vector<Part>& parts);

 private:
  RemoteScript(http::Fetcher& fetcher, std::string url, std::uint64_t size, bool serves_ranges,
               std::stop_token stop);

  http::Fetcher* fetcher_;
  std::string url_;
  std::uint64_t size_;
  bool serves_ranges_;
  std::stop_token stop_;
};

}  // namespace astrofs
