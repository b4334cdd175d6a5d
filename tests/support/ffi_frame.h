// FITS files with the structure of real TESS full-frame images, made byte by byte when they are read: any
// range of a 35 MB frame costs no more than the range. Deterministic: the same name gives the same bytes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace astrofs::sim {

struct FrameSize {
  std::uint32_t width{0};
  std::uint32_t height{0};
};
constexpr FrameSize kFullFrame{.width = 2136, .height = 2078};
constexpr FrameSize kSmallFrame{.width = 64, .height = 48};

/// Offsets of the first pixel that occur in the archive. Without WCS it is the first of them.
constexpr std::array<std::uint32_t, 7> kDataOffsets{14400, 17280, 20160, 23040, 25920, 28800, 31680};
constexpr std::uint32_t kUsualDataOffset = 20160;

struct FrameSpec {
  std::string name;
  int sector{4};
  int camera{1};
  int ccd{1};
  int scid{124};
  SysSeconds start{};
  int cadence{1800};  ///< seconds
  int quality{0};
  double barycorr{0.0052449};  ///< days
  std::uint32_t data_offset{kUsualDataOffset};
  FrameSize size{kSmallFrame};
  SysSeconds written{seconds(1'620'728'520)};  ///< 2021-05-11 10:22, the great reprocessing
};

/// Base noise plus stars and a few dead (NaN) pixels of one image of one chip. Immutable, shared by all its
/// frames.
class ChipImage {
 public:
  ChipImage(std::uint64_t seed, FrameSize size, float level, float spread, float star_scale);

  /// Big-endian float32 from byte `offset` of the image on, for the frame `seed`.
  void read(std::uint64_t seed, std::uint64_t offset, std::span<std::byte> into) const;
  /// Sum of all 32-bit words: the ones-complement sum before its carries are folded.
  [[nodiscard]] std::uint64_t sum(std::uint64_t seed) const;
  [[nodiscard]] std::uint64_t bytes() const { return std::uint64_t{4} * size_.width * size_.height; }

 private:
  struct Change {
    std::uint32_t pixel;  ///< index y * width + x, ascending
    float add;            ///< NaN: a dead pixel
  };
  [[nodiscard]] std::uint32_t row_start(std::uint64_t seed, std::uint64_t row) const;
  [[nodiscard]] static std::uint32_t word(float base, float add);

  FrameSize size_;
  std::vector<float> noise_;            ///< every row is a window of it
  std::vector<std::byte> noise_bytes_;  ///< the same, big-endian
  std::vector<std::uint64_t> sums_;     ///< sums_[i]: words before noise_[i]
  std::vector<Change> changes_;
};

/// One calibrated frame: primary header, image, uncertainties.
class FfiFrame {
 public:
  FfiFrame(const FrameSpec& spec, std::shared_ptr<const ChipImage> image,
           std::shared_ptr<const ChipImage> uncertainty);

  [[nodiscard]] static std::uint64_t bytes_of(const FrameSpec& spec);
  void read(std::uint64_t offset, std::span<std::byte> into) const;

 private:
  std::uint64_t seed_;
  std::uint64_t padded_data_;
  std::string primary_, image_header_, uncertainty_header_;
  std::shared_ptr<const ChipImage> image_, uncertainty_;
};

/// Frames that were read lately and the images of their chips, so that a sweep does not make them again and
/// again. Any thread.
class FrameShelf {
 public:
  FrameShelf();
  ~FrameShelf();
  FrameShelf(const FrameShelf&) = delete;
  FrameShelf& operator=(const FrameShelf&) = delete;
  [[nodiscard]] std::shared_ptr<const FfiFrame> frame(const FrameSpec& spec);

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

/// A PRF model: one image of 117 x 117 in the primary HDU.
[[nodiscard]] std::string prf_file(int camera, int ccd, int row, int column);
[[nodiscard]] std::uint64_t prf_bytes();

}  // namespace astrofs::sim
