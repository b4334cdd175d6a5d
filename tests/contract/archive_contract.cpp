// What every archive promises (backends/archive.h), tried on each of them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "tests/contract/stage.h"

namespace astrofs::contract {
namespace {

using ListAnswer = Result<std::variant<Listing, NotModified>>;

std::string error_text(const ListAnswer& answer) {
  return answer ? "" : answer.error().message;
}

class ArchiveContract : public testing::TestWithParam<StageKind> {
 protected:
  /// A listing that must succeed.
  Listing listing(const std::string& dir) {
    auto answer = stage_->archive().list(dir, "", {});
    EXPECT_TRUE(answer) << "listing \"" << dir << "\": " << error_text(answer);
    if (!answer || !std::holds_alternative<Listing>(*answer)) return {};
    return std::get<Listing>(std::move(*answer));
  }
  static const Entry* named(const Listing& listing, const std::string& name) {
    const auto found = std::find_if(listing.entries.begin(), listing.entries.end(),
                                    [&](const Entry& e) { return e.name == name; });
    return found == listing.entries.end() ? nullptr : &*found;
  }
  /// Locator of the deepest directory, found as a reader would: one listing after the other.
  std::string deepest() {
    std::string dir;
    for (const std::string& name : stage_->path) {
      const Listing above = listing(dir);
      const Entry* entry = named(above, name);
      std::optional<Entry> found;
      if (entry == nullptr && stage_->archive().finds(dir)) {
        found = stage_->archive().find(dir, name, {}).value_or(std::nullopt);
        if (found) entry = &*found;
        // What find() learnt may serve one listing: the tests' own come after it.
        if (found) (void)listing(found->locator);
      }
      EXPECT_NE(entry, nullptr) << name << " is not listed in \"" << dir << "\"";
      if (entry == nullptr) return dir;
      EXPECT_EQ(entry->kind, EntryKind::directory) << name;
      EXPECT_FALSE(entry->locator.empty()) << name;
      dir = entry->locator;
    }
    return dir;
  }
  /// A file with bytes somewhere, not one that the archive makes.
  bool is_fetched(const Entry& entry) {
    return entry.kind == EntryKind::file && !stage_->archive().makes(entry.locator);
  }
  std::unique_ptr<Stage> stage_{GetParam().make()};
};

TEST_P(ArchiveContract, ListsEveryLevelDownToTheFiles) {
  const Listing deep = listing(deepest());
  // A dataset may have directories of its own besides.
  EXPECT_EQ(std::count_if(deep.entries.begin(), deep.entries.end(),
                          [&](const Entry& entry) { return is_fetched(entry); }),
            static_cast<std::ptrdiff_t>(stage_->files.size()));
  for (const auto& [name, bytes] : stage_->files) {
    const Entry* const entry = named(deep, name);
    ASSERT_NE(entry, nullptr) << name;
    EXPECT_EQ(entry->kind, EntryKind::file) << name;
  }
  EXPECT_GT(deep.good_for.count(), 0);
}

TEST_P(ArchiveContract, SaysNotFoundForADirectoryThatIsNotThere) {
  const auto answer = stage_->archive().list(stage_->unknown, "", {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::not_found) << answer.error().message;
}

TEST_P(ArchiveContract, AnswersAKnownTokenWithNotModified) {
  for (const std::string& dir : {std::string(), deepest()}) {
    const Listing first = listing(dir);
    ASSERT_FALSE(first.token.empty()) << dir;
    const auto again = stage_->archive().list(dir, first.token, {});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(std::holds_alternative<NotModified>(*again)) << dir;
  }
}

TEST_P(ArchiveContract, GivesANewListingWhenTheContentHasChanged) {
  const std::string dir = deepest();
  const Listing before = listing(dir);
  stage_->change();
  const auto after = stage_->archive().list(dir, before.token, {});
  ASSERT_TRUE(after) << after.error().message;
  ASSERT_TRUE(std::holds_alternative<Listing>(*after));
  EXPECT_NE(std::get<Listing>(*after).token, before.token);
  const auto said = [](const Listing& listing) {
    std::string all;
    for (const Entry& entry : listing.entries)
      all += fmt::format("{} {} {}\n", entry.name, entry.size.value_or(0), entry.validator);
    return all;
  };
  EXPECT_NE(said(std::get<Listing>(*after)), said(before));
}

TEST_P(ArchiveContract, NamesAreUniqueSingleComponentsEvenWhenTheArchiveIsHostile) {
  const std::string dir = deepest();
  if (!stage_->add_hostile_names()) GTEST_SKIP() << "nobody else writes this archive's names";
  const Listing deep = listing(dir);
  std::set<std::string> seen;
  for (const Entry& entry : deep.entries) {
    EXPECT_FALSE(entry.name.empty());
    EXPECT_EQ(entry.name.find('/'), std::string::npos) << entry.name;
    EXPECT_EQ(entry.name.find('\0'), std::string::npos) << entry.name;
    EXPECT_TRUE(seen.insert(entry.name).second) << entry.name << " is listed twice";
    EXPECT_FALSE(entry.locator.empty()) << entry.name;
  }
  for (const auto& [name, bytes] : stage_->files) EXPECT_TRUE(seen.contains(name)) << name;
}

TEST_P(ArchiveContract, SizesAreThoseOfTheBytes) {
  for (const Entry& entry : listing(deepest()).entries) {
    if (!entry.size || !is_fetched(entry)) continue;
    EXPECT_EQ(*entry.size, stage_->files.at(entry.name).size()) << entry.name;
  }
}

TEST_P(ArchiveContract, EveryMirrorServesTheTruth) {
  HttpStack* const http = stage_->http();
  if (http == nullptr) GTEST_SKIP() << "this archive's bytes are not fetched";
  for (const Entry& entry : listing(deepest()).entries) {
    if (!is_fetched(entry)) continue;
    const std::string& truth = stage_->files.at(entry.name);
    const auto mirrors = stage_->archive().locate(entry.locator);
    ASSERT_TRUE(mirrors) << mirrors.error().message;
    ASSERT_FALSE(mirrors->empty());
    for (const http::Request& mirror : *mirrors) {
      EXPECT_FALSE(mirror.range) << "a mirror is a whole file";
      http::Request head = mirror;
      head.method = http::Method::head;
      const auto size = http->fetcher().fetch({head});
      ASSERT_TRUE(size) << mirror.url << ": " << size.error().message;
      EXPECT_EQ(size->head.content_length(), truth.size()) << mirror.url;
      const auto bytes = http->fetcher().fetch({mirror});
      ASSERT_TRUE(bytes) << mirror.url << ": " << bytes.error().message;
      EXPECT_EQ(bytes->body, truth) << mirror.url;
      const bool gave_validator =
          !entry.validator.empty() && mirror.origin() == stage_->archive().validator_origin();
      if (gave_validator) {
        EXPECT_EQ(bytes->head.header("etag"), entry.validator) << mirror.url;
      }
    }
  }
}

TEST_P(ArchiveContract, AFileThatItMakesIsWhatItsListingSays) {
  for (const Entry& entry : listing(deepest()).entries) {
    if (entry.kind != EntryKind::file || is_fetched(entry)) continue;
    const auto made = stage_->archive().make(entry.locator, {});
    ASSERT_TRUE(made) << made.error().message;
    // Neither is told where making it is dear; it is the same each time all the same.
    EXPECT_EQ(stage_->archive().make(entry.locator, {}).value_or(""), *made) << entry.name;
    if (!entry.size && entry.validator.empty()) continue;
    EXPECT_EQ(entry.size, made->size()) << entry.name;
    EXPECT_EQ(entry.validator, made_version(*made)) << entry.name;
  }
}

TEST_P(ArchiveContract, LocalFilesAreTheTruthToo) {
  if (stage_->http() != nullptr) GTEST_SKIP() << "this archive's bytes are fetched";
  for (const Entry& entry : listing(deepest()).entries) {
    const auto file = stage_->archive().local_file(entry.locator);
    ASSERT_TRUE(file) << entry.locator;
    EXPECT_TRUE(file->path.ends_with("/" + entry.name)) << file->path;
    const auto open = stage_->archive().open_local(entry.locator);
    ASSERT_TRUE(open) << open.error().message;
    EXPECT_EQ(entry.size, static_cast<std::uint64_t>(::lseek(open->get(), 0, SEEK_END)));
  }
}

TEST_P(ArchiveContract, LocatesNothingForALocatorItNeverGave) {
  for (const std::string locator : {"", "../secret", "a/../../secret", "/etc/passwd"}) {
    EXPECT_FALSE(stage_->archive().locate(locator)) << locator;
    EXPECT_FALSE(stage_->archive().local_file(locator)) << locator;
    EXPECT_FALSE(stage_->archive().open_local(locator)) << locator;
  }
}

TEST_P(ArchiveContract, GivesUpWhenToldSoBeforeItBegins) {
  const std::string dir = deepest();
  std::stop_source source;
  source.request_stop();
  const auto answer = stage_->archive().list(dir, "", source.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::interrupted) << answer.error().message;
}

TEST_P(ArchiveContract, GivesUpWhenToldSoWhileTheServerIsSilent) {
  const std::string dir = deepest();
  sim::ArchiveSim* const server = stage_->go_silent();
  if (server == nullptr) GTEST_SKIP() << "this archive asks no server";
  const std::size_t before = server->requests().size();
  std::stop_source source;
  ListAnswer answer;
  std::jthread reader([&] { answer = stage_->archive().list(dir, "", source.get_token()); });
  // Bounded: a request that never comes must not hang the test.
  for (int i = 0; i < 2000 && server->requests().size() == before; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_GT(server->requests().size(), before);
  source.request_stop();
  reader.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::interrupted) << answer.error().message;
}

TEST_P(ArchiveContract, AFailingPageFailsTheWholeListing) {
  const std::string dir = deepest();
  if (!stage_->break_a_page()) GTEST_SKIP() << "this archive's listing is one step";
  const auto answer = stage_->archive().list(dir, "", {});
  ASSERT_FALSE(answer) << "half a listing passed for a whole one";
  EXPECT_EQ(answer.error().code, Errc::unavailable) << answer.error().message;
}

TEST_P(ArchiveContract, FindAndOtherNamesHaveNoMemory) {
  Archive& archive = stage_->archive();
  const std::string dir = deepest();
  for (const std::string name : {"no such name", "", "..", "tess2018292095940-s0004-1-1-0124-s_ffic.fits"}) {
    const auto once = archive.find(dir, name, {});
    const auto twice = archive.find(dir, name, {});
    ASSERT_TRUE(once) << once.error().message;
    ASSERT_TRUE(twice) << twice.error().message;
    EXPECT_EQ(once->has_value(), twice->has_value()) << name;
    const auto names = archive.other_names(name);
    EXPECT_EQ(names, archive.other_names(name));
    EXPECT_THAT(names, testing::Not(testing::Contains(name)));
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Every, ArchiveContract, testing::ValuesIn(stage_kinds()),
                         [](const testing::TestParamInfo<StageKind>& kind) { return kind.param.name; });

}  // namespace
}  // namespace astrofs::contract
