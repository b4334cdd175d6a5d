#include "backends/format/yaml_tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace astrofs {
namespace {

YamlTree tree_of(std::string_view text) {
  auto tree = YamlTree::parse(text);
  EXPECT_TRUE(tree.has_value()) << tree.error().message;
  return tree ? std::move(*tree) : std::move(*YamlTree::parse("broken"));
}

Errc refused(std::string_view text, const YamlLimits& limits = {}) {
  const auto tree = YamlTree::parse(text, limits);
  return tree ? Errc::internal : tree.error().code;
}

TEST(YamlTree, ReadsMappingsSequencesAndScalars) {
  const YamlTree tree =
      tree_of("%YAML 1.1\n---\na: 1\nb: [x, 'it''s', \"\\u00e9\\n\"]\nc:\n- {d: e}\n- null\n...\n");
  const YamlNode root = tree.root();
  ASSERT_TRUE(root.is_mapping());
  EXPECT_EQ(root.size(), 3U);
  EXPECT_EQ(root.key(1).text(), "b");
  EXPECT_EQ(root["a"].integer(), 1);
  EXPECT_EQ(root["b"].at(1).text(), "it's");
  EXPECT_FALSE(root["b"].at(1).is_plain());
  EXPECT_EQ(root["b"].at(2).text(), "\xC3\xA9\n");
  EXPECT_EQ(root["c"].at(0)["d"].text(), "e");
  EXPECT_TRUE(root["c"].at(1).is_null());
}

TEST(YamlTree, GivesAbsentNodesForWhatIsNotThere) {
  const YamlTree tree = tree_of("a: [1]");
  const YamlNode none = tree.root()["b"]["c"].at(7).key(2);
  EXPECT_FALSE(none);
  EXPECT_TRUE(none.is_null());
  EXPECT_FALSE(none.is_plain());
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(none.text(), "");
  EXPECT_EQ(none.tag(), "");
  EXPECT_FALSE(tree.root()["a"].at(1));
}

TEST(YamlTree, ResolvesTagsByTheirPrefix) {
  const YamlTree tree = tree_of(
      "%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\na: !<asdf://x/y-1.0> {}\nb: 1\n...\n");
  EXPECT_EQ(tree.root().tag(), "tag:stsci.edu:asdf/core/asdf-1.1.0");
  EXPECT_EQ(tree.root()["a"].tag(), "asdf://x/y-1.0");
  EXPECT_EQ(tree.root()["b"].tag(), "");
}

TEST(YamlTree, SharesTheNodeThatAnAliasNames) {
  const YamlTree tree = tree_of("a: &id001 {x: 1}\nb: *id001\nc: &id001 2\nd: *id001\n");
  EXPECT_EQ(tree.root()["a"], tree.root()["b"]);
  EXPECT_EQ(tree.root()["d"].integer(), 2);
}

TEST(YamlTree, TellsNumbersAndTruthFromWords) {
  const YamlTree tree =
      tree_of("[1, -7, +3, 1.5e3, .5, -.inf, .nan, true, False, '1', nan, inf, 0x, 12a, '-', '']");
  const auto at = [&](std::size_t i) { return tree.root().at(i); };
  EXPECT_EQ(at(1).integer(), -7);
  EXPECT_EQ(at(2).integer(), 3);
  EXPECT_EQ(at(0).real(), 1.0);
  EXPECT_EQ(at(3).real(), 1500.0);
  EXPECT_FALSE(at(3).integer());
  EXPECT_EQ(at(4).real(), 0.5);
  EXPECT_EQ(at(5).real(), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(at(6).real().value_or(0)));
  EXPECT_EQ(at(7).boolean(), true);
  EXPECT_EQ(at(8).boolean(), false);
  for (std::size_t i = 9; i < 16; ++i) {
    EXPECT_FALSE(at(i).integer()) << i;
    EXPECT_FALSE(at(i).real()) << i;
    EXPECT_FALSE(at(i).boolean()) << i;
    EXPECT_FALSE(at(i).is_null()) << i;
  }
}

TEST(YamlTree, RefusesWhatIsNotYaml) {
  for (const char* text :
       {"", "a: [1", "a: 'x", "{a: b", "a: *b", "- a\n b: c\n- d: [", "&a [*a]", "\"\\q\""}) {
    EXPECT_EQ(refused(text), Errc::corrupt) << text;
  }
}

TEST(YamlTree, RefusesCharactersThatAreNone) {
  for (const char* text :
       {"a: \x01", "a: \x7F", "a: \xC3", "a: \xC1\x81", "a: \xED\xA0\x80", "a: \xF7\xBC\x80\x80", "\xFF\xFE",
        "%YAML 1.1\n%:  \xF7\xBC\n---\na: 1\n", "a: \xEF\xBF\xBF"}) {
    EXPECT_EQ(refused(text), Errc::corrupt) << text;
  }
  EXPECT_EQ(refused(std::string_view("a: \0", 4)), Errc::corrupt);
  EXPECT_EQ(tree_of("a: \xC3\xA9 \xF0\x9F\x98\x80").root()["a"].text(), "\xC3\xA9 \xF0\x9F\x98\x80");
}

TEST(YamlTree, ReadsTextsOfManyEscapesAndLines) {
  std::string written, meant;
  for (int i = 0; i < 300; ++i) {
    written += "x''";
    meant += "x'";
  }
  EXPECT_EQ(tree_of("a: '" + written + "'").root()["a"].text(), meant);
  EXPECT_EQ(tree_of("a: one\n  two\n\n  three\nb: |\n  x\n  y\n").root()["a"].text(), "one two\nthree");
  EXPECT_EQ(tree_of("b: |\n  x\n  y\nc: >\n  x\n  y\n").root()["b"].text(), "x\ny\n");
  EXPECT_EQ(tree_of("b: |\n  x\n  y\nc: >\n  x\n  y\n").root()["c"].text(), "x y\n");
}

TEST(YamlTree, SaysInWhichLineItStopped) {
  const auto tree = YamlTree::parse("a: 1\nb: 2\nc: [1\n");
  ASSERT_FALSE(tree.has_value());
  EXPECT_NE(tree.error().message.find("line 4"), std::string::npos) << tree.error().message;
  const auto bytes = YamlTree::parse("a: 1\nb: \x01\n");
  EXPECT_NE(bytes.error().message.find("line 2"), std::string::npos) << bytes.error().message;
}

TEST(YamlTree, DoesNotExpandABombOfAliases) {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 200; ++i) {
    const std::string n = std::to_string(i), before = std::to_string(i - 1);
    bomb += "a" + n + ": &a" + n + " [*a" + before + ", *a" + before + "]\n";
  }
  EXPECT_EQ(tree_of(bomb).root().size(), 200U);
}

TEST(YamlTree, BoundsDepthNodesKeysTagsAndLength) {
  EXPECT_EQ(refused(std::string(1'000, '[') + std::string(1'000, ']')), Errc::too_large);
  EXPECT_EQ(refused("[1, 2, 3, 4]", {.nodes = 3}), Errc::too_large);
  EXPECT_EQ(refused("a: &a x\nb: [*a, *a, *a, *a]", {.nodes = 7}), Errc::too_large);
  EXPECT_EQ(refused("{a: 1, b: 2, c: 3}", {.keys = 2}), Errc::too_large);
  EXPECT_EQ(refused("[!a x, !b x, !c x]", {.tags = 2}), Errc::too_large);
  EXPECT_EQ(refused("!" + std::string(2'000, 'a') + " x"), Errc::too_large);
  EXPECT_EQ(refused("aaaaaaaaa", {.total = 8}), Errc::too_large);
}

TEST(YamlTree, StaysWhereItIsWhenItIsMoved) {
  YamlTree tree = tree_of("a: b");
  const YamlNode root = tree.root();
  const YamlTree moved = std::move(tree);
  EXPECT_EQ(root["a"].text(), "b");
  EXPECT_EQ(moved.root(), root);
}

}  // namespace
}  // namespace astrofs
