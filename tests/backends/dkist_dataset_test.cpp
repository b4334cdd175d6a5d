// What a DKIST ASDF says, in every version of its tags; made ones here, real ones in dkist_samples_test.
#include "backends/format/dkist_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <random>
#include <thread>

#include "tests/format/asdf_bytes.h"
#include "tests/support/asdf_writer.h"

namespace astrofs {
namespace {

using sim::asdf_table;
using sim::AsdfColumn;
using sim::AsdfWriter;
using testing::AsdfBytes;
using ::testing::ElementsAre;

constexpr std::string_view kOld = "tag:dkist.nso.edu:dkist/", kNew = "asdf://dkist.nso.edu/tags/";

std::string tagged(std::string_view prefix, std::string_view name) {
  return "!<" + std::string(prefix) + std::string(name) + "> ";
}

std::string manager(std::string_view uris,
                    std::string_view tag = "asdf://dkist.nso.edu/tags/file_manager-1.0.0") {
  return "!<" + std::string(tag) + "> {datatype: float32, fileuris: " + std::string(uris) +
         ", shape: [1, 4, 5], target: 1, future: {a: [1]}}";
}

std::vector<std::string> names_of(const DkistDataset& dataset) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < dataset.frame_count(); ++i) names.emplace_back(dataset.frame_name(i));
  return names;
}

/// Keeps its file, as its reads go on.
struct Opened {
  explicit Opened(std::string content)
      : file(std::move(content)), dataset(DkistDataset::open(file.reader(), file.size())) {}
  AsdfBytes file;
  Result<DkistDataset> dataset;
};

Errc refused(std::string_view tree) {
  const Opened opened(AsdfWriter().file(tree));
  return opened.dataset ? Errc::internal : opened.dataset.error().code;
}

TEST(DkistDataset, ReadsFramesInCOrder) {
  const Opened opened(AsdfWriter().file("dataset: " + tagged(kNew, "dataset-1.2.0") + "{data: " +
                                        manager("[[a.fits, b.fits], [c.fits, null], ['d''e.fits', f.fits]]") +
                                        ", meta: {inventory: {datasetId: ABCDE}}}"));
  ASSERT_TRUE(opened.dataset.has_value()) << opened.dataset.error().message;
  const DkistDataset& dataset = *opened.dataset;
  EXPECT_THAT(names_of(dataset), ElementsAre("a.fits", "b.fits", "c.fits", "", "d'e.fits", "f.fits"));
  EXPECT_EQ(dataset.kind(), DkistKind::dataset);
  EXPECT_EQ(dataset.tag(), "asdf://dkist.nso.edu/tags/dataset-1.2.0");
  ASSERT_EQ(dataset.groups().size(), 1U);
  EXPECT_EQ(dataset.groups()[0].datatype, "float32");
  EXPECT_THAT(dataset.groups()[0].shape, ElementsAre(1, 4, 5));
  EXPECT_THAT(dataset.groups()[0].files_shape, ElementsAre(3, 2));
  EXPECT_EQ(std::get<std::uint32_t>(dataset.groups()[0].target), 1U);
  EXPECT_EQ(dataset.inventory("datasetId"), "ABCDE");
  EXPECT_TRUE(dataset.headers().columns().empty());
  EXPECT_TRUE(dataset.headers_problem().empty());
}

TEST(DkistDataset, ASliceThatIsSharedShowsLessAndItsFilesAreWhole) {
  for (const std::string_view slice : {"null", "[0]", "[0, [1, 3, null], [null, null, 2]]"}) {
    const Opened opened(AsdfWriter().file("dataset: " + tagged(kNew, "dataset-1.3.0") +
                                          "{data: !<asdf://dkist.nso.edu/tags/file_manager-1.1.0> {datatype: "
                                          "float32, fileuris: [a.fits, b.fits], shape: [1, 4, 5], target: 1, "
                                          "subslice: " +
                                          std::string(slice) + "}}"));
    ASSERT_TRUE(opened.dataset.has_value()) << slice;
    EXPECT_THAT(names_of(*opened.dataset), ElementsAre("a.fits", "b.fits")) << slice;
    EXPECT_THAT(opened.dataset->groups()[0].shape, ElementsAre(1, 4, 5)) << slice;
  }
}

