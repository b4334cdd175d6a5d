#include "tests/fs/placeholder_fixture.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "fs/fits_card.h"

namespace astrofs::fake {
namespace {

void add_image_cards(std::vector<std::string>& cards, const Frame& frame, const std::string& kind) {
  cards.push_back(card("XTENSION", "'IMAGE'", "marks the beginning of a new HDU"));
  cards.push_back(card("BITPIX", fmt::to_string(frame.bitpix), "array data type"));
  cards.push_back(card("NAXIS", "2"));
  cards.push_back(card("NAXIS1", fmt::to_string(frame.width), "length of first array dimension"));
  cards.push_back(card("NAXIS2", fmt::to_string(frame.height), "length of second array dimension"));
  cards.push_back(card("PCOUNT", "0"));
  cards.push_back(card("GCOUNT", "1"));
  cards.push_back(card("INHERIT", "T"));
  cards.push_back(card("EXTNAME", fmt::format("'CAMERA.CCD 3.2 {}'", kind), "name of extension"));
  cards.push_back(card("SIMDATA", "F"));
  cards.push_back(card("CAMERA", "3", "Camera number"));
  cards.push_back(card("CCD", "2", "CCD chip number"));
  cards.push_back(card("TSTART", "1410.922486838214"));
  cards.push_back(card("DATE-OBS", "'2018-10-19T10:07:13.679Z'", "TSTART as UTC calendar date"));
  cards.push_back(card("BUNIT", "'electrons/s'"));
  cards.push_back(card("NUM_FRM", "900"));
  for (int i = 0; i < 100; ++i) cards.push_back(card(fmt::format("REGION{}", i), fmt::to_string(i)));
  if (frame.has_pointing) {
    cards.push_back(card("WCSAXES", "2"));
    cards.push_back(card("CTYPE1", "'RA---TAN-SIP'"));
    cards.push_back(card("CTYPE2", "'DEC--TAN-SIP'"));
    for (const char* keyword : {"CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"})
      cards.push_back(card(keyword, "12.5"));
    for (const char* keyword : {"CD1_1", "CD1_2", "CD2_1", "CD2_2"}) cards.push_back(card(keyword, "5.4E-3"));
    for (const char* polynomial : {"A", "B", "AP", "BP"}) {
      cards.push_back(card(fmt::format("{}_ORDER", polynomial), "4"));
      for (const char* term :
           {"2_0", "1_1", "0_2", "3_0", "2_1", "1_2", "0_3", "4_0", "3_1", "2_2", "1_3", "0_4"}) {
        cards.push_back(card(fmt::format("{}_{}", polynomial, term), "1.0E-10"));
      }
    }
  }
  cards.push_back(card("CTYPE1P", "'RAWX'", "physical WCS axis 1 type CCD col"));
  for (const FitsCard& extra : frame.extra) cards.push_back(card(extra.keyword, extra.value, extra.comment));
  cards.push_back(card("CHECKSUM", "'lqImlnFllnFllnFl'", "HDU checksum updated 2018-11-14T18:53:34Z"));
}

}  // namespace

std::string card(const std::string& keyword, const std::string& value, const std::string& comment) {
  return fits::format_card({keyword, value, comment}).value();
}

FrameShape ffi_shape(std::uint64_t width, std::uint64_t height, int bitpix) {
  FrameShape shape;
  shape.hdus.push_back(
      {8, {}, {{"TELESCOP", "'TESS'", "telescope"}, {"DATE-OBS", "'2018-10-19T09:59:39.000Z'", ""}}});
  for (const char* kind : {"cal", "uncert"}) {
    shape.hdus.push_back({bitpix,
                          {width, height},
                          {{"EXTNAME", fmt::format("'CAMERA.CCD 1.1 {}'", kind), ""},
                           {"CAMERA", "1", ""},
                           {"CCD", "1", ""},
                           {"IMAGTYPE", fmt::format("'{}'", kind), "FFI image type"}}});
  }
  return shape;
}

FrameShape observation_shape(std::vector<std::uint64_t> axes, int bitpix, std::vector<FitsCard> row) {
  row.insert(row.begin(), {"EXTNAME", "'observation'", ""});
  FrameShape shape;
  shape.hdus.push_back({});
  shape.hdus.push_back({bitpix, std::move(axes), std::move(row), true});
  return shape;
}

SiblingHeader synthetic_sibling(const Frame& frame) {
  SiblingHeader sibling;
  std::vector<std::string> primary = {
      card("SIMPLE", "T", "conforms to FITS standards"),
      card("BITPIX", "8"),
      card("NAXIS", "0"),
      card("EXTEND", "T"),
      card("NEXTEND", "2"),
      card("EXTNAME", "'PRIMARY'"),
      card("SIMDATA", "F", "file is based on simulated data"),
      card("DATE", "'2018-11-14'"),
      card("TSTART", "1410.917241951712"),
      card("TELESCOP", "'TESS'"),
      card("DATE-OBS", "'2018-10-19T12:59:40.521Z'", "TSTART as UTC calendar date"),
      card("SCCONFIG", "124"),
      card("CHECKSUM", "'5jAA8h7A5hAA5h7A'", "HDU checksum updated 2018-11-14T18:53:34Z")};
  sibling.hdu_cards.push_back(std::move(primary));
  for (std::size_t i = 0; i < frame.images; ++i) {
    add_image_cards(sibling.hdu_cards.emplace_back(), frame, i == 0 ? "cal" : "uncert");
  }
  return sibling;
}

std::optional<SiblingHeader> recorded_sibling() {
  const char* samples = std::getenv("ASTROFS_SAMPLES");
  if (samples == nullptr) return std::nullopt;
  SiblingHeader sibling;
  for (int hdu = 0; hdu < 3; ++hdu) {
    std::ifstream file(
        fmt::format("{}/tess/ffi/tess2018292095940-s0004-1-1-0124-s_ffic.hdu{}.header.bin", samples, hdu),
        std::ios::binary);
    if (!file) return std::nullopt;
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto& cards = sibling.hdu_cards.emplace_back();
    for (std::size_t at = 0; at < text.size(); at += fits::kCardSize)
      cards.push_back(text.substr(at, fits::kCardSize));
  }
  return sibling;
}

std::vector<std::byte> contents(const Placeholder& placeholder) {
  std::vector<std::byte> file(placeholder.size());
  file.resize(placeholder.read(0, file));
  return file;
}

std::vector<ParsedHdu> parse(const std::vector<std::byte>& file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto padded = [](std::uint64_t size) { return (size + kBlock - 1) / kBlock * kBlock; };
  std::vector<ParsedHdu> hdus;
  std::uint64_t at = 0;
  while (at < text.size()) {
    ParsedHdu& hdu = hdus.emplace_back();
    std::uint64_t size = 0;
    const std::uint64_t begin = at;
    std::uint64_t axes = 0;
    for (bool ended = false; !ended && at + fits::kCardSize <= text.size(); at += fits::kCardSize) {
      const std::string_view one = text.substr(at, fits::kCardSize);
      const std::string_view keyword = fits::keyword_of(one);
      const auto number = static_cast<std::uint64_t>(std::abs(fits::integer_value(one).value_or(0)));
      if (keyword == "BITPIX") size = number / 8;
      if (keyword == "NAXIS") axes = number;
      if (keyword.size() > 5 && keyword.starts_with("NAXIS")) size *= number;
      ended = keyword == "END";
      hdu.cards.emplace_back(one);
    }
    hdu.header_size = padded(at - begin);
    hdu.data_at = begin + hdu.header_size;
    at = hdu.data_at + (axes == 0 ? 0 : padded(size));
  }
  return hdus;
}

std::string find(const ParsedHdu& hdu, std::string_view keyword) {
  for (const std::string& one : hdu.cards) {
    if (fits::keyword_of(one) == keyword) return one.substr(0, one.find_last_not_of(' ') + 1);
  }
  return {};
}

}  // namespace astrofs::fake
