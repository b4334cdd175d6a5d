#include "backends/format/fits_layout.h"

#include <algorithm>
#include <charconv>

namespace astrofs {
namespace {

constexpr std::size_t kMostHdus = 10'000;               // mosaics and cubes of real archives stay below 2,000
constexpr std::size_t kMostRemembered = 256;            // 3 KB of text; a mosaic has up to 130
constexpr std::uint64_t kUsualHeader = 6 * kFitsBlock;  // an FFI's image header; enough for most others too

}  // namespace

Result<void> FitsLayout::feed(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (error_) return tl::unexpected(*error_);
  while (!finished_) {
    const std::uint64_t known = next_ + partial_.size();
    if (offset > known || known - offset >= bytes.size()) return {};
    // Block by block: a header is parsed again for each, and only as far as it goes is it kept.
    const std::size_t skip = static_cast<std::size_t>(known - offset);
    const std::size_t to_block = static_cast<std::size_t>(kFitsBlock - partial_.size() % kFitsBlock);
    const auto part = bytes.subspan(skip, std::min(to_block, bytes.size() - skip));
    partial_.insert(partial_.end(), part.begin(), part.end());
    if (auto advanced = advance(); !advanced) {
      error_ = advanced.error();
      return advanced;
    }
  }
  return {};
}

Result<void> FitsLayout::advance() {
  if (!hdus_.empty() && partial_.size() >= kFitsCard &&
      std::string_view(reinterpret_cast<const char*>(partial_.data()), 9) != "XTENSION=") {
    finished_ = true;  // special records or plain padding may follow the last HDU; they are no HDU
    partial_.clear();
    return {};
  }
  const std::uint64_t known = next_ + partial_.size();
  if (partial_.size() % kFitsBlock != 0 && known < file_size_) return {};
  const auto header = parse_fits_header(partial_);
  if (!header) return tl::unexpected(header.error());
  if (header->complete) return add(*header);
  if (known < file_size_) return {};
  return fail(Errc::corrupt, "a FITS file that ends inside header " + std::to_string(hdus_.size()));
}

Result<void> FitsLayout::add(const FitsHeader& header) {
  if (hdus_.empty() != header.xtension.empty()) {
    return fail(Errc::corrupt, "a FITS file that does not begin with its primary header");
  }
  if (hdus_.size() == kMostHdus) return fail(Errc::too_large, "a FITS file of more than 10,000 HDUs");
  FitsHdu hdu;
  hdu.header_offset = next_;
  hdu.header_length = header.header_length;
  hdu.data_offset = next_ + header.header_length;
  hdu.data_length = header.data_length;
  hdu.bitpix = header.bitpix;
  hdu.axes = header.axes;
  hdu.extname = header.extname;
  hdu.image = header.is_image();
  const std::uint64_t end = hdu.data_offset + hdu.data_length;
  // Some writers leave out the padding of the last data; anything else that is missing is a file cut off.
  if (hdu.data_offset + header.data_bytes > file_size_) {
    return fail(Errc::corrupt,
                "a FITS file that ends inside the data of HDU " + std::to_string(hdus_.size()));
  }
  hdus_.push_back(std::move(hdu));
  next_ = end;
  partial_.clear();
  finished_ = end >= file_size_;
  return {};
}

std::optional<std::uint64_t> FitsLayout::next_header() const {
  if (finished_ || error_) return std::nullopt;
  return next_;
}

std::uint64_t FitsLayout::likely_header_length() const {
  // The primary header says little about the others: it often has no image.
  const auto image = std::find_if(hdus_.rbegin(), hdus_.rend(),
                                  [](const FitsHdu& hdu) { return hdu.image && hdu.data_length > 0; });
  return image == hdus_.rend() ? kUsualHeader : image->header_length;
}

std::optional<ByteRange> FitsLayout::wanted() const {
  if (finished_ || error_) return std::nullopt;
  const std::uint64_t known = next_ + partial_.size();
  // A header that goes on behind its likely end is asked for block by block, doubling what is known.
  const std::uint64_t guess =
      std::max(next_ + likely_header_length(), known + std::max<std::uint64_t>(partial_.size(), kFitsBlock));
  return ByteRange::between(known, std::min(guess, file_size_));
}

std::optional<ByteRange> FitsLayout::header_in(ByteRange range) const {
  const auto hdu = std::find_if(hdus_.begin(), hdus_.end(), [&](const FitsHdu& each) {
    return each.header_offset > 0 && range.intersect({each.header_offset, 1}).length == 1;
  });
  if (hdu == hdus_.end()) return std::nullopt;
  return ByteRange{hdu->header_offset, hdu->header_length};
}

std::string FitsLayout::remembered() const {
  if (hdus_.size() > kMostRemembered) return "";
  std::string line;
  for (const FitsHdu& hdu : hdus_) {
    line += std::to_string(hdu.header_length / kFitsBlock) + ' ' +
            std::to_string(hdu.data_length / kFitsBlock) + (hdu.image ? "i;" : ";");
  }
  if (finished_) line += '.';
  return line;
}

bool FitsLayout::recall(std::string_view line) {
  if (!hdus_.empty() || !partial_.empty() || error_) return false;
  std::vector<FitsHdu> hdus;
  std::uint64_t next = 0;
  const auto blocks = [&line, this](std::uint64_t& length) {
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), length);
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (error != std::errc{} || length > file_size_ / kFitsBlock + 1) return false;
    length *= kFitsBlock;
    return true;
  };
  const auto letter = [&line](char wanted) {
    const bool is_there = line.starts_with(wanted);
    if (is_there) line.remove_prefix(1);
    return is_there;
  };
  while (!line.empty() && line != ".") {
    FitsHdu hdu;
    if (hdus.size() == kMostRemembered || !blocks(hdu.header_length) || !letter(' ') ||
        !blocks(hdu.data_length))
      return false;
    hdu.image = letter('i');
    const std::uint64_t rest = file_size_ - next;
    // The last padding of a file may be missing.
    if (!letter(';') || hdu.header_length == 0 || hdu.header_length > std::min(rest, kLongestFitsHeader) ||
        hdu.data_length >= rest - hdu.header_length + kFitsBlock) {
      return false;
    }
    hdu.header_offset = next;
    hdu.data_offset = next + hdu.header_length;
    next = hdu.data_offset + hdu.data_length;
    if (next > file_size_ && !line.empty() && line != ".") return false;
    hdus.push_back(std::move(hdu));
  }
  if (hdus.empty()) return false;
  hdus_ = std::move(hdus);
  next_ = next;
  finished_ = line == "." || next_ >= file_size_;
  return true;
}

}  // namespace astrofs
