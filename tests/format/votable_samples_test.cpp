// Tables of the archives, of astropy, and one table in every serialization that stilts writes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "backends/format/numbers.h"
#include "backends/format/votable.h"
#include "tests/format/samples.h"

namespace astrofs {
namespace {

using Cells = std::vector<std::string>;

struct Kept final : VoTableHandler {
  VoTable seen;
  std::vector<Cells> rows;
  Result<void> table(const VoTable& table) override {
    seen = table;
    return {};
  }
  Result<void> row(VoRow cells) override {
    EXPECT_EQ(cells.size(), seen.fields.size());
    Cells& kept = rows.emplace_back();
    for (const auto& cell : cells) kept.emplace_back(cell.value_or(""));
    return {};
  }
};

/// Lines of a file that quotes with "" and never breaks a line within quotes.
std::vector<Cells> csv_of(const std::filesystem::path& path) {
  const std::string text = testing::content_of(path);
  std::vector<Cells> lines(1, Cells(1));
  bool quoted = false;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      if (quoted && text[at + 1] == '"') {
        lines.back().back() += text[at++];
      } else {
        quoted = !quoted;
      }
    } else if (c == ',' && !quoted) {
      lines.back().emplace_back();
    } else if (c == '\n') {
      lines.emplace_back(1);
    } else if (c != '\r') {
      lines.back().back() += c;
    }
  }
  return lines;
}

/// "(0.0, 1.0)" and "0.0 1.0", "8.41E-19" and "8.41e-19", "Infinity" and "Inf" are the same.
std::string plain(std::string cell, const VoField& field) {
  if (field.type != VoType::float32 && field.type != VoType::float64) return cell;
  std::erase_if(cell, [](char c) { return c == ',' || c == '(' || c == ')' || c == '+'; });
  std::string out;
  for (std::size_t at = 0; at < cell.size();) {
    const auto end = std::min(cell.find(' ', at), cell.size());
    const auto number = number_in<double>(std::string_view(cell).substr(at, end - at));
    out += (out.empty() ? "" : " ") + (number ? fmt::format("{}", *number) : "?");
    at = end + 1;
  }
  return out;
}

class OneTable : public ::testing::TestWithParam<const char*> {};

TEST_P(OneTable, IsTheSameInEverySerialization) {
  NEEDS_SAMPLES();
  const auto folder = *testing::samples() / "vo/stilts_encodings";
  const auto expected = csv_of(folder / "enc.csv");
  Kept kept;
  const auto outcome = read_votable(testing::content_of(folder / GetParam()), kept);
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  ASSERT_EQ(kept.rows.size() + 1, expected.size());
  for (std::size_t column = 0; column < expected[0].size(); ++column) {
    const VoField& field = kept.seen.fields.at(column);
    EXPECT_EQ(field.name, expected[0][column]);
    for (std::size_t row = 0; row < kept.rows.size(); ++row) {
      EXPECT_EQ(plain(kept.rows[row].at(column), field), plain(expected[row + 1].at(column), field))
          << row << " " << expected[0][column];
    }
  }
}
INSTANTIATE_TEST_SUITE_P(VoTable, OneTable,
                         ::testing::Values("enc_tabledata.vot", "enc_binary.vot", "enc_binary2.vot",
                                           "enc_v11_tabledata.vot"));

TEST(VoTableSamples, AstropysSerializationsAgree) {
  NEEDS_SAMPLES();
  const auto folder = *testing::samples() / "vo/stilts_encodings";
  Kept text;
  Kept binary2;
  ASSERT_TRUE(read_votable(testing::content_of(folder / "astropy_tabledata.vot"), text).has_value());
  ASSERT_TRUE(read_votable(testing::content_of(folder / "astropy_binary2.vot"), binary2).has_value());
  ASSERT_EQ(text.rows.size(), binary2.rows.size());
  for (std::size_t row = 0; row < text.rows.size(); ++row) {
    for (std::size_t column = 0; column < text.rows[row].size(); ++column) {
      EXPECT_EQ(plain(text.rows[row][column], text.seen.fields[column]),
                plain(binary2.rows[row][column], text.seen.fields[column]))
          << row << " " << column;
    }
  }
}

/// Every file that is a VOTable by name or content, and some that only look like one.
TEST(VoTableSamples, EachIsReadOrRefusedWithAReason) {
  NEEDS_SAMPLES();
  std::size_t read = 0;
  std::size_t refused = 0;
  std::string broken;
  for (const auto& file : std::filesystem::recursive_directory_iterator(*testing::samples() / "vo")) {
    if (!file.is_regular_file()) continue;
    const std::string content = testing::content_of(file.path());
    Kept kept;
    const auto outcome = read_votable(content, kept);
    const bool is_votable = content.substr(0, 4096).find("VOTABLE") != std::string::npos;
    if (outcome) {
      ++read;
      EXPECT_TRUE(is_votable) << file.path();
      EXPECT_EQ(outcome->rows, kept.rows.size());
      EXPECT_TRUE(outcome->status != VoStatus::error || !outcome->message.empty()) << file.path();
    } else {
      ++refused;
      EXPECT_NE(outcome.error().message, "");
      if (is_votable) broken += file.path().filename().string() + ' ';
    }
  }
  EXPECT_GT(read, 60U);
  EXPECT_GT(refused, 20U);
  RecordProperty("refused_votables", broken);
}

}  // namespace
}  // namespace astrofs
