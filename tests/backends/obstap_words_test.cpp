// The pure parts of type "obstap": places, queries, names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "backends/datalink.h"
#include "backends/obstap_place.h"
#include "backends/obstap_query.h"
#include "backends/product_name.h"
#include "backends/tap.h"
#include "backends/url.h"
#include "base/file_name.h"
#include "tests/format/samples.h"

namespace astrofs::obstap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ObstapPlace, ALocatorSaysWhereOneIs) {
  Place place;
  EXPECT_EQ(to_locator(place), "");
  EXPECT_EQ(to_place(""), place);
  place.levels = {{"a/b", Kind::text},     {std::nullopt, Kind::text},
                  {"2", Kind::number},     {std::nullopt, Kind::number},
                  {"..", Kind::text},      {"0.1", Kind::single},
                  {"true", Kind::boolean}, {"2014-10-01T09:43:12", Kind::time},
                  {"", Kind::text}};
  EXPECT_EQ(to_place(to_locator(place)), place);
  place.did = "ivo://x/~?p/q.fits";
  EXPECT_EQ(to_place(to_locator(place)), place);
  place.semantics = "preview";
  EXPECT_EQ(to_place(to_locator(place)), place);
  place.file = "q.jpg";
  EXPECT_EQ(to_place(to_locator(place)), place);
  place.key = "p0123456789abcdef";
  EXPECT_EQ(to_place(to_locator(place)), place);
  EXPECT_TRUE(place.is_file());
}

TEST(ObstapPlace, WhatItNeverWroteIsNoLocator) {
  for (const char* const text : {"/",
                                 "x",
                                 "../secret",
                                 "/etc/passwd",
                                 "lA/",
                                 "vM31",
                                 "v1;DROP",
                                 "d",
                                 "fname",
                                 "lA/fname",
                                 "dX/lA",
                                 "dX/fA/sB",
                                 "k1",
                                 "nx",
                                 "dX/dY",
                                 "dX/fA/kx",
                                 "v",
                                 "vnan",
                                 "w",
                                 "w1e99",
                                 "byes",
                                 "t",
                                 "vinf",
                                 "v0x10",
                                 "dX/fA/k0",
                                 "dX/fA/kp0123456789ABCDEF",
                                 "dX/fA/kp0123456789abcdef/kp0123456789abcdef"}) {
    EXPECT_EQ(to_place(text), std::nullopt) << text;
  }
}

TEST(ObstapPlace, NamesOfDirectoriesAreValues) {
  EXPECT_EQ(name_of_value({"a/b", Kind::text}), "a/b");
  EXPECT_EQ(name_of_value({std::nullopt, Kind::text}), "NULL");
  EXPECT_EQ(name_of_value({"", Kind::text}), "NULL");
  EXPECT_EQ(value_of_name("NULL", Kind::number), (Value{std::nullopt, Kind::number}));
  EXPECT_EQ(value_of_name("2", Kind::number), (Value{"2", Kind::number}));
  EXPECT_EQ(value_of_name("two", Kind::number), std::nullopt);
  EXPECT_EQ(value_of_name("1 OR 1=1", Kind::number), std::nullopt);
  EXPECT_EQ(value_of_name("", Kind::text), std::nullopt);
}

TEST(ObstapQuery, ATreeIsColumns) {
  EXPECT_THAT(*parse_tree("{obs_collection}/{target_name}"), ElementsAre("obs_collection", "target_name"));
  for (const char* const text : {"", "obs_id", "{obs_id}/", "{obs_id}x", "{a b}", "{}", "{obs_id}/{obs_id}",
                                 "{1a}", "{a;DROP TABLE x}"}) {
    EXPECT_FALSE(parse_tree(text)) << text;
  }
}

TEST(ObstapQuery, AsksForTheValuesOfALevel) {
  Table table;
  table.levels = {"obs_collection", "calib_level", "obs_id"};
  EXPECT_EQ(values_query(table, {}, {}),
            "SELECT obs_collection, COUNT(*) AS n FROM ivoa.obscore GROUP BY obs_collection ORDER BY "
            "obs_collection");
  table.where = "a=1 OR b=2";
  Place place;
  place.levels = {{"it's", Kind::text}, {std::nullopt, Kind::number}};
  EXPECT_EQ(
      values_query(table, place, Value{"x'y", Kind::text}),
      "SELECT obs_id, COUNT(*) AS n FROM ivoa.obscore WHERE (a=1 OR b=2) AND obs_collection = 'it''s' AND "
      "calib_level IS NULL AND obs_id > 'x''y' GROUP BY obs_id ORDER BY obs_id");
  place.levels = {{std::nullopt, Kind::text}, {"2", Kind::number}};
  EXPECT_THAT(count_query(table, place),
              HasSubstr("(obs_collection IS NULL OR obs_collection = '' OR obs_collection = 'NULL') AND "
                        "calib_level = 2"));
  place.did = "ivo://a?b'c";
  EXPECT_THAT(rows_query(table, place, "last"),
              HasSubstr("obs_publisher_did = 'ivo://a?b''c' AND obs_publisher_did > 'last' ORDER BY"));
}

