// An index's file from any bytes: looking over its pages ends, and reads nothing but them.
#include <cstdint>
#include <string>

#include "cache/lmdb_pages.h"

namespace {

constexpr std::size_t kPage = 512;

/// The fuzzer's bytes as the pages of a file whose meta page is believed, or nothing behind it would be seen.
std::string as_file(const char* data, std::size_t size) {
  std::string file(data, size);
  file.resize((size + kPage - 1) / kPage * kPage);
  for (const std::size_t meta : {std::size_t{16}, kPage + 16}) {
    if (file.size() < meta + 136) return file;
    const auto put = [&file](std::size_t at, std::uint64_t value, std::size_t bytes) {
      for (; bytes > 0; --bytes, ++at, value >>= 8U) file[at] = static_cast<char>(value & 0xffU);
    };
    put(meta + 24, kPage, 4);
    put(meta + 120, file.size() / kPage - 1, 8);
    for (const std::size_t tree : {meta + 24, meta + 72}) {
      put(tree + 6, static_cast<unsigned char>(file[tree + 6]) % 4, 2);
      put(tree + 40, 2 + static_cast<unsigned char>(file[tree + 40]) % 8, 8);
    }
  }
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::size_t pages = 0;
  (void)astrofs::lmdb_pages_sound(as_file(reinterpret_cast<const char*>(data), size),
                                  [&pages] { return ++pages < 1000; });
  return 0;
}
