#include "tests/support/ffi_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <list>
#include <map>
#include <tuple>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "tests/support/ffi_cards.h"

namespace astrofs::sim {
namespace {

/// Noise before it repeats; a power of two, so that a row's start is a few bits of a hash.
constexpr std::uint32_t kNoise = 4096;
constexpr std::uint32_t kNanWord = 0x7FC00000;
/// One star per so many pixels, one dead pixel per so many: thin enough to look like sky.
constexpr std::uint32_t kPixelsPerStar = 512;
constexpr std::uint32_t kPixelsPerDead = 1024;
constexpr int kStarRadius = 3;

/// A random-looking step (splitmix64): the same on every machine, unlike the standard distributions.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31);
}

/// In [0, 1).
double unit(std::uint64_t random) {
  return static_cast<double>(random >> 11) * 0x1p-53;
}

void put_word(std::byte* at, std::uint32_t word) {
  for (unsigned byte = 0; byte < 4; ++byte) at[byte] = static_cast<std::byte>(word >> (24 - 8 * byte));
}

std::uint64_t seed_of(std::string_view name) {
  return xxh3(std::as_bytes(std::span(name.data(), name.size())));
}

std::vector<float> sky(std::uint64_t seed, FrameSize size, float star_scale) {
  std::vector<float> add(std::size_t{size.width} * size.height, 0.0F);
  const std::uint64_t pixels = add.size();
  for (std::uint64_t star = 0; star < pixels / kPixelsPerStar; ++star) {
    const std::uint64_t random = mix(seed + star);
    const double x = unit(random) * size.width;
    const double y = unit(mix(random)) * size.height;
    const double bright = 300.0 / (0.01 + unit(mix(random + 1)));  // few bright ones, many faint
    for (int dy = -kStarRadius; dy <= kStarRadius; ++dy) {
      for (int dx = -kStarRadius; dx <= kStarRadius; ++dx) {
        const auto column = static_cast<std::int64_t>(x) + dx;
        const auto row = static_cast<std::int64_t>(y) + dy;
        if (column < 0 || row < 0 || column >= size.width || row >= size.height) continue;
        const double away =
            std::hypot(static_cast<double>(column) + 0.5 - x, static_cast<double>(row) + 0.5 - y);
        add[static_cast<std::size_t>(row) * size.width + static_cast<std::size_t>(column)] +=
            star_scale * static_cast<float>(bright * std::exp(-away * away / 2));
      }
    }
  }
  for (std::uint64_t dead = 0; dead < pixels / kPixelsPerDead; ++dead) {
    add[static_cast<std::size_t>(mix(~seed + dead) % pixels)] = std::numeric_limits<float>::quiet_NaN();
  }
  return add;
}

/// Copies what [offset, offset + into) has in common with `part`, which begins at `start`, and hands it to
/// `fill`.
template <class Fill>
void overlap(std::uint64_t start, std::uint64_t length, std::uint64_t offset, std::span<std::byte> into,
             Fill fill) {
  const ByteRange common = ByteRange{start, length}.intersect({offset, into.size()});
  if (common.empty()) return;
  fill(common.offset - start, into.subspan(static_cast<std::size_t>(common.offset - offset),
                                           static_cast<std::size_t>(common.length)));
}

}  // namespace

ChipImage::ChipImage(std::uint64_t seed, FrameSize size, float level, float spread, float star_scale)
    : size_(size) {
  noise_.resize(kNoise + size.width);
  noise_bytes_.resize(noise_.size() * 4);
  sums_.resize(noise_.size() + 1);
  for (std::size_t at = 0; at < noise_.size(); ++at) {
    const std::uint64_t random = mix(seed ^ (at % kNoise + 1));
    const double bell =
        unit(random) + unit(mix(random)) + unit(mix(random + 1)) - 1.5;  // near enough to a Gaussian
    noise_[at] = level + spread * static_cast<float>(bell);
    const auto word = std::bit_cast<std::uint32_t>(noise_[at]);
    put_word(&noise_bytes_[at * 4], word);
    sums_[at + 1] = sums_[at] + word;
  }
  const std::vector<float> add = sky(seed, size, star_scale);
  for (std::size_t pixel = 0; pixel < add.size(); ++pixel) {
    if (add[pixel] != 0.0F)
      changes_.push_back({.pixel = static_cast<std::uint32_t>(pixel), .add = add[pixel]});
  }
}

std::uint32_t ChipImage::row_start(std::uint64_t seed, std::uint64_t row) const {
  return static_cast<std::uint32_t>(mix(seed ^ row) % kNoise);
}

std::uint32_t ChipImage::word(float base, float add) {
  return std::isnan(add) ? kNanWord : std::bit_cast<std::uint32_t>(base + add);
}

std::uint64_t ChipImage::sum(std::uint64_t seed) const {
  std::uint64_t total = 0;
  for (std::uint32_t row = 0; row < size_.height; ++row) {
    const std::uint32_t start = row_start(seed, row);
    total += sums_[start + size_.width] - sums_[start];
  }
  for (const Change& change : changes_) {
    const float base = noise_[row_start(seed, change.pixel / size_.width) + change.pixel % size_.width];
    total += word(base, change.add);
    total -= std::bit_cast<std::uint32_t>(base);
  }
  return total;
}