TEST(DkistDataset, KnowsEveryVersionOfADataset) {
  struct Version {
    std::string_view prefix, dataset, manager;
    bool headers_beside;
  };
  for (const Version& v :
       {Version{kOld, "dataset-0.1.0", "tag:dkist.nso.edu:dkist/array_container-0.2.0", true},
        Version{kOld, "dataset-0.2.0", "tag:dkist.nso.edu:dkist/array_container-0.2.0", true},
        Version{kOld, "dataset-0.3.0", "tag:dkist.nso.edu:dkist/array_container-0.2.0", false},
        Version{kOld, "dataset-0.4.0", "tag:dkist.nso.edu:dkist/array_container-0.2.0", false},
        Version{kNew, "dataset-1.0.0", "asdf://dkist.nso.edu/tags/file_manager-1.0.0", false},
        Version{kNew, "dataset-1.1.0", "asdf://dkist.nso.edu/tags/file_manager-1.0.0", false},
        Version{kNew, "dataset-1.2.0", "asdf://dkist.nso.edu/tags/file_manager-1.0.0", false},
        Version{kNew, "dataset-1.3.0", "asdf://dkist.nso.edu/tags/file_manager-1.1.0", false},
        Version{kNew, "dataset-7.0.0", "asdf://dkist.nso.edu/tags/file_manager-7.0.0", false}}) {
    AsdfWriter writer;
    const std::string table = asdf_table({{"DINDEX3", writer.int64s({1, 2})}});
    const std::string meta = v.headers_beside
                                 ? "headers: " + table + ", meta: {datasetId: ABCDE, x: {y: 1}}"
                                 : "meta: {headers: " + table + ", inventory: {datasetId: ABCDE}}";
    const Opened opened(writer.file("dataset: " + tagged(v.prefix, v.dataset) +
                                    "{data: " + manager("[a.fits, b.fits]", v.manager) + ", " + meta + "}"));
    ASSERT_TRUE(opened.dataset.has_value()) << v.dataset << ": " << opened.dataset.error().message;
    EXPECT_THAT(names_of(*opened.dataset), ElementsAre("a.fits", "b.fits")) << v.dataset;
    EXPECT_EQ(opened.dataset->inventory("datasetId"), "ABCDE") << v.dataset;
    const auto column = opened.dataset->headers().column("DINDEX3");
    ASSERT_TRUE(column.has_value()) << v.dataset << ": " << column.error().message;
    EXPECT_THAT(std::get<0>(column->values), ElementsAre(1, 2)) << v.dataset;
  }
}

TEST(DkistDataset, OnePlainStringIsOneFile) {
  const Opened opened(
      AsdfWriter().file("dataset: " + tagged(kNew, "dataset-1.3.0") + "{data: " + manager("a.fits") + "}"));
  ASSERT_TRUE(opened.dataset.has_value());
  EXPECT_THAT(names_of(*opened.dataset), ElementsAre("a.fits"));
  EXPECT_TRUE(opened.dataset->groups()[0].files_shape.empty());
}

TEST(DkistDataset, ATargetMayBeTheNameOfAnHdu) {
  const Opened opened(AsdfWriter().file("dataset: " + tagged(kNew, "dataset-1.0.0") +
                                        "{data: {fileuris: [a], target: observation}}"));
  ASSERT_TRUE(opened.dataset.has_value());
  EXPECT_EQ(std::get<std::string>(opened.dataset->groups()[0].target), "observation");
}

/// Four tiles, one of them masked, in two rows.
std::string tiles(const std::string& version, const std::vector<std::string>& metas) {
  const auto tile = [&](std::size_t i, const std::string& uris) {
    return tagged(kNew, "dataset-1.2.0") + "{data: " + manager(uris) + ", meta: {" + metas[i] + "}}";
  };
  return "dataset: " + tagged(version.starts_with("0.") ? kOld : kNew, "tiled_dataset-" + version) +
         "{datasets: [[" + tile(0, "[a, b]") + ", null], [" + tile(1, "[c]") + ", " + tile(2, "[d, e]") +
         "]]";
}

