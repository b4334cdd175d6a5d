#include "base/home.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include "tests/support/changed_variable.h"

namespace astrofs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// What the user database says.
std::string home_of_database() {
  const passwd* const entry = ::getpwuid(::geteuid());
  return entry != nullptr && entry->pw_dir != nullptr ? entry->pw_dir : "";
}

TEST(Home, IsWhatTheEnvironmentSays) {
  const ChangedVariable home("HOME", "/somewhere/else");
  EXPECT_EQ(home_dir(), "/somewhere/else");
}

TEST(Home, WithoutOneInTheEnvironmentIsThatOfTheUserDatabase) {
  for (const std::optional<std::string>& value :
       {std::optional<std::string>(), std::optional<std::string>(""),
        std::optional<std::string>("relative")}) {
    const ChangedVariable home("HOME", value);
    EXPECT_EQ(home_dir(), home_of_database()) << value.value_or("unset");
  }
}

TEST(XdgDir, IsTheVariableWhenThatIsAbsoluteElseBelowHome) {
  const ChangedVariable home("HOME", "/h");
  for (const auto& [value, dir] : std::initializer_list<std::pair<std::optional<std::string>, const char*>>{
           {"/cache", "/cache"}, {"cache", "/h/.cache"}, {"", "/h/.cache"}, {std::nullopt, "/h/.cache"}}) {
    const ChangedVariable variable("XDG_CACHE_HOME", value);
    EXPECT_EQ(xdg_dir("XDG_CACHE_HOME", ".cache"), dir) << value.value_or("unset");
  }
}

TEST(ExpandHome, AnAbsolutePathStaysAsItIs) {
  EXPECT_EQ(expand_home("/a/~/b").value_or("?"), "/a/~/b");
}

TEST(ExpandHome, ATildeIsTheHome) {
  const ChangedVariable home("HOME", "/h");
  EXPECT_EQ(expand_home("~").value_or("?"), "/h");
  EXPECT_EQ(expand_home("~/").value_or("?"), "/h/");
  EXPECT_EQ(expand_home("~/a b").value_or("?"), "/h/a b");
}

TEST(ExpandHome, AllElseIsRefusedWithWhatToWriteInstead) {
  for (const char* path : {"", "a", "./a", "../a", "~other", "~other/a", " /a", "$HOME/a"}) {
    const Result<std::string> expanded = expand_home(path);
    ASSERT_FALSE(expanded) << path;
    EXPECT_EQ(expanded.error().code, Errc::invalid);
    EXPECT_THAT(expanded.error().message,
                AllOf(HasSubstr(path), HasSubstr("absolute path"), HasSubstr("~/")));
  }
}

}  // namespace
}  // namespace astrofs
