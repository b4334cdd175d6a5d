// Data sets of HST that nobody has observed: their names, files and bytes follow from a rule, so that every
// part of the stand-in archive says the same of them. Values and pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace astrofs::sim {

struct HstOptions {
  int exposures{0};  ///< of proposal 10775, beside the three data sets below
  int side{32};      ///< pixels of an image
  int hap{1};        ///< advanced products of the association, which lie where no rule says
};

struct HstFile {
  std::string name;
  std::string folder;  ///< "/hst/public/j8pu/j8pu0y010/"; "": not on S3
};

struct HstDataSet {
  std::string name;  ///< in small letters
  int proposal{0};
  bool exclusive{false};
  std::vector<HstFile> files{};
};

/// An association of ACS ("j8pu0y010": drizzled images, advanced products elsewhere on S3, a log that only
/// MAST has), an image of WFPC2 ("u9o40504m") with a file of another data set beside it, one of WFC3 under
/// exclusive access ("ifxe01010", proposal 17301), and the exposures, "j8pu0y00q" and so on.
[[nodiscard]] std::vector<HstDataSet> make_hst(const HstOptions& options);
/// "/hst/public/j8pu/j8pu0y010/"
[[nodiscard]] std::string hst_folder(std::string_view data_set);
/// A primary header and SCI, ERR and DQ; what is no FITS file is text.
[[nodiscard]] std::string hst_file(const std::string& name, int side);

}  // namespace astrofs::sim