void ChipImage::read(std::uint64_t seed, std::uint64_t offset, std::span<std::byte> into) const {
  const std::uint64_t row_bytes = std::uint64_t{4} * size_.width;
  for (std::size_t done = 0; done < into.size();) {
    const std::uint64_t at = offset + done;
    const std::uint64_t within = at % row_bytes;
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(row_bytes - within, into.size() - done));
    const std::uint64_t from = std::uint64_t{4} * row_start(seed, at / row_bytes) + within;
    std::memcpy(into.data() + done, noise_bytes_.data() + from, length);
    done += length;
  }
  const std::uint64_t end = offset + into.size();
  for (auto change =
           std::ranges::lower_bound(changes_, static_cast<std::uint32_t>(offset / 4), {}, &Change::pixel);
       change != changes_.end() && std::uint64_t{4} * change->pixel < end; ++change) {
    std::array<std::byte, 4> bytes{};
    put_word(bytes.data(),
             word(noise_[row_start(seed, change->pixel / size_.width) + change->pixel % size_.width],
                  change->add));
    overlap(std::uint64_t{4} * change->pixel, 4, offset, into,
            [&](std::uint64_t skip, std::span<std::byte> part) {
              std::memcpy(part.data(), bytes.data() + skip, part.size());
            });
  }
}

FfiFrame::FfiFrame(const FrameSpec& spec, std::shared_ptr<const ChipImage> image,
                   std::shared_ptr<const ChipImage> uncertainty)
    : seed_(seed_of(spec.name)),
      padded_data_(padded(image->bytes())),
      primary_(primary_cards(spec).finish(kFitsBlock, 0)),
      image_(std::move(image)),
      uncertainty_(std::move(uncertainty)) {
  const std::uint64_t header = spec.data_offset - kFitsBlock;
  image_header_ = image_cards(spec, "cal").finish(header, image_->sum(seed_));
  uncertainty_header_ = image_cards(spec, "uncert").finish(header, uncertainty_->sum(seed_));
}

std::uint64_t FfiFrame::bytes_of(const FrameSpec& spec) {
  const std::uint64_t data = padded(std::uint64_t{4} * spec.size.width * spec.size.height);
  return kFitsBlock + 2 * (spec.data_offset - kFitsBlock + data);
}

void FfiFrame::read(std::uint64_t offset, std::span<std::byte> into) const {
  std::ranges::fill(into, std::byte{0});  // what lies behind the pixels
  std::uint64_t start = 0;
  const auto text = [&](const std::string& header) {
    overlap(start, header.size(), offset, into, [&](std::uint64_t skip, std::span<std::byte> part) {
      std::memcpy(part.data(), header.data() + skip, part.size());
    });
    start += header.size();
  };
  const auto pixels = [&](const ChipImage& image) {
    overlap(start, image.bytes(), offset, into,
            [&](std::uint64_t skip, std::span<std::byte> part) { image.read(seed_, skip, part); });
    start += padded_data_;
  };
  text(primary_);
  text(image_header_);
  pixels(*image_);
  text(uncertainty_header_);
  pixels(*uncertainty_);
}

struct FrameShelf::Contents {
  using ImageKey = std::tuple<int, int, int, std::uint32_t, std::uint32_t, bool>;
  std::shared_ptr<const ChipImage> image(const FrameSpec& spec, bool uncertainty) REQUIRES(mutex);

  Mutex mutex;
  std::map<ImageKey, std::shared_ptr<const ChipImage>> images GUARDED_BY(mutex);
  std::list<std::pair<std::string, std::shared_ptr<const FfiFrame>>> frames
      GUARDED_BY(mutex);  ///< latest first
};

std::shared_ptr<const ChipImage> FrameShelf::Contents::image(const FrameSpec& spec, bool uncertainty) {
  auto& image = images[{spec.sector, spec.camera, spec.ccd, spec.size.width, spec.size.height, uncertainty}];
  if (image == nullptr) {
    const std::uint64_t seed = mix(static_cast<std::uint64_t>(spec.sector * 16 + spec.camera * 4 + spec.ccd));
    // electrons/s of an ordinary field; its uncertainties are smaller and vary less
    image = uncertainty ? std::make_shared<const ChipImage>(seed, spec.size, 0.5F, 0.02F, 0.002F)
                        : std::make_shared<const ChipImage>(seed, spec.size, 100.0F, 4.0F, 1.0F);
  }
  return image;
}

FrameShelf::FrameShelf() : contents_(std::make_unique<Contents>()) {}
FrameShelf::~FrameShelf() = default;

std::shared_ptr<const FfiFrame> FrameShelf::frame(const FrameSpec& spec) {
  constexpr std::size_t kMostFrames = 64;  // some 45 KB each; a sweep reads fewer at one time
  std::shared_ptr<const ChipImage> image;
  std::shared_ptr<const ChipImage> uncertainty;
  {
    const MutexLock lock(contents_->mutex);
    auto& frames = contents_->frames;
    const auto found =
        std::ranges::find(frames, spec.name, [](const auto& row) -> const std::string& { return row.first; });
    if (found != frames.end()) {
      frames.splice(frames.begin(), frames, found);
      return frames.front().second;
    }
    image = contents_->image(spec, false);
    uncertainty = contents_->image(spec, true);
  }
  auto frame = std::make_shared<const FfiFrame>(spec, image, uncertainty);
  const MutexLock lock(contents_->mutex);
  contents_->frames.emplace_front(spec.name, frame);
  if (contents_->frames.size() > kMostFrames) contents_->frames.pop_back();
  return frame;
}

}  // namespace astrofs::sim