TEST(DkistDataset, ReadsTilesWithATableOfTheirOwn) {
  for (const std::string version : {"0.1.0", "1.0.0", "1.1.0", "1.2.0"}) {
    AsdfWriter writer;
    const std::string inventory =
        version < "1.1.0" ? ", inventory: {datasetId: TILES}" : ", meta: {inventory: {datasetId: TILES}}";
    const Opened opened(writer.file(
        tiles(version,
              {"headers: " + asdf_table({{"MINDEX1", writer.int64s({1, 2})}, {"R0", writer.int64s({7, 8})}}),
               "headers: " + asdf_table({{"MINDEX1", writer.int64s({3})}, {"ONLY", writer.texts({"here"})}}),
               "headers: " +
                   asdf_table({{"R0", writer.float64s({0.5, 0.25})}, {"MINDEX1", writer.int64s({4, 5})}})}) +
        inventory + ", mask: " + writer.bools({false, true, false, false}) + "}"));
    ASSERT_TRUE(opened.dataset.has_value()) << opened.dataset.error().message;
    const DkistDataset& dataset = *opened.dataset;
    EXPECT_EQ(dataset.kind(), DkistKind::tiled);
    EXPECT_THAT(names_of(dataset), ElementsAre("a", "b", "c", "d", "e"));
    EXPECT_EQ(dataset.inventory("datasetId"), "TILES");
    ASSERT_EQ(dataset.groups().size(), 3U);
    EXPECT_EQ(&dataset.frames_of(2), &dataset.groups()[1]);
    EXPECT_EQ(&dataset.frames_of(4), &dataset.groups()[2]);
    EXPECT_THAT(std::get<0>(dataset.headers().column("MINDEX1")->values), ElementsAre(1, 2, 3, 4, 5));
    const auto r0 = dataset.headers().column("r0");
    EXPECT_THAT(std::get<1>(r0->values), ElementsAre(7, 8, 0, 0.5, 0.25));
    EXPECT_THAT(r0->missing, ElementsAre(false, false, true, false, false));
    EXPECT_THAT(dataset.headers().column("ONLY")->missing, ElementsAre(true, true, false, true, true));
    const auto row = dataset.headers().row(3);
    ASSERT_EQ(row->size(), 2U);
    EXPECT_EQ(row->at(0).name, "MINDEX1");
    EXPECT_EQ(std::get<std::int64_t>(row->at(0).value), 4);
    EXPECT_EQ(std::get<double>(row->at(1).value), 0.5);
  }
}

TEST(DkistDataset, ReadsTilesThatShareATable) {
  for (const std::string version : {"1.3.0", "1.4.0"}) {
    AsdfWriter writer;
    const std::string table = asdf_table({{"MINDEX1", writer.int64s({40, 50, 10, 20, 30})}});
    const Opened opened(
        writer.file(tiles(version, {"inventory: &id001 {datasetId: TILES}, headers: {offset: 2, size: 2}",
                                    "inventory: *id001, headers: {offset: 4, size: 1}",
                                    "headers: {offset: 0, size: 2}"}) +
                    ", meta: {inventory: *id001, headers: " + table + "}}"));
    ASSERT_TRUE(opened.dataset.has_value()) << opened.dataset.error().message;
    EXPECT_THAT(names_of(*opened.dataset), ElementsAre("a", "b", "c", "d", "e"));
    EXPECT_THAT(std::get<0>(opened.dataset->headers().column("MINDEX1")->values),
                ElementsAre(10, 20, 30, 40, 50));
    EXPECT_EQ(std::get<std::int64_t>(opened.dataset->headers().row(3)->at(0).value), 40);
    EXPECT_EQ(opened.dataset->inventory("datasetId"), "TILES");
  }
}

TEST(DkistDataset, TilesWhoseRowsAreNotTheirsHaveNoHeaders) {
  for (const char* place : {"headers: {offset: 4, size: 2}", "headers: {offset: 0, size: 1}",
                            "headers: {size: 2}", "headers: {offset: -1, size: 2}", "x: 1"}) {
    AsdfWriter writer;
    const std::string table = asdf_table({{"MINDEX1", writer.int64s({1, 2, 3, 4, 5})}});
    const Opened opened(writer.file(
        tiles("1.4.0", {place, "headers: {offset: 2, size: 1}", "headers: {offset: 3, size: 2}"}) +
        ", meta: {headers: " + table + "}}"));
    ASSERT_TRUE(opened.dataset.has_value()) << place;
    EXPECT_FALSE(opened.dataset->headers_problem().empty()) << place;
    EXPECT_THAT(opened.dataset->headers().column("MINDEX1")->missing,
                ElementsAre(true, true, false, false, false))
        << place;
    EXPECT_TRUE(opened.dataset->headers().row(0)->empty()) << place;
  }
}

