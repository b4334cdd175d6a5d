#include "tests/fs/placeholder_file.h"

#include <fitsio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/fs/placeholder_fixture.h"

namespace astrofs::fake {
namespace {

constexpr const char* kPython = "/usr/bin/python3";  // another one may be first in PATH

}  // namespace

WrittenCase::WrittenCase(const Case& one) {
  const auto placeholder =
      Placeholder::make(one.shape, one.sibling, one.size, MissingCause::denied_by_archive, kFrameName);
  EXPECT_TRUE(placeholder.has_value()) << placeholder.error().message;
  if (!placeholder) return;
  const auto bytes = contents(*placeholder);
  std::ofstream(path(), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void expect_sums(const std::string& path, int hdus) {
  fitsfile* file = nullptr;
  int status = 0;
  ASSERT_EQ(fits_open_diskfile(&file, path.c_str(), READONLY, &status), 0);
  int found = 0;
  fits_get_num_hdus(file, &found, &status);
  EXPECT_EQ(found, hdus);
  for (int i = 1; i <= hdus; ++i) {
    int data_ok = 0;
    int hdu_ok = 0;
    fits_movabs_hdu(file, i, nullptr, &status);
    fits_verify_chksum(file, &data_ok, &hdu_ok, &status);
    EXPECT_EQ(data_ok, 1) << i;
    EXPECT_EQ(hdu_ok, 1) << i;
  }
  EXPECT_EQ(status, 0);
  fits_close_file(file, &status);
}

Finished run(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {-1, "cannot start"};
  char part[4096];
  for (std::size_t n = 0; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) output.append(part, n);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

bool exists(const std::string& program) {
  return run("command -v " + program).status == 0;
}

Finished run_python(const std::string& script, const std::string& path) {
  return run(fmt::format("{} -c '{}' {}", kPython, script, path));
}

bool has_python_module(const std::string& name) {
  return run(fmt::format("{} -c 'import {}'", kPython, name)).status == 0;
}

}  // namespace astrofs::fake
