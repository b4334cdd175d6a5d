#include "backends/format/asdf_codec.h"

#include <bzlib.h>
#include <lz4.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace astrofs {
namespace {

constexpr std::size_t kPiece = 64UL << 10;  // of decoded bytes at a time
// Of one lz4 frame; the Python library makes frames of 4 MiB unless it is told otherwise.
constexpr std::size_t kLargestFrame = 64ULL << 20;
constexpr std::size_t kMostInput = 1ULL << 30;  // zlib and bzip2 count in unsigned int: stay below 4 GiB

/// zlib and bzip2 have the same manner: a stream with next and available of both sides.
template <class Stream, class Char>
class StreamDecoder : public AsdfDecoder {
 public:
  Result<bool> feed(std::span<const std::byte> piece, const DecodedSink& sink) final {
    if (!ready_) return fail(Errc::too_large, "no memory to decompress a block");
    while (!piece.empty() && !ended_) {
      const std::span part = piece.first(std::min(piece.size(), kMostInput));
      piece = piece.subspan(part.size());
      // Neither library writes to its input; their interfaces are older than const.
      stream_.next_in = const_cast<Char*>(reinterpret_cast<const Char*>(part.data()));
      stream_.avail_in = static_cast<unsigned>(part.size());
      bool full = false;
      do {
        stream_.next_out = reinterpret_cast<Char*>(out_.data());
        stream_.avail_out = static_cast<unsigned>(out_.size());
        if (!step(ended_)) return fail(Errc::corrupt, "a block that cannot be decompressed");
        const std::size_t made = out_.size() - stream_.avail_out;
        if (made > 0 && !sink(std::span(out_).first(made))) return false;
        full = stream_.avail_out == 0;
      } while (!ended_ && (stream_.avail_in > 0 || full));
    }
    return true;
  }

 protected:
  /// Decompresses what there is; false for damage.
  virtual bool step(bool& ended) = 0;

  Stream stream_{};
  bool ready_{false};

 private:
  bool ended_{false};
  std::array<std::byte, kPiece> out_{};
};

class ZlibDecoder final : public StreamDecoder<z_stream, Bytef> {
 public:
  /// `window_bits`: zlib's own number, and how it is told that the stream is framed as gzip.
  explicit ZlibDecoder(int window_bits) { ready_ = inflateInit2(&stream_, window_bits) == Z_OK; }
  ~ZlibDecoder() override { inflateEnd(&stream_); }

 private:
  bool step(bool& ended) override {
    const int answer = inflate(&stream_, Z_NO_FLUSH);
    ended = answer == Z_STREAM_END;
    return ended || answer == Z_OK || answer == Z_BUF_ERROR;  // the last: it needs more input
  }
};

class Bzip2Decoder final : public StreamDecoder<bz_stream, char> {
 public:
  Bzip2Decoder() { ready_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK; }
  ~Bzip2Decoder() override { BZ2_bzDecompressEnd(&stream_); }

 private:
  bool step(bool& ended) override {
    const int answer = BZ2_bzDecompress(&stream_);
    ended = answer == BZ_STREAM_END;
    return ended || answer == BZ_OK;
  }
};

/// Frames: length of what follows (4 bytes, big endian), length when decoded (4 bytes, little endian), one
/// lz4 block.
class Lz4Decoder final : public AsdfDecoder {
 public:
  Result<bool> feed(std::span<const std::byte> piece, const DecodedSink& sink) override {
    while (!piece.empty()) {
      const std::size_t wanted = frame_.size() < kHead ? kHead : kLength + length();
      const std::size_t taken = std::min(wanted - frame_.size(), piece.size());
      frame_.insert(frame_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(taken));
      piece = piece.subspan(taken);
      if (frame_.size() < kHead) continue;
      if (length() < kHead - kLength) return fail(Errc::corrupt, "an lz4 frame without a length");
      if (length() > kLargestFrame || raw_length() > kLargestFrame) {
        return fail(Errc::too_large, "an lz4 frame of more than 64 MiB");
      }
      if (frame_.size() < kLength + length()) continue;
      const auto more = decode(sink);
      if (!more || !*more) return more;
    }
    return true;
  }

 private:
  static constexpr std::size_t kLength = 4, kHead = 8;

  [[nodiscard]] std::size_t byte(std::size_t i) const { return std::to_integer<std::size_t>(frame_[i]); }
  [[nodiscard]] std::size_t length() const { return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3); }
  [[nodiscard]] std::size_t raw_length() const {
    return byte(7) << 24 | byte(6) << 16 | byte(5) << 8 | byte(4);
  }
  Result<bool> decode(const DecodedSink& sink) {
    const std::size_t packed = length() + kLength - kHead;
    // No lz4 block grows more than 255 times: a longer promise is a lie, and costs no memory.
    if (raw_length() > packed * 255 + 64) return fail(Errc::corrupt, "an lz4 frame that cannot be so long");
    decoded_.resize(raw_length());
    const int made = LZ4_decompress_safe(reinterpret_cast<const char*>(frame_.data()) + kHead,
                                         reinterpret_cast<char*>(decoded_.data()), static_cast<int>(packed),
                                         static_cast<int>(decoded_.size()));
    if (made < 0 || static_cast<std::size_t>(made) != decoded_.size()) {
      return fail(Errc::corrupt, "an lz4 frame that cannot be decompressed");
    }
    frame_.clear();
    return decoded_.empty() || sink(decoded_);
  }

  Buffer frame_, decoded_;
};

}  // namespace

Result<std::unique_ptr<AsdfDecoder>> AsdfDecoder::make(std::string_view compression) {
  using namespace std::string_view_literals;
  if (compression == "zlib") return std::make_unique<ZlibDecoder>(MAX_WBITS);
  if (compression == "gzip") return std::make_unique<ZlibDecoder>(MAX_WBITS + 16);
  if (compression == "bzp2") return std::make_unique<Bzip2Decoder>();
  if (compression == "lz4\0"sv) return std::make_unique<Lz4Decoder>();
  return fail(Errc::unsupported, "a block with a compression that is not known");
}

}  // namespace astrofs
