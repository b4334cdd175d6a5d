#include "tests/support/gzip.h"

#include <zlib.h>

namespace astrofs::sim {
namespace {

constexpr int kGzipWindow = MAX_WBITS + 16;  ///< + 16: with gzip's frame
constexpr int kLevel = 6;                    ///< gzip's own
constexpr int kMemory = 8;                   ///< zlib's own

}  // namespace

std::string gzip(const std::string& plain) {
  z_stream stream{};
  ::deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY);
  std::string packed(::deflateBound(&stream, static_cast<uLong>(plain.size())) + kGzipFrame, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ::deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

}  // namespace astrofs::sim