TEST(DkistDataset, AnInversionIsTheUnionOfItsFiles) {
  AsdfWriter writer;
  const std::string table = asdf_table({{"DATE-AVG", writer.texts({"2022", "2023", "2024"})}});
  const Opened opened(writer.file(
      "inversion: " + tagged(kNew, "inversion-0.1.0") + "\n  fileuris: [a.fits, b.fits]\n  meta: {headers: " +
      table + ", inventory: {datasetId: L2}}\n  quantities: {one: {data: " + manager("[b.fits, c.fits]") +
      "}, two: {data: " + manager("[a.fits]") + "}}\n"));
  ASSERT_TRUE(opened.dataset.has_value()) << opened.dataset.error().message;
  EXPECT_EQ(opened.dataset->kind(), DkistKind::inversion);
  EXPECT_THAT(names_of(*opened.dataset), ElementsAre("a.fits", "b.fits", "c.fits"));
  EXPECT_EQ(opened.dataset->groups()[0].datatype, "float32");
  EXPECT_EQ(opened.dataset->inventory("datasetId"), "L2");
  EXPECT_EQ(std::get<std::string>(opened.dataset->headers().row(2)->at(0).value), "2024");
}

TEST(DkistDataset, ARowHasTheCardsThatAreThere) {
  AsdfWriter writer;
  std::string masked = writer.float64s({0.12, 1e30, 0.09});
  masked.insert(masked.size() - 1, ", mask: " + writer.bools({false, true, false}));
  const std::string table = asdf_table(
      {{"ATMOS_R0", masked},
       {"DATE-AVG", writer.texts({"2022-10-24T19:47:33", "", "x"}, {.big_endian = true, .block = {}})},
       {"AO_LOCK", writer.bools({true, false, true})},
       {"TAZIMUTH", writer.float64s({1.5, 2.5, std::nan("")})},
       {"HISTORY", "[[a], [b], [c]]"},
       {"SHORT", writer.int64s({1})},
       {"WAVE", "[null, 2, 3]"}});
  const Opened opened(writer.file("dataset: " + tagged(kNew, "dataset-1.2.0") +
                                  "{data: " + manager("[a, b, c]") + ", meta: {headers: " + table + "}}"));
  ASSERT_TRUE(opened.dataset.has_value()) << opened.dataset.error().message;
  const DkistHeaders& headers = opened.dataset->headers();
  std::vector<std::string> columns;
  for (const DkistColumn& column : headers.columns()) columns.push_back(column.name);
  EXPECT_THAT(columns, ElementsAre("ATMOS_R0", "DATE-AVG", "AO_LOCK", "TAZIMUTH", "WAVE"));
  const auto cards = [&](std::uint64_t i) {
    std::vector<std::string> names;
    const auto row = headers.row(i);
    for (const HeaderCard& card : *row) names.push_back(card.name);
    return names;
  };
  EXPECT_THAT(cards(0), ElementsAre("ATMOS_R0", "DATE-AVG", "AO_LOCK", "TAZIMUTH"));
  EXPECT_THAT(cards(1), ElementsAre("DATE-AVG", "AO_LOCK", "TAZIMUTH", "WAVE"));
  EXPECT_THAT(cards(2), ElementsAre("ATMOS_R0", "DATE-AVG", "AO_LOCK", "WAVE"));
  EXPECT_TRUE(cards(3).empty());
  EXPECT_TRUE(std::get<bool>(headers.row(0)->at(2).value));
}

TEST(DkistDataset, AnUnknownColumnIsAnErrorThatNamesTheColumns) {
  AsdfWriter writer;
  const std::string table =
      asdf_table({{"ATMOS_R0", writer.float64s({0.1})}, {"DINDEX3", writer.int64s({1})}, {"Mixed", "[2]"}});
  const Opened opened(writer.file("dataset: " + tagged(kNew, "dataset-1.2.0") + "{data: " + manager("[a]") +
                                  ", meta: {headers: " + table + "}}"));
  const auto column = opened.dataset->headers().column("SEEING");
  ASSERT_FALSE(column.has_value());
  EXPECT_EQ(column.error().code, Errc::not_found);
  EXPECT_NE(column.error().message.find("ATMOS_R0 DINDEX3"), std::string::npos);
  EXPECT_TRUE(opened.dataset->headers().column("mixed").has_value());
}