TEST(ObstapQuery, KnowsTheStandardsColumns) {
  EXPECT_EQ(kind_of_column("Calib_Level"), Kind::number);
  EXPECT_EQ(kind_of_column("target_name"), Kind::text);
  EXPECT_EQ(kind_of_column("proposal_id"), std::nullopt);
  EXPECT_EQ(kind_of_column("t_exptime"), std::nullopt);  // of either precision
}

TEST(ObstapQuery, WritesEachKindOfValueAsItIsCompared) {
  Table table;
  table.levels = {"c"};
  const auto where = [&](Value value) {
    Place place;
    place.levels = {std::move(value)};
    const std::string query = count_query(table, place);
    return query.substr(query.find("WHERE"));
  };
  EXPECT_EQ(where({"2", Kind::number}), "WHERE c = 2");
  EXPECT_EQ(where({"10.25", Kind::number}), "WHERE c = 10.25");
  EXPECT_EQ(where({"0.1234567890123", Kind::number}), "WHERE c = 0.1234567890123");
  // It may be of single precision, whatever the service says of the column.
  EXPECT_EQ(where({"0.1", Kind::number}), "WHERE (c = 0.1 OR c = 0.10000000149011612)");
  EXPECT_THAT(values_query(table, {}, Value{"0.1", Kind::number}),
              HasSubstr("c > 0.10000000149011612 GROUP"));
  EXPECT_EQ(where({"0.1", Kind::single}), "WHERE (c > 0.09999999403953552 AND c < 0.10000000894069672)");
  EXPECT_EQ(where({"0", Kind::single}), "WHERE c = 0");
  EXPECT_EQ(where({"true", Kind::boolean}), "WHERE c = 'true'");
  EXPECT_EQ(where({"2014-10-01T09:43:12", Kind::time}), "WHERE c = '2014-10-01T09:43:12'");
  EXPECT_EQ(where({std::nullopt, Kind::number}), "WHERE c IS NULL");
  EXPECT_THAT(values_query(table, {}, Value{"0.1", Kind::single}),
              HasSubstr("c > 0.10000000149011612 GROUP"));
  VoField field;
  const auto kind = [&](VoType type, const std::string& xtype = "", std::uint64_t count = 1) {
    field.type = type;
    field.xtype = xtype;
    field.count = count;
    return kind_of(field);
  };
  EXPECT_EQ(kind(VoType::character), Kind::text);
  EXPECT_EQ(kind(VoType::character, "adql:TIMESTAMP"), Kind::time);
  EXPECT_EQ(kind(VoType::boolean), Kind::boolean);
  EXPECT_EQ(kind(VoType::float32), Kind::single);
  EXPECT_EQ(kind(VoType::float64), Kind::number);
  EXPECT_EQ(kind(VoType::float64, "", 2), Kind::text);
}

TEST(ProductName, IsInTheAddressWhereThatEndsLikeAFile) {
  using product_name::in_address;
  EXPECT_EQ(in_address("http://h/getproduct/plates/data/GS00700_x.fits"), "GS00700_x.fits");
  EXPECT_EQ(in_address("http://h/a/b%20c.fits.gz?key=1#x"), "b c.fits.gz");
  EXPECT_EQ(in_address("https://h/api/Download/file?uri=mast:HST/product/u9o40504m_c3m.fits"),
            "u9o40504m_c3m.fits");
  EXPECT_EQ(in_address("http://h/get?ID=ivo%3A%2F%2Fx%2F~%3Fplates%2Fp.fits&x=1"), "p.fits");
  EXPECT_EQ(in_address("http://h/a/%2e%2e%2fup.fits"), "up.fits");
  for (const char* const none :
       {"https://dataportal.eso.org/dataPortal/file/ADP.2014-10-01T09:43:12.123",
        "http://h/sync?ID=ivo://x/y", "http://h", "", "http://h/.fits", "http://h/x.y/"}) {
    EXPECT_EQ(in_address(none), "") << none;
  }
}

TEST(ProductName, AnIdentityNeedsNoEnding) {
  using product_name::identity;
  EXPECT_EQ(identity("https://dataportal.eso.org/dataPortal/file/ADP.2014-10-01T09:43:12.123?token=1"),
            "ADP.2014-10-01T09:43:12.123");
  EXPECT_EQ(identity("http://h/a/b%20c.fits.gz?key=1#x"), "b c.fits.gz");
  EXPECT_EQ(identity("http://h/data?id=star"), "data");
  for (const char* const none : {"http://h", "http://h/", "http://h?x=1", ""}) {
    EXPECT_EQ(identity(none), "-") << none;
  }
}

