#include "fs/recipe_text.h"

#include <gtest/gtest.h>

namespace astrofs {
namespace {

TEST(RecipeText, SaysARecipeAndReadsItBack) {
  Recipe recipe;
  recipe.single = true;
  recipe.datasets = {{"object_id", Recipe::Type::i8, Recipe::From::given, "", 1},
                     {"time", Recipe::Type::same, Recipe::From::column, "TIME", 0},
                     {"RA", Recipe::Type::f8, Recipe::From::card, "RA_OBJ", 0}};
  const auto text = recipe_head(recipe);
  ASSERT_TRUE(text);
  ASSERT_TRUE(text->ends_with("\n\n"));
  const auto read = parse_recipe_head(std::string_view(*text).substr(0, text->size() - 1));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->single);
  ASSERT_EQ(read->datasets.size(), 3U);
  EXPECT_EQ(read->datasets[0].given, 1U);
  EXPECT_EQ(read->datasets[0].type, Recipe::Type::i8);
  EXPECT_EQ(read->datasets[1].key, "TIME");
  EXPECT_EQ(read->datasets[2].from, Recipe::From::card);
}

TEST(RecipeText, RefusesNamesThatWouldBeTwoLines) {
  for (const std::string name : {"", "a b", "a\nend"}) {
    Recipe recipe;
    recipe.datasets = {{name, Recipe::Type::same, Recipe::From::column, "TIME", 0}};
    EXPECT_FALSE(recipe_head(recipe)) << name;
    recipe.datasets = {{"time", Recipe::Type::same, Recipe::From::column, name, 0}};
    EXPECT_FALSE(recipe_head(recipe)) << name;
  }
  for (const char* const text :
       {"", "astrofs-hdf5 2\n", "astrofs-hdf5 1\n", "astrofs-hdf5 1\ndataset a f8 column\n",
        "astrofs-hdf5 1\ndataset a f9 column X\n", "dataset a f8 column X\n",
        "astrofs-hdf5 1\ndataset a i8 given x\n"})
    EXPECT_FALSE(parse_recipe_head(text)) << text;
}

TEST(RecipeText, APartIsALine) {
  const std::string line = part_line({7, 57'600, {-3, 6399196263939178880}});
  EXPECT_EQ(line, "part 7 57600 -3 6399196263939178880\n");
  const auto part = parse_part_line(std::string_view(line).substr(0, line.size() - 1));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->index, 7U);
  EXPECT_EQ(part->given.at(1), 6399196263939178880);
  for (const char* const bad :
       {"", "part", "part 1", "part 1 -2", "part 1 2 x", "end", "part 99999999999999999999 1"})
    EXPECT_FALSE(parse_part_line(bad)) << bad;
}

TEST(RecipeText, AnswersWithAFileOrACause) {
  const auto done = parse_answer_line("done 800 2 200 9000");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->rows, 200U);
  const auto line = answer_line(fail(Errc::no_space, "no\nroom left"));
  EXPECT_EQ(line, "failed no_space no\\nroom left\n");
  const auto failed = parse_answer_line(std::string_view(line).substr(0, line.size() - 1));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::no_space);
  EXPECT_EQ(failed.error().message, "no\\nroom left");
  EXPECT_EQ(parse_answer_line("Segmentation fault").error().code, Errc::internal);
}

}  // namespace
}  // namespace astrofs