TEST(DkistDataset, ATableOfAnotherLengthIsNotUsed) {
  AsdfWriter writer;
  const std::string table = asdf_table({{"DINDEX3", writer.int64s({1, 2, 3})}});
  const Opened opened(writer.file("dataset: " + tagged(kNew, "dataset-1.2.0") +
                                  "{data: " + manager("[a, b]") + ", meta: {headers: " + table + "}}"));
  ASSERT_TRUE(opened.dataset.has_value());
  EXPECT_EQ(opened.dataset->headers_problem(), "the header table has 3 rows for 2 frames");
  EXPECT_TRUE(opened.dataset->headers().row(0)->empty());
}

TEST(DkistDataset, GivesTheInventoryAsText) {
  const Opened opened(
      AsdfWriter().file("dataset: " + tagged(kNew, "dataset-1.2.0") + "{data: " + manager("[a]") +
                        ", meta: {inventory: {proposals: [pid_1_1, pid_1_2], frameCount: 4000, x: null, "
                        "box: [[1, 2], [3, 4]], hasAllStokes: true, deep: {a: b}}}}"));
  const DkistDataset& dataset = *opened.dataset;
  EXPECT_THAT(dataset.inventory()[0].values, ElementsAre("pid_1_1", "pid_1_2"));
  EXPECT_EQ(dataset.inventory("frameCount"), "4000");
  EXPECT_EQ(dataset.inventory("hasAllStokes"), "true");
  EXPECT_EQ(dataset.inventory("x"), "");
  EXPECT_EQ(dataset.inventory("deep"), "");
}

TEST(DkistDataset, RefusesWhatIsNoDataset) {
  EXPECT_EQ(refused("a: 1"), Errc::corrupt);
  EXPECT_EQ(refused("dataset: word"), Errc::corrupt);
  EXPECT_EQ(refused("dataset: {data: {fileuris: [a]}}"), Errc::unsupported);
  EXPECT_EQ(refused("dataset: !<asdf://sunpy.org/tags/map-1.0.0> {data: {fileuris: [a]}}"),
            Errc::unsupported);
  const std::string tag = "dataset: " + tagged(kNew, "dataset-1.0.0");
  EXPECT_EQ(refused(tag + "{data: {}}"), Errc::corrupt);
  EXPECT_EQ(refused(tag + "{data: {fileuris: []}}"), Errc::corrupt);
  EXPECT_EQ(refused(tag + "{data: {fileuris: [{a: b}]}}"), Errc::corrupt);
  EXPECT_EQ(refused("dataset: " + tagged(kNew, "tiled_dataset-1.4.0") + "{datasets: [[null, null]]}"),
            Errc::corrupt);
}

TEST(DkistDataset, BoundsBombsOfAliases) {
  std::string anchors = "a0: &a0 [x.fits, y.fits]\n", empty = "b0: &b0 []\n";
  for (int i = 1; i < 14; ++i) {
    const std::string n = std::to_string(i), before = std::to_string(i - 1);
    const auto ten = [&](const std::string& name) {
      std::string list = "[*" + name + before;
      for (int k = 1; k < 10; ++k) list += ", *" + name + before;
      return name + n + ": &" + name + n + " " + list + "]\n";
    };
    anchors += ten("a");
    empty += ten("b");
  }
  const std::string tag = "dataset: " + tagged(kNew, "dataset-1.0.0");
  EXPECT_EQ(refused(anchors + tag + "{data: {fileuris: *a13}}"), Errc::too_large);
  EXPECT_EQ(refused(empty + tag + "{data: {fileuris: *b13}}"), Errc::too_large);
  EXPECT_EQ(refused(anchors + "inversion: " + tagged(kNew, "inversion-0.1.0") + "{x: *a13}"),
            Errc::too_large);
  EXPECT_EQ(refused(anchors + "dataset: " + tagged(kNew, "tiled_dataset-1.0.0") + "{datasets: *a13}"),
            Errc::too_large);
}

