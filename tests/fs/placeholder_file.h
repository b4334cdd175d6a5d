// Placeholders written to the disk for the programs that are to read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backends/archive.h"
#include "fs/placeholder.h"
#include "tests/support/fresh_dir.h"

namespace astrofs::fake {

struct Case {
  std::string name;
  FrameShape shape;
  std::optional<SiblingHeader> sibling;
  std::optional<std::uint64_t> size;
};

/// A placeholder in a file of its own directory, which goes with it.
class WrittenCase {
 public:
  explicit WrittenCase(const Case& one);
  [[nodiscard]] std::string directory() const { return directory_.path(); }
  [[nodiscard]] std::string path() const { return directory_.path("frame.fits"); }

 private:
  FreshDir directory_;
};

/// cfitsio finds so many HDUs, and CHECKSUM and DATASUM of each right.
void expect_sums(const std::string& path, int hdus);

struct Finished {
  int status;
  std::string output;  ///< of both streams
};
Finished run(const std::string& command);
/// Is there a program of that name?
bool exists(const std::string& program);
/// A script for the Python that Debian's packages belong to. The script's name of the file is sys.argv[1].
Finished run_python(const std::string& script, const std::string& path);
bool has_python_module(const std::string& name);

}  // namespace astrofs::fake
