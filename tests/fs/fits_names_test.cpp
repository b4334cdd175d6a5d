// Shown names in the eyes of cfitsio: a path made of them opens the file of that name, and does nothing else.
#include <fitsio.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/file_name.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

namespace files = std::filesystem;

/// A FITS file of one header that says which file it is.
std::string fits_saying(const std::string& object) {
  std::string text;
  for (const std::string& card :
       {fmt::format("{:<8}= {:>20}", "SIMPLE", "T"), fmt::format("{:<8}= {:>20}", "BITPIX", 8),
        fmt::format("{:<8}= {:>20}", "NAXIS", 0), fmt::format("{:<8}= '{:<8}'", "OBJECT", object),
        std::string("END")}) {
    text += fmt::format("{:<80}", card);
  }
  text.resize(2880, ' ');
  return text;
}

/// A directory of its own, which goes with it, and is the working directory while it lives.
class Workplace {
 public:
  Workplace() : before_(files::current_path()) { files::current_path(top_); }
  ~Workplace() { files::current_path(before_); }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  [[nodiscard]] const files::path& top() const { return top_; }
  [[nodiscard]] std::set<std::string> everything() const {
    std::set<std::string> paths;
    for (const auto& entry : files::recursive_directory_iterator(top_)) paths.insert(entry.path().string());
    return paths;
  }

 private:
  const files::path before_;
  const FreshDir place_;
  const files::path top_ = place_.path();
};

void write(const files::path& path, const std::string& object) {
  std::ofstream(path, std::ios::binary) << fits_saying(object);
}

/// What the file that cfitsio opens says it is; "error N" when it opens none, "HDU" when it goes elsewhere.
std::string opened(const std::string& path) {
  int status = 0;
  fitsfile* file = nullptr;
  if (fits_open_file(&file, path.c_str(), READONLY, &status) != 0) return fmt::format("error {}", status);
  char object[FLEN_VALUE] = {};
  int hdu = 0;
  fits_get_hdu_num(file, &hdu);
  fits_read_key(file, TSTRING, "OBJECT", object, nullptr, &status);
  int closed = 0;
  fits_close_file(file, &closed);
  return hdu == 1 && status == 0 ? object : "HDU";
}

/// Opens `raw` by its shown name: with its path, and alone in its directory. Beside it lie the files that a
/// tool would take instead. Empty: all is well.
std::string mistake_with(const std::string& raw_dir, const std::string& raw) {
  const auto shown_dir = encode_file_name(raw_dir);
  const auto shown = encode_file_name(raw);
  if (!shown_dir || !shown) return "";
  const Workplace place;
  const files::path dir = place.top() / *shown_dir;
  files::create_directory(dir);
  for (const char* bait : {"a", "b", "a.fits", "out.fits"}) {
    write(place.top() / bait, "bait");
    write(dir / bait, "bait");
  }
  write(dir / *shown, "right");
  const auto before = place.everything();
  const std::string by_path = opened((dir / *shown).string());
  files::current_path(dir);
  const std::string alone = opened(*shown);
  if (by_path != "right") return fmt::format("by its path '{}' opens {}", (dir / *shown).string(), by_path);
  if (alone != "right") return fmt::format("alone '{}' opens {}", *shown, alone);
  return place.everything() == before ? "" : fmt::format("'{}' made or removed files", *shown);
}

TEST(FitsNames, EveryDifficultNameOpensAsTheVeryFile) {
  for (const std::string raw : {"a[1]",
                                "a.fits[1]",
                                "a[",
                                "[a]",
                                "a[b]c.fits",
                                ":[a]b",
                                "a.fits(out.fits)",
                                "a(mem:)",
                                "a()",
                                "(",
                                ")",
                                "a((b)c.fits",
                                "a)(b",
                                "frame (1).fits",
                                "a(1) (2).fits",
                                "a.fits+1",
                                "a.fits+",
                                "a+12345",
                                "a+123456",
                                "a+1+2",
                                "+1",
                                "!a.fits",
                                "~",
                                "~nobody-of-that-name",
                                " a",
                                "a ",
                                "a+1 ",
                                "-",
                                "- a",
                                "-(a)b",
                                "-55.fits",
                                "stdin",
                                "STDIN.fits",
                                "stdout",
                                "mem:a",
                                "shmem:h1",
                                "file:a",
                                "ftp:a",
                                "http:a",
                                "gsiftp:a",
                                "{a,b}",
                                "a;b",
                                "a|b",
                                "|a",
                                ";a",
                                "a|",
                                "a;",
                                "@a",
                                "a#1",
                                "a*",
                                "a?",
                                "a%2B1",
                                "$HOME",
                                "a\\[1]"}) {
    EXPECT_EQ(mistake_with("night", raw), "") << raw;
    EXPECT_EQ(mistake_with(raw, "b.fits"), "") << "directory " << raw;
  }
}

TEST(FitsNames, WithoutTheEscapesCfitsioDoesOtherThings) {
  const Workplace place;
  for (const char* name : {"a[1]", "a(out)", "a+1", "a(", "a+"}) write(place.top() / name, "right");
  write(place.top() / "a", "bait");
  for (const char* name : {"a[1]", "a(out)", "a+1", "a(", "a+"}) {
    EXPECT_NE(opened((place.top() / name).string()), "right") << name;
  }
  EXPECT_TRUE(files::exists(place.top() / "out")) << "a name that makes a file";
}

RC_GTEST_PROP(FitsNames, NoNameOfTroublesomeLettersMisleadsCfitsio, ()) {
  const auto name = rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("[](){}+!;|~-:@# 012ab.%"))));
  const std::string dir = *name;
  const std::string raw = *name;
  RC_PRE(dir.size() < 80U && raw.size() < 80U);
  RC_ASSERT(mistake_with(dir, raw) == "");
}

}  // namespace
}  // namespace astrofs