TEST(DkistDataset, SeveralThreadsMayReadAtOnce) {
  AsdfWriter writer;
  std::vector<AsdfColumn> columns;
  for (std::int64_t c = 0; c < 20; ++c)
    columns.push_back({"COL" + std::to_string(c), writer.int64s({c, c + 100})});
  // An index that is found out in the middle: whoever comes first walks, while others read.
  const std::string content =
      writer.file("dataset: " + tagged(kNew, "dataset-1.2.0") + "{data: " + manager("[a, b]") +
                      ", meta: {headers: " + asdf_table(columns) + "}}",
                  sim::AsdfIndex::middle_wrong);
  const ReadAt read = [&](std::uint64_t offset, std::span<std::byte> into) -> Result<void> {
    std::memcpy(into.data(), content.data() + offset, into.size());
    return {};
  };
  const auto dataset = DkistDataset::open(read, content.size());
  ASSERT_TRUE(dataset.has_value());
  std::atomic<int> right{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 50; ++round) {
        const int c = (t * 7 + round) % 20;
        const auto column = dataset->headers().column("COL" + std::to_string(c));
        const auto row = dataset->headers().row(1);
        if (column && row && row->size() == 20 && column->at(1) == row->at(static_cast<std::size_t>(c)).value)
          ++right;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, 200);
}

/// Random tables come back as they were written: columns, some rows of them, cards.
TEST(DkistDataset, RandomTablesReadAsTheyWereWritten) {
  std::mt19937 random(20221024);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (int round = 0; round < 60; ++round) {
    const std::size_t rows = 1 + below(40);
    AsdfWriter writer;
    std::vector<AsdfColumn> columns;
    std::vector<ColumnValues> written;
    for (std::size_t c = 0; c < 1 + below(6); ++c) {
      ColumnValues values = ColumnValues::nothing(static_cast<ColumnType>(below(4)), rows);
      std::vector<bool> mask(rows);
      for (std::size_t i = 0; i < rows; ++i) mask[i] = below(5) == 0;
      values.missing = mask;
      sim::AsdfColumnForm form;
      form.big_endian = below(2) == 0;
      form.block.packing = static_cast<sim::AsdfPacking>(below(4));
      std::string array;
      switch (values.type()) {
        case ColumnType::integer:
          for (auto& value : std::get<0>(values.values))
            value = static_cast<std::int64_t>(random()) - (1LL << 31);
          array = writer.int64s(std::get<0>(values.values), form);
          break;
        case ColumnType::real:
          for (auto& value : std::get<1>(values.values)) value = static_cast<double>(random()) / 7;
          array = writer.float64s(std::get<1>(values.values), form);
          break;
        case ColumnType::boolean:
          for (std::size_t i = 0; i < rows; ++i) std::get<2>(values.values)[i] = below(2) == 0;
          array = writer.bools(std::get<2>(values.values), form);
          break;
        case ColumnType::text:
          for (auto& value : std::get<3>(values.values))
            value = std::string(below(9), static_cast<char>('a' + below(26)));
          array = writer.texts(std::get<3>(values.values), form);
          break;
      }
      array.insert(array.size() - 1, ", mask: " + writer.bools(mask, form));
      columns.push_back({"COL" + std::to_string(c), array});
      written.push_back(std::move(values));
    }
    std::string uris = "[f0";
    for (std::size_t i = 1; i < rows; ++i) uris += ", f" + std::to_string(i);
    const Opened opened(writer.file("dataset: " + tagged(kNew, "dataset-1.2.0") +
                                        "{data: " + manager(uris + "]") +
                                        ", meta: {headers: " + asdf_table(columns) + "}}",
                                    static_cast<sim::AsdfIndex>(below(5))));
    ASSERT_TRUE(opened.dataset.has_value()) << opened.dataset.error().message;
    const DkistHeaders& headers = opened.dataset->headers();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto read = headers.column(columns[c].name);
      ASSERT_TRUE(read.has_value()) << read.error().message;
      EXPECT_EQ(read->values, written[c].values);
      EXPECT_EQ(read->missing, written[c].missing);
    }
    const std::size_t i = below(rows);
    const auto row = headers.row(i);
    ASSERT_TRUE(row.has_value());
    std::size_t card = 0;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (written[c].missing[i]) continue;
      ASSERT_LT(card, row->size());
      EXPECT_EQ((*row)[card].name, columns[c].name);
      EXPECT_EQ((*row)[card++].value, written[c].at(i));
    }
    EXPECT_EQ(card, row->size());
  }
}

}  // namespace
}  // namespace astrofs
