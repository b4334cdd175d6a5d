#include <gtest/gtest.h>

#include <string>

#include "cache/schema.h"

namespace astrofs {
namespace {

schema::NodeRecord sample_node() {
  schema::NodeRecord node;
  node.id = 0x0102030405060708;
  node.parent = 7;
  node.name = "tess2018.fits";
  node.generation = 3;
  node.size = 35'527'680;
  node.mtime = SysSeconds(seconds(-5));
  node.locator = "s0004/tess2018.fits";
  node.validator = "\"abc-5\"";
  node.missing = true;
  return node;
}

TEST(IndexRecords, KeysSortAsTheirNumbersDo) {
  EXPECT_LT(std::string_view(schema::id_key(255)), std::string_view(schema::id_key(256)));
  EXPECT_LT(std::string_view(schema::child_key(1, "zz")), std::string_view(schema::child_key(2, "a")));
  EXPECT_LT(std::string_view(schema::used_key(9, {})), std::string_view(schema::used_key(10, {})));
  EXPECT_EQ(std::string_view(schema::id_key(0x0102030405060708)), "\x01\x02\x03\x04\x05\x06\x07\x08");
}

TEST(IndexRecords, ANodeIsWrittenByteForByteAsDocumented) {
  schema::NodeRecord node = sample_node();
  const std::string value = schema::encode_node(schema::id_key(node.id), node);
  const std::string expected(
      "\x00\x07\x03\x00\x00\x00"          // file; listed, missing, size known; generation 3
      "\x07\x00\x00\x00\x00\x00\x00\x00"  // parent
      "\x00\x1c\x1e\x02\x00\x00\x00\x00"  // size
      "\xfb\xff\xff\xff\xff\xff\xff\xff"  // mtime -5
      "\x00\x00\x00\x00\x00\x00\x00\x00"  // not unlisted
      "\x0d\x00\x00\x00tess2018.fits"
      "\x13\x00\x00\x00s0004/tess2018.fits"
      "\x07\x00\x00\x00\"abc-5\"",
      38 + 17 + 23 + 11);
  EXPECT_EQ(value.substr(0, value.size() - 8), expected);
}

TEST(IndexRecords, AChunkHoldsSixtyFourHashesAndZeroWhereNothingIs) {
  BlockChunk chunk;
  chunk.present = 0b101;
  chunk.hashes[0] = 11;
  chunk.hashes[1] = 99;  // not present: not stored
  chunk.hashes[2] = 22;
  const schema::Key key = schema::block_key({}, 4);
  const std::string value = schema::encode_block(key, chunk);
  EXPECT_EQ(value.size(), 8U + 64 * 8 + 8);
  BlockChunk back;
  ASSERT_TRUE(schema::decode_block(key, value, back));
  EXPECT_EQ(back.present, 0b101U);
  EXPECT_EQ(back.hashes[0], 11U);
  EXPECT_EQ(back.hashes[1], 0U);
  EXPECT_EQ(back.hashes[2], 22U);
}

TEST(IndexRecords, EveryFieldOfANodeSurvives) {
  const schema::NodeRecord node = sample_node();
  const schema::Key key = schema::id_key(node.id);
  schema::NodeRecord back;
  ASSERT_TRUE(schema::decode_node(key, schema::encode_node(key, node), back));
  EXPECT_EQ(back.id, node.id);
  EXPECT_EQ(back.parent, node.parent);
  EXPECT_EQ(back.name, node.name);
  EXPECT_EQ(back.generation, node.generation);
  EXPECT_EQ(back.size, node.size);
  EXPECT_EQ(back.mtime, node.mtime);
  EXPECT_EQ(back.locator, node.locator);
  EXPECT_EQ(back.validator, node.validator);
  EXPECT_TRUE(back.listed);
  EXPECT_TRUE(back.missing);
}

TEST(IndexRecords, ALayoutSurvivesAndIsNotWrittenWhereThereIsNone) {
  schema::NodeRecord node = sample_node();
  const schema::Key key = schema::id_key(node.id);
  schema::NodeRecord back;
  back.layout = "of another record";
  const std::string plain = schema::encode_node(key, node);
  ASSERT_TRUE(schema::decode_node(key, plain, back));
  EXPECT_EQ(back.layout, "");
  node.layout = "2 0;7 6165i;";
  const std::string known = schema::encode_node(key, node);
  EXPECT_EQ(known.size(), plain.size() + 4 + node.layout.size());
  ASSERT_TRUE(schema::decode_node(key, known, back));
  EXPECT_EQ(back.layout, node.layout);
  EXPECT_EQ(back.validator, node.validator);
}

TEST(IndexRecords, AVerdictSurvivesAndIsNotWrittenWhereThereIsNone) {
  ObjectState object;
  object.size = 9;
  object.etags = "http://a:80 \"x\"\n";
  const schema::Key key = schema::object_key({});
  ObjectState back;
  back.verdict = Verdict::refused;
  back.proof = "of another record";
  const std::string plain = schema::encode_object(key, object);
  ASSERT_TRUE(schema::decode_object(key, plain, back));
  EXPECT_EQ(back.verdict, Verdict::none);
  EXPECT_EQ(back.proof, "");
  object.verdict = Verdict::suspect;
  object.proof = "CHECKSUM of HDU 1 does not fit";
  const std::string judged = schema::encode_object(key, object);
  EXPECT_EQ(judged.size(), plain.size() + 1 + 4 + object.proof.size());
  ASSERT_TRUE(schema::decode_object(key, judged, back));
  EXPECT_EQ(back.verdict, Verdict::suspect);
  EXPECT_EQ(back.proof, object.proof);
  EXPECT_EQ(back.etags, object.etags);
}

TEST(IndexRecords, ASizeThatIsNotKnownIsNotZero) {
  schema::NodeRecord node = sample_node();
  node.size.reset();
  const schema::Key key = schema::id_key(node.id);
  schema::NodeRecord back;
  ASSERT_TRUE(schema::decode_node(key, schema::encode_node(key, node), back));
  EXPECT_EQ(back.size, std::nullopt);
}

TEST(IndexRecords, AnyFlippedBitIsFound) {
  const schema::NodeRecord node = sample_node();
  const schema::Key key = schema::id_key(node.id);
  const std::string value = schema::encode_node(key, node);
  schema::NodeRecord out;
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string flipped = value;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(schema::decode_node(key, flipped, out)) << "bit " << bit;
  }
}

TEST(IndexRecords, ARecordUnderAnotherKeyOrTableIsNotBelieved) {
  const schema::Key one = schema::id_key(1);
  const schema::Key two = schema::id_key(2);
  schema::NodeRecord out;
  EXPECT_FALSE(schema::decode_node(two, schema::encode_node(one, sample_node()), out));
  NodeId id = 0;
  EXPECT_TRUE(schema::decode_pin(one, schema::encode_mark(Table::pin, one), id));
  EXPECT_FALSE(schema::decode_pin(one, schema::encode_mark(Table::used, one), id));
}

TEST(IndexRecords, ACutRecordIsNotBelieved) {
  const schema::Key key = schema::id_key(5);
  ListingState listing;
  listing.token = "page-etag";
  listing.last_error = "no route";
  listing.good_for = seconds(60);
  const std::string value = schema::encode_listing(key, listing);
  ListingState out;
  ASSERT_TRUE(schema::decode_listing(key, value, out));
  EXPECT_EQ(out.token, "page-etag");
  EXPECT_EQ(out.last_error, "no route");
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(schema::decode_listing(key, std::string_view(value).substr(0, size), out)) << size;
  }
}

}  // namespace
}  // namespace astrofs
