// The program that writes HDF5, started as a mount starts it: what it makes, its bounds, and its ends.
#include "fs/converter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "tests/support/fresh_dir.h"
#include "tests/support/hlsp_curve.h"

namespace astrofs {
namespace {

constexpr ConverterLimits kRoomy{256ULL << 20, 64ULL << 20};

class ConverterTest : public ::testing::Test {
 protected:
  ConverterTest() {
    output_ = open_new("out");
    scratch_ = open_new("scratch");
    recipe_.datasets = {{"id", Recipe::Type::i8, Recipe::From::given, "", 0},
                        {"time", Recipe::Type::same, Recipe::From::column, "TIME", 0}};
  }
  UniqueFd open_new(const char* name) const {
    return UniqueFd(::open(directory_.path(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  }
  Result<std::unique_ptr<Converter>> start(ConverterLimits limits = kRoomy,
                                           const std::string& program = ASTROFS_HDF5) const {
    return Converter::start(program, directory_.path("out"), scratch_.get(), recipe_, limits);
  }
  static Bytes curve(std::uint64_t tic, int rows) {
    return Bytes::copy_of(sim::curve_file({.sector = 23, .tic = tic, .rows = rows}));
  }
  static Result<void> add(Converter& converter, std::uint64_t index, const Bytes& bytes) {
    return converter.add({index, bytes.size(), {static_cast<std::int64_t>(index)}}, bytes);
  }
  std::uint64_t output_size() const {
    struct stat status {};
    ::fstat(output_.get(), &status);
    return static_cast<std::uint64_t>(status.st_size);
  }

  const FreshDir directory_;
  UniqueFd output_, scratch_;
  Recipe recipe_;
};

TEST_F(ConverterTest, MakesAFileThatHasNoNameAnyMore) {
  const auto converter = start();
  ASSERT_TRUE(converter) << converter.error().message;
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(add(**converter, i, curve(i + 1, 100)));
  const auto written = (*converter)->finish();
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->parts, 20U);
  EXPECT_EQ(written->rows, 100U);
  EXPECT_GE(written->size, 20U * 100U * 8U);
  EXPECT_EQ(written->size, output_size());
  EXPECT_FALSE(std::filesystem::exists(directory_.path("out")));
}

TEST_F(ConverterTest, TakesPartsFromManyThreads) {
  const auto converter = start();
  ASSERT_TRUE(converter);
  {
    std::vector<std::jthread> readers;
    for (std::uint64_t reader = 0; reader < 4; ++reader) {
      readers.emplace_back([&, reader] {
        for (std::uint64_t i = 0; i < 25; ++i) {
          EXPECT_TRUE(add(**converter, reader + 4 * i, curve(reader + 1, 50)));
        }
      });
    }
  }
  EXPECT_EQ((*converter)->finish()->parts, 100U);
}

TEST_F(ConverterTest, ItsMemoryIsABound) {
#ifdef ASTROFS_SANITIZED
  GTEST_SKIP() << "a sanitizer's shadow is larger than any bound";
#endif
  const auto converter = start({64ULL << 20, 64ULL << 20});
  ASSERT_TRUE(converter) << converter.error().message;
  const Bytes large(Buffer(std::size_t{60} << 20));
  (void)add(**converter, 0, large);  // it may have ended before all of it was taken
  const auto written = (*converter)->finish();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::too_large);
  EXPECT_EQ(written.error().message, "it would take more than 64 MiB of memory");
}

TEST_F(ConverterTest, ThousandsOfCurvesTakeNoMoreMemoryThanOne) {
  const auto converter = start({512ULL << 20, 512ULL << 20});
  ASSERT_TRUE(converter);
  const Bytes one = curve(1, 1300);
  for (std::uint64_t i = 0; i < 3000; ++i) ASSERT_TRUE(add(**converter, i, one));
  const auto written = (*converter)->finish();
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_GT(written->size, 29U << 20);
#ifndef ASTROFS_SANITIZED
  EXPECT_LT(written->peak_kib, 24U << 10) << "a file of 30 MiB, of 240 MiB of curves";
#endif
}

TEST_F(ConverterTest, TheSizeOfItsFilesIsABound) {
  const auto converter = start({256ULL << 20, 100'000});
  ASSERT_TRUE(converter);
  for (std::uint64_t i = 0; i < 200; ++i) {
    if (!add(**converter, i, curve(i + 1, 100))) break;
  }
  const auto written = (*converter)->finish();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::too_large) << written.error().message;
  EXPECT_EQ(written.error().message, "more than the cache has room for beside its other files");
}

TEST_F(ConverterTest, ACurveThatIsNoneIsNamedAndNothingIsWritten) {
  const auto converter = start();
  ASSERT_TRUE(converter);
  ASSERT_TRUE(add(**converter, 0, curve(1, 10)));
  (void)add(**converter, 1, Bytes::copy_of("<html>no</html>"));
  const auto written = (*converter)->finish();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::corrupt);
  EXPECT_TRUE(written.error().message.starts_with("part 1: ")) << written.error().message;
  EXPECT_EQ(output_size(), 0U);
}

TEST_F(ConverterTest, WhatKillsItIsAnError) {
  const auto converter = start();
  ASSERT_TRUE(converter);
  (*converter)->stop();
  const auto written = (*converter)->finish();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::unavailable);
  EXPECT_EQ(written.error().message, "the program that writes HDF5 was killed by signal 9");
  (*converter)->stop();  // it is no process any more: nobody is killed
}

TEST_F(ConverterTest, ItEndsWithItsOwner) {
  pid_t pid = 0;
  {
    const auto converter = start();
    ASSERT_TRUE(converter);
    pid = (*converter)->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ConverterTest, AProgramThatIsNotThereOrAnotherIsAnError) {
  const auto nothing = start(kRoomy, "/nonexistent/astrofs-hdf5");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Errc::unavailable);
  const auto other = start(kRoomy, "/bin/false");
  const auto error = other ? (*other)->finish().error() : other.error();
  EXPECT_EQ(error.code, Errc::unavailable) << error.message;
}

TEST_F(ConverterTest, OfTheMountsDescriptorsItHasNoneButItsOwn) {
  // As libraries open files: it outlives an exec. Beyond the numbers that the program's own are moved to.
  const UniqueFd kept(::fcntl(open_new("kept").get(), F_DUPFD, 100));
  const std::string program = directory_.path("program");
  std::ofstream(program) << "#!/bin/sh\nread line; /bin/ls -l /proc/$$/fd >" << directory_.path("seen")
                         << '\n';
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto converter = start(kRoomy, program);
  ASSERT_TRUE(converter) << converter.error().message;
  EXPECT_FALSE((*converter)->finish()) << "it says nothing";
  std::ifstream seen(directory_.path("seen"));
  const std::string listed(std::istreambuf_iterator<char>(seen), {});
  EXPECT_NE(listed.find(" 3 -> " + directory_.path("scratch")), std::string::npos) << listed;
  EXPECT_EQ(listed.find(directory_.path("kept")), std::string::npos) << listed;
}

TEST_F(ConverterTest, ItsEndIsHeardWhileNobodyFeedsIt) {
  const UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  const auto converter = start();
  ASSERT_TRUE(converter);
  {
    const std::jthread killer([&] { ::kill((*converter)->pid(), SIGKILL); });
    EXPECT_TRUE((*converter)->ends_before(done.get()));
  }
  EXPECT_NE((*converter)->early_end().message.find("killed by signal 9"), std::string::npos);
  ::eventfd_write(done.get(), 1);
  EXPECT_FALSE((*start())->ends_before(done.get())) << "the parts were all read first";
}

}  // namespace
}  // namespace astrofs
