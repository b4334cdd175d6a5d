// SSL_CERT_FILE, as a mount and a login read it.
#include "fs/ca_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/changed_variable.h"
#include "tests/support/fresh_dir.h"

namespace astrofs {
namespace {

constexpr const char* kVariable = "SSL_CERT_FILE";

TEST(CaFile, IsTheSystemsUnlessTheEnvironmentNamesOne) {
  for (const std::optional<std::string>& nothing : {std::optional<std::string>(), {""}}) {
    const ChangedVariable variable(kVariable, nothing);
    EXPECT_EQ(ca_file_of_environment(), "");
    EXPECT_TRUE(check_ca_file(""));
  }
}

TEST(CaFile, IsAnAbsolutePathThatCanBeRead) {
  const FreshDir place;
  std::ofstream(place.path("ca.pem")) << "certificates";
  const std::string relative = std::filesystem::relative(place.path("ca.pem")).string();
  const ChangedVariable variable(kVariable, relative);
  const std::string file = ca_file_of_environment();
  EXPECT_TRUE(file.starts_with('/')) << file;
  EXPECT_TRUE(std::filesystem::equivalent(file, place.path("ca.pem")));
  EXPECT_TRUE(check_ca_file(file));
}

TEST(CaFile, OfWhichThereIsNoneIsNamedWithTheVariable) {
  const Result<void> checked = check_ca_file("/nowhere.pem");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::invalid);
  EXPECT_EQ(checked.error().message,
            "SSL_CERT_FILE names /nowhere.pem, which cannot be read: No such file or directory");
}

}  // namespace
}  // namespace astrofs
