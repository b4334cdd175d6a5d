// The checks of content against files that cfitsio wrote and summed.
#include "fs/content_check.h"

#include <fitsio.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

enum class Sums : std::uint8_t { both, none, datasum_only };

void write_hdus(fitsfile* file, Sums sums, int& status) {
  const auto sum = [&] {
    if (sums != Sums::none) fits_write_chksum(file, &status);
    if (sums == Sums::datasum_only) fits_delete_key(file, "CHECKSUM", &status);
  };
  long axes[] = {61, 47};
  std::vector<float> pixels(61 * 47);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i) * 1.25F - 100;
  fits_create_img(file, BYTE_IMG, 0, nullptr, &status);
  sum();
  fits_create_img(file, FLOAT_IMG, 2, axes, &status);
  fits_write_img(file, TFLOAT, 1, static_cast<LONGLONG>(pixels.size()), pixels.data(), &status);
  sum();
  char column[] = "TIME";
  char form[] = "1D";
  char* columns[] = {column};
  char* forms[] = {form};
  std::vector<double> times(501, 0.1);
  fits_create_tbl(file, BINARY_TBL, 0, 1, columns, forms, nullptr, nullptr, &status);
  fits_write_col(file, TDOUBLE, 1, 1, 1, static_cast<LONGLONG>(times.size()), times.data(), &status);
  sum();
}

/// A primary header, an image and a table.
std::string fits_file(Sums sums) {
  const FreshDir dir;
  const std::string path = dir.path("a.fits");
  int status = 0;
  fitsfile* file = nullptr;
  fits_create_diskfile(&file, path.c_str(), &status);
  write_hdus(file, sums, status);
  fits_close_file(file, &status);
  EXPECT_EQ(status, 0);
  return dir.read("a.fits");
}

/// In pieces of `piece` bytes.
ContentCheck::Result check(const std::string& bytes, std::optional<Digest> digest = {}, bool sure = false,
                           std::size_t piece = 1 << 20) {
  ContentCheck content(bytes.size(), std::move(digest));
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    content.feed(as_bytes(std::string_view(bytes).substr(at, piece)));
  return content.finish(sure);
}

std::string md5_of(const std::string& bytes) {
  StreamDigest md5(DigestKind::md5);
  md5.add(as_bytes(bytes));
  return md5.hex();
}

TEST(ContentCheck, AFileThatCfitsioSummedFitsInPiecesOfAnySize) {
  const std::string file = fits_file(Sums::both);
  for (const std::size_t piece : {1U << 20U, 16384U, 2880U, 1000U, 7U, 1U}) {
    const auto result = check(file, {}, false, piece);
    EXPECT_EQ(result.finding.proof, Proof::fits) << piece << ": " << result.finding.words;
  }
  EXPECT_EQ(check(file).finding.words, "CHECKSUM of 3 HDUs fits");
}

TEST(ContentCheck, WhatTheArchivesTableSaysOfTheFirstHduCounts) {
  const std::string file = fits_file(Sums::both);
  const std::string checksum = file.substr(file.find("CHECKSUM= '") + 11, 16);
  const auto finding = [&file](const FitsSums& told) {
    ContentCheck content(file.size(), std::nullopt, told);
    content.feed(as_bytes(std::string_view(file)));
    return content.finish(false).finding;
  };
  EXPECT_EQ(finding({checksum, "0"}).proof, Proof::fits);
  EXPECT_NE(finding({checksum, "0"}).words.find("archive's table"), std::string::npos);
  EXPECT_EQ(finding({"", "0         "}).proof, Proof::fits);
  EXPECT_EQ(finding({"ABCDEFGHIJKLMNOP", ""}).proof, Proof::contradicted);
  EXPECT_EQ(finding({checksum, "12345"}).proof, Proof::contradicted);
}

TEST(ContentCheck, NoFlippedBitIsEverTakenAsProven) {
  const std::string file = fits_file(Sums::both);
  std::size_t contradicted = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < file.size(); at += 41, ++tried) {
    std::string flipped = file;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    const auto result = check(flipped);
    EXPECT_NE(result.finding.proof, Proof::fits) << "byte " << at;
    contradicted += result.finding.proof == Proof::contradicted ? 1 : 0;
  }
  // What hits the structure or the names of the sums leaves nothing to compare with; the rest is found out.
  EXPECT_GT(contradicted, tried * 9 / 10);
}

TEST(ContentCheck, AContradictionSaysWhereItIs) {
  std::string file = fits_file(Sums::both);
  file[file.size() - 3000] = static_cast<char>(file[file.size() - 3000] ^ 4);
  EXPECT_EQ(check(file).finding.words, "DATASUM of HDU 2 does not fit");
}

TEST(ContentCheck, WithoutChecksumsNothingIsClaimed) {
  EXPECT_EQ(check(fits_file(Sums::none)).finding.proof, Proof::none);
  EXPECT_EQ(check("just text, and no FITS file").finding.proof, Proof::none);
  EXPECT_EQ(check("").finding.proof, Proof::none);
}

TEST(ContentCheck, DatasumAloneLeavesTheHeadersWithoutCover) {
  std::string file = fits_file(Sums::datasum_only);
  EXPECT_EQ(check(file).finding.proof, Proof::none);
  file[file.size() - 3000] = static_cast<char>(file[file.size() - 3000] ^ 4);
  EXPECT_EQ(check(file).finding.proof, Proof::contradicted) << "but what it covers it covers";
}

