// Where the tests of this room find real data: pages recorded from servers (the seeds of the fuzzers), and
// the samples that ASTROFS_SAMPLES names.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace astrofs::testing {

/// Content of a file, gunzipped where it is gzip.
inline std::string content_of(const std::filesystem::path& path) {
  std::string out;
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return out;
  std::vector<char> buffer(1 << 16);
  for (int got = 0; (got = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;) {
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  gzclose(file);
  return out;
}

inline std::string seed(std::string_view name) {
  return content_of(std::filesystem::path(__FILE__).parent_path() / "../fuzz/corpus" / name);
}

inline std::optional<std::filesystem::path> samples() {
  const char* directory = std::getenv("ASTROFS_SAMPLES");
  if (directory == nullptr || *directory == '\0') return std::nullopt;
  return std::filesystem::path(directory);
}

/// Files of a folder of the samples whose names end so, in order.
inline std::vector<std::filesystem::path> sample_files(std::string_view folder, std::string_view ending) {
  std::vector<std::filesystem::path> out;
  for (const auto& file : std::filesystem::directory_iterator(*samples() / folder)) {
    if (file.path().string().ends_with(ending)) out.push_back(file.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace astrofs::testing

#define NEEDS_SAMPLES() \
  if (!astrofs::testing::samples()) GTEST_SKIP() << "ASTROFS_SAMPLES does not name a folder of real data"
