#include "tests/support/hst_data_set.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>

#include "tests/support/fits_cards.h"

namespace astrofs::sim {
namespace {

constexpr int kProposal = 10775;

HstDataSet of_files(std::string name, int proposal, const std::vector<std::string>& suffixes) {
  HstDataSet set{.name = std::move(name), .proposal = proposal};
  for (const std::string& suffix : suffixes)
    set.files.push_back({set.name + "_" + suffix, hst_folder(set.name)});
  return set;
}

void add_big_endian(std::string& bytes, std::uint32_t value, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8)
    bytes += static_cast<char>(value >> shift & 0xFFU);
}

std::string image_hdu(const std::string& name, const std::string& extension, int side) {
  const bool flags = extension == "DQ";
  CardList cards;
  cards.add_text("XTENSION", "IMAGE", "IMAGE extension");
  cards.add("BITPIX", flags ? "16" : "-32", "number of bits per data pixel");
  cards.add("NAXIS", "2", "number of data axes");
  cards.add("NAXIS1", std::to_string(side), "length of data axis 1");
  cards.add("NAXIS2", std::to_string(side), "length of data axis 2");
  cards.add("PCOUNT", "0", "required keyword; must = 0");
  cards.add("GCOUNT", "1", "required keyword; must = 1");
  cards.add_text("EXTNAME", extension, "extension name");
  cards.add("EXTVER", "1", "extension version number");
  cards.add("INHERIT", "T", "inherit the primary header");
  std::uint32_t seed = 2'166'136'261U;
  for (const char c : name + extension) seed = (seed ^ static_cast<unsigned char>(c)) * 16'777'619U;
  std::string data;
  for (int i = 0; i < side * side; ++i) {
    seed = seed * 1'664'525U + 1'013'904'223U;
    if (flags)
      add_big_endian(data, seed >> 28U, 2);
    else
      add_big_endian(data, std::bit_cast<std::uint32_t>(static_cast<float>(seed >> 16U) / 64), 4);
  }
  data.resize(padded(data.size()));
  return cards.finish(0, word_sum(data)) + data;
}

}  // namespace

std::string hst_folder(std::string_view data_set) {
  return fmt::format("/hst/public/{}/{}/", data_set.substr(0, 4), data_set);
}

std::vector<HstDataSet> make_hst(const HstOptions& options) {
  std::vector<HstDataSet> sets;
  HstDataSet association = of_files("j8pu0y010", kProposal, {"asn.fits", "drc.fits", "drz.fits", "trl.txt"});
  association.files.push_back({"j8pu0y010_log.txt", ""});
  for (int i = 0; i < options.hap; ++i) {
    association.files.push_back({fmt::format("hst_{}_0y_acs_wfc_f606w_j8pu0y{:02}_drc.fits", kProposal, i),
                                 "/hst/public/hap/10775/0y/"});
  }
  sets.push_back(std::move(association));
  HstDataSet image = of_files("u9o40504m", 10360, {"c0m.fits", "c1m.fits", "d0m.fits", "shm.fits"});
  image.files.push_back({"u9o40504j_jif.fits", hst_folder("u9o40504j")});
  sets.push_back(std::move(image));
  HstDataSet exclusive = of_files("ifxe01010", 17301, {"asn.fits", "drz.fits", "spt.fits"});
  exclusive.exclusive = true;
  sets.push_back(std::move(exclusive));
  for (int i = 0; i < options.exposures; ++i) {
    const std::string place = {"0123456789abcdefghijklmnopqrstuvwxyz"[i / 36 % 36],
                               "0123456789abcdefghijklmnopqrstuvwxyz"[i % 36]};
    sets.push_back(of_files("j8pu0y" + place + "q", kProposal, {"flt.fits", "raw.fits", "spt.fits"}));
  }
  return sets;
}

std::string hst_file(const std::string& name, int side) {
  if (!name.ends_with(".fits")) return "a log of " + name + "\n";
  CardList cards;
  cards.add("SIMPLE", "T", "file does conform to FITS standard");
  cards.add("BITPIX", "16", "number of bits per data pixel");
  cards.add("NAXIS", "0", "number of data axes");
  cards.add("EXTEND", "T", "FITS dataset may contain extensions");
  cards.add("NEXTEND", "3", "Number of standard extensions");
  cards.add_text("FILENAME", name, "name of file");
  cards.add_text("TELESCOP", "HST", "telescope used to acquire data");
  cards.add_text("ROOTNAME", name.substr(0, name.rfind('_')), "rootname of the observation set");
  std::string bytes = cards.finish(0, 0);
  for (const char* const extension : {"SCI", "ERR", "DQ"}) bytes += image_hdu(name, extension, side);
  return bytes;
}

}  // namespace astrofs::sim