TEST(ProductName, IsMadeOfIdentifiersElse) {
  using product_name::made_of;
  EXPECT_EQ(made_of("o", "ivo://eso.org/ID?ADP.2014-10-01T09:43:12.123", "image/fits"),
            "ADP.2014-10-01T09:43:12.123.fits");
  EXPECT_EQ(made_of("a/b", "", "application/x-tar"), "b.tar");
  EXPECT_EQ(made_of("", "ivo://x/p.fits", "image/fits"), "p.fits");
  EXPECT_EQ(made_of("", "", ""), "data");
}

TEST(ProductName, APreviewIsNotCalledFits) {
  using product_name::of_preview;
  EXPECT_EQ(of_preview("x.jpg", ""), "x.jpg");
  EXPECT_EQ(of_preview("x.fits", ""), "x.fits.preview");
  EXPECT_EQ(of_preview("x.fits.gz", "image/jpeg; q=1"), "x.fits.gz.jpg");
  EXPECT_EQ(of_preview("x.fits", "image/fits"), "x.fits");
  EXPECT_EQ(of_preview("", "image/jpeg"), "");
}

TEST(ProductName, ATagStandsBeforeTheEndings) {
  using product_name::tagged;
  EXPECT_EQ(tagged("a.fits.gz", "12345678"), "a~12345678.fits.gz");
  EXPECT_EQ(tagged("ADP.2014-10", "12345678"), "ADP.2014-10~12345678");
  for (const std::string& part :
       {std::string("x"), std::string("\xC3\xA9"), std::string("\n"), std::string("[")}) {
    std::string name;
    for (int i = 0; i < 400; ++i) name += part;
    const std::string shown = product_name::shortened(name + ".fits", "12345678");
    EXPECT_TRUE(encode_file_name(shown).has_value()) << part;
    EXPECT_TRUE(shown.ends_with("~12345678.fits"));
  }
}

TEST(Datalink, SemanticsAreFolders) {
  using datalink::folder_of;
  EXPECT_EQ(folder_of("#this"), "");
  EXPECT_EQ(folder_of("http://www.ivoa.net/rdf/datalink/core#this"), "");
  EXPECT_EQ(folder_of("#preview-image"), "preview");
  EXPECT_EQ(folder_of("#thumbnail"), "preview");
  EXPECT_EQ(folder_of("#calibration"), "calibration");
  EXPECT_EQ(folder_of("#cutout"), std::nullopt);
  EXPECT_EQ(folder_of(""), "other");
  EXPECT_EQ(folder_of("#../../etc"), "other");
  EXPECT_TRUE(datalink::is_document("application/x-votable+xml;content=datalink"));
  EXPECT_TRUE(datalink::is_document("application/x-votable+xml; Content=Datalink"));
  EXPECT_FALSE(datalink::is_document("application/x-votable+xml"));
}

TEST(Datalink, AddressesAreMadeFitToBeSent) {
  EXPECT_EQ(url::repair("http://h/links?ID=ivo://eso.org/ID?ADP.2014-10-01T09:43:12.123"),
            "http://h/links?ID=ivo://eso.org/ID?ADP.2014-10-01T09:43:12.123");
  EXPECT_EQ(url::repair("http://h/a b?POS=CIRCLE 1 2&x={y}%20\xC3\xA9\n"),
            "http://h/a%20b?POS=CIRCLE%201%202&x=%7By%7D%20%C3%A9%0A");
}

/// Every recorded document has the columns that are taken, and semantics that have a place.
TEST(DatalinkSamples, RecordedDocumentsAreUnderstood) {
  NEEDS_SAMPLES();
  std::map<std::string, std::size_t> shown;
  for (const char* const name :
       {"astroquery/alma/alma-datalink.xml", "astroquery/alma/alma-datalink-recurse-this.xml",
        "datalinker/raw.xml", "datalinker/calexp.xml", "pyvo/datalink/datalink.xml",
        "dachs_exchanges/52_dl_one.xml", "dachs_exchanges/54_dl_bad.xml",
        "dachs_exchanges/57_dl_obscore_plain.xml"}) {
    http::Response response;
    response.head.status = 200;
    response.body = testing::content_of(*testing::samples() / "vo" / name);
    const auto answer = tap::read_answer(Result<http::Response>(std::move(response)));
    ASSERT_TRUE(answer) << name << ": " << answer.error().message;
    const auto semantics = answer->table.column("semantics");
    const auto address = answer->table.column("access_url");
    ASSERT_TRUE(semantics && address) << name;
    for (std::size_t i = 0; i < answer->rows.size(); ++i) {
      if (!answer->text(i, address).empty() && datalink::folder_of(answer->text(i, semantics))) ++shown[name];
      EXPECT_NE(datalink::folder_of(answer->text(i, semantics)), "other") << name << " " << i;
    }
  }
  EXPECT_EQ(shown.size(), 7U);  // 54_dl_bad has a fault and no file
}

}  // namespace
}  // namespace astrofs::obstap
