// Files, scripts and tables of any length for the stand-in archive, made when they are read. Called while the
// tree is filled.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/support/sim_content.h"

namespace astrofs::sim {

/// So many files, by number: their keys, in order, and what each holds.
struct FileRule {
  std::uint64_t count{0};
  std::function<std::string(std::uint64_t)> key;
  std::function<std::string(std::uint64_t)> bytes;
  std::function<std::uint64_t(std::uint64_t)> size;
};
void put_files(ContentTree& tree, FileRule rule);

/// "#!/bin/sh" and so many lines. Lines of one length follow each other but where a sixteenth of them ends.
void put_script(ContentTree& tree, const std::string& path, std::uint64_t count,
                std::function<std::string(std::uint64_t)> line);

/// A text whose size is known before it is made.
void put_table(ContentTree& tree, const std::string& path, std::uint64_t size,
               std::function<std::string()> make);

}  // namespace astrofs::sim