TEST(ContentCheck, AFileThatEndsEarlyOrGoesOnBehindItsHdusIsNotProven) {
  const std::string file = fits_file(Sums::both);
  EXPECT_EQ(check(file.substr(0, file.size() - 1)).finding.proof, Proof::none);
  EXPECT_EQ(check(file.substr(0, file.size() - 5000)).finding.proof, Proof::none);
  EXPECT_EQ(check(file + "more").finding.proof, Proof::none);
  EXPECT_EQ(check(file + std::string(2880, '\0')).finding.proof, Proof::none);
}

TEST(ContentCheck, ASumThatIsNotComputedYetIsNone) {
  std::string file = fits_file(Sums::both);
  const std::size_t at = file.find("CHECKSUM= '");
  ASSERT_NE(at, std::string::npos);
  std::string zeros = file;
  zeros.replace(at + 11, 16, "0000000000000000");
  EXPECT_EQ(check(zeros).finding.proof, Proof::none);
  std::string blank = file;
  blank.replace(at + 11, 16, "                ");
  EXPECT_EQ(check(blank).finding.proof, Proof::none);
}

/// What cfitsio thinks of a file: 1 every HDU's CHECKSUM is right, -1 one is wrong, 0 neither.
std::optional<int> cfitsio_thinks(const std::string& path) {
  int status = 0;
  fitsfile* file = nullptr;
  if (fits_open_diskfile(&file, path.c_str(), READONLY, &status) != 0) return std::nullopt;
  int hdus = 0;
  int all = 1;
  fits_get_num_hdus(file, &hdus, &status);
  for (int hdu = 1; hdu <= hdus && status == 0; ++hdu) {
    int data = 0;
    int whole = 0;
    fits_movabs_hdu(file, hdu, nullptr, &status);
    fits_verify_chksum(file, &data, &whole, &status);
    if (data < 0 || whole < 0) all = -1;
    if (whole == 0 && all == 1) all = 0;
  }
  int closed = 0;
  fits_close_file(file, &closed);
  return status == 0 ? std::optional(all) : std::nullopt;
}

TEST(ContentCheck, ThinksOfRecordedFilesAsCfitsioDoes) {
  const char* samples = std::getenv("ASTROFS_SAMPLES");
  if (samples == nullptr) GTEST_SKIP() << "ASTROFS_SAMPLES does not name the recorded samples";
  int compared = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(samples)) {
    if (!entry.is_regular_file() || entry.path().extension() != ".fits") continue;
    const auto expected = cfitsio_thinks(entry.path().string());
    if (!expected) continue;  // files that are damaged on purpose
    std::ifstream in(entry.path(), std::ios::binary);
    const auto found = check(std::string((std::istreambuf_iterator<char>(in)), {})).finding;
    // A file that goes on behind its HDUs is whole to cfitsio and not proven to us.
    const int proof = found.proof == Proof::fits ? 1 : found.proof == Proof::contradicted ? -1 : 0;
    if (proof == 0 && *expected == 1) continue;
    EXPECT_EQ(proof, *expected) << entry.path() << ": " << found.words;
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

TEST(ContentCheck, ADigestThatFitsProvesAnyFile) {
  const std::string text = "any bytes at all";
  const auto result = check(text, Digest{DigestKind::md5, md5_of(text), false});
  EXPECT_EQ(result.finding.proof, Proof::fits);
  EXPECT_TRUE(result.digest_fits);
  StreamDigest sha(DigestKind::sha256);
  sha.add(as_bytes(text));
  EXPECT_EQ(check(text, Digest{DigestKind::sha256, sha.hex()}).finding.proof, Proof::fits);
}

TEST(ContentCheck, WhereADigestFitsAChecksumThatDoesNotIsTheArchivesOwn) {
  std::string file = fits_file(Sums::both);
  file[file.size() - 3000] = static_cast<char>(file[file.size() - 3000] ^ 4);
  const auto result = check(file, Digest{DigestKind::md5, md5_of(file), false});
  EXPECT_EQ(result.finding.proof, Proof::fits);
  EXPECT_EQ(result.finding.words, "MD5 in the ETag fits; DATASUM of HDU 2 does not fit");
}

TEST(ContentCheck, AnETagThatIsNoMd5CondemnsNoFileThatItsChecksumsProve) {
  const std::string file = fits_file(Sums::both);
  const Digest other{DigestKind::md5, std::string(32, 'a'), false};
  EXPECT_EQ(check(file, other, true).finding.proof, Proof::fits);
  EXPECT_EQ(check(file, Digest{DigestKind::md5, std::string(32, 'a'), true}).finding.proof,
            Proof::contradicted)
      << "one that is certain does";
}

TEST(ContentCheck, AnUncertainDigestContradictsOnlyWhereOthersHaveFitted) {
  const Digest other{DigestKind::md5, std::string(32, 'a'), false};
  EXPECT_EQ(check("text", other, false).finding.proof, Proof::none);
  EXPECT_EQ(check("text", other, true).finding.proof, Proof::contradicted);
}

}  // namespace
}  // namespace astrofs
