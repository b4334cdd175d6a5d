#include "fs/content_check.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace astrofs {
namespace {

/// The value of a checksum card; nullopt: none, or one that is not computed yet (blank, or all zeros, from
/// which the computation starts).
std::optional<std::string> checksum_text(const FitsHeader& header, std::string_view keyword) {
  std::optional<std::string> text = card_string(header, keyword);
  if (!text || text->find_first_not_of(' ') == std::string::npos) return std::nullopt;
  if (keyword == "CHECKSUM" && text->find_first_not_of('0') == std::string::npos) return std::nullopt;
  return text;
}

std::optional<std::uint32_t> number_in(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc{} || rest.find_first_not_of(' ') != std::string_view::npos) return std::nullopt;
  return number;
}

}  // namespace

void FitsCheck::feed(std::span<const std::byte> bytes) {
  while (!bytes.empty() && !over_) {
    const std::size_t taken = hdu_ ? take_data(bytes) : take_header(bytes);
    position_ += taken;
    bytes = bytes.subspan(taken);
    if (hdu_ && data_left_ == 0) end_hdu();
  }
}

std::size_t FitsCheck::take_header(std::span<const std::byte> bytes) {
  const std::size_t taken = std::min<std::size_t>(bytes.size(), kFitsBlock - header_.size() % kFitsBlock);
  header_.insert(header_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  if (header_.size() % kFitsBlock != 0) return taken;
  if (hdus_ == 0 && !looks_like_fits(header_)) {
    over_ = true;
    return taken;
  }
  const std::string_view start(reinterpret_cast<const char*>(header_.data()), 9);
  if (hdus_ > 0 && header_.size() == kFitsBlock && start != "XTENSION=") {
    give_up("bytes behind the last HDU have no checksum");
    return taken;
  }
  Result<FitsHeader> header = parse_fits_header(header_);
  if (!header) {
    give_up(fmt::format("the header of HDU {} cannot be read", hdus_));
  } else if (header->complete) {
    header_sum_ = {};
    header_sum_.add(header_, 0);
    data_sum_ = {};
    data_left_ = header->data_length;
    hdu_ = std::move(*header);
    header_.clear();
  }
  return taken;
}

std::size_t FitsCheck::take_data(std::span<const std::byte> bytes) {
  const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), data_left_));
  data_sum_.add(bytes.first(taken), hdu_->data_length - data_left_);
  data_left_ -= taken;
  return taken;
}

void FitsCheck::compare_told() {
  if (!told_ || !contradiction_.empty()) return;
  const auto sum = number_in(told_->datasum);
  const auto checksum = checksum_text(*hdu_, "CHECKSUM");
  if (sum && !data_sum_.is(*sum))
    contradiction_ = "the archive's table has another DATASUM";
  else if (!told_->checksum.empty() && checksum && *checksum != told_->checksum)
    contradiction_ = "the archive's table has another CHECKSUM";
}

void FitsCheck::end_hdu() {
  const auto contradict = [this](std::string_view keyword) {
    if (contradiction_.empty()) contradiction_ = fmt::format("{} of HDU {} does not fit", keyword, hdus_);
  };
  const auto data_text = checksum_text(*hdu_, "DATASUM");
  const auto expected = data_text ? number_in(*data_text) : std::nullopt;
  if (expected && !data_sum_.is(*expected)) contradict("DATASUM");
  if (!checksum_text(*hdu_, "CHECKSUM")) {
    if (uncovered_.empty()) uncovered_ = fmt::format("HDU {} has no CHECKSUM", hdus_);
  } else {
    fits::WordSum all = header_sum_;
    all.add(data_sum_);
    if (all.is(0)) {
      ++covered_;
    } else {
      contradict("CHECKSUM");
    }
  }
  if (hdus_ == 0) compare_told();
  ++hdus_;
  hdu_.reset();
}

void FitsCheck::give_up(std::string reason) {
  over_ = true;
  if (uncovered_.empty()) uncovered_ = std::move(reason);
}

Finding FitsCheck::finish() const {
  if (!contradiction_.empty()) return {Proof::contradicted, contradiction_};
  if (!uncovered_.empty()) return {Proof::none, uncovered_};
  if (hdus_ == 0 && !hdu_ && !looks_like_fits(header_)) return {};
  if (hdu_ || !header_.empty() || hdus_ == 0 || position_ != file_size_)
    return {Proof::none, fmt::format("the file ends inside HDU {}", hdus_)};
  return {Proof::fits, fmt::format("CHECKSUM of {} HDU{} fits{}", covered_, covered_ == 1 ? "" : "s",
                                   told_ ? ", and is that of the archive's table" : "")};
}

ContentCheck::ContentCheck(std::uint64_t file_size, std::optional<Digest> digest,
                           std::optional<FitsSums> sums)
    : digest_(std::move(digest)), fits_(file_size, std::move(sums)) {
  if (digest_) stream_.emplace(digest_->kind);
}

void ContentCheck::feed(std::span<const std::byte> bytes) {
  if (stream_) stream_->add(bytes);
  fits_.feed(bytes);
}

ContentCheck::Result ContentCheck::finish(bool digests_are_sure) {
  const Finding fits = fits_.finish();
  const std::string computed = stream_ ? stream_->hex() : "";
  if (computed.empty())
    return {fits.words.empty() ? Finding{Proof::none, "the archive gives no checksum of it"} : fits, false};
  const std::string name = fmt::format("{}{}", digest_->kind == DigestKind::md5 ? "MD5" : "SHA-256",
                                       digest_->certain ? "" : " in the ETag");
  const auto both = [&fits](std::string words) {
    return fits.words.empty() ? words : words + "; " + fits.words;
  };
  if (computed == digest_->hex) return {{Proof::fits, both(name + " fits")}, true};
  if (digest_->certain) return {{Proof::contradicted, both(name + " does not fit")}, false};
  if (fits.proof == Proof::fits) return {{Proof::fits, fits.words + "; the ETag is no MD5 of it"}, false};
  if (fits.proof == Proof::contradicted || digests_are_sure)
    return {{Proof::contradicted, both(name + " does not fit")}, false};
  return {{Proof::none, both("the ETag is not its MD5, nor has any of this archive been yet")}, false};
}

}  // namespace astrofs
