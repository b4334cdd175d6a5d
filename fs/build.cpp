#include "fs/build.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "backends/format/numbers.h"
#include "base/executor.h"
#include "base/hash.h"
#include "base/pause.h"
#include "fs/inode.h"
#include "fs/waiting.h"

namespace astrofs {
namespace {

/// Raise when the same parts make other bytes than before.
constexpr std::string_view kFormat = "1";
/// Files in the folder of the cache that are to be made. What has a name is empty: libhdf5 wants one to
/// begin.
constexpr std::string_view kBuilding = "building-";
/// What a part's values take in the scratch file and in the file that is made is less than the part.
constexpr std::uint64_t kTimesOnDisk = 2;
/// Room that is being made is there after some commits; where nothing may go, there is none after this.
constexpr std::chrono::seconds kRoomPatience{5};
constexpr std::chrono::milliseconds kRoomLook{50};
/// A part that another version replaces while it is read is read again: once or twice in a build that takes
/// minutes, not for ever.
constexpr unsigned kVersionTries = 3;

/// Takes a file's name away, where nobody has done so.
struct Nameless {
  const std::string& name;
  ~Nameless() { ::unlink(name.c_str()); }
};

}  // namespace

void remove_unfinished(const std::string& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error); !error && entry != end(entry);
       entry.increment(error)) {
    const std::filesystem::path path = entry->path();
    if (path.filename().string().starts_with(kBuilding)) ::unlink(path.c_str());
  }
}

Result<void> Loan::grow(std::uint64_t bytes, const std::stop_token& stop) {
  const auto until = std::chrono::steady_clock::now() + kRoomPatience;
  while (!cache_->lend(bytes)) {
    if (std::chrono::steady_clock::now() > until)
      return fail(Errc::no_space,
                  "there is no room for it, by cache_size= or on the cache's disk: evict something");
    if (!pause(kRoomLook, stop)) return fail(Errc::interrupted, "the mount is ending");
  }
  const MutexLock lock(mutex_);
  bytes_ += bytes;
  return {};
}

void Loan::shrink(std::uint64_t to) {
  std::uint64_t back = 0;
  {
    const MutexLock lock(mutex_);
    if (bytes_ <= to) return;
    back = bytes_ - to;
    bytes_ = to;
  }
  cache_->give_back(back);
}

std::string built_version(const Recipe& recipe, const std::vector<std::uint64_t>& versions) {
  std::string of = std::string(kFormat) + recipe_head(recipe).value_or("");
  std::size_t lost = 0;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (versions[i] == 0) ++lost;
    of += fmt::format("{}:", versions[i]);
    for (const std::int64_t given : recipe.parts[i].given) of += fmt::format("{},", given);
  }
  return fmt::format("built:{};parts={};lost={}", to_hex(sha256_prefix({of})), versions.size() - lost, lost);
}

std::optional<BuiltCounts> built_counts(std::string_view validator) {
  constexpr std::string_view kParts = ";parts=";
  constexpr std::string_view kLost = ";lost=";
  const std::size_t parts = validator.find(kParts);
  const std::size_t lost = validator.find(kLost);
  if (!validator.starts_with("built:") || parts == std::string_view::npos || lost < parts ||
      lost == std::string_view::npos)
    return std::nullopt;
  const std::size_t from = parts + kParts.size();
  const auto in_it = number_in<std::uint64_t>(validator.substr(from, lost - from));
  const auto gone = number_in<std::uint64_t>(validator.substr(lost + kLost.size()));
  if (!in_it || !gone) return std::nullopt;
  return BuiltCounts{*in_it, *gone};
}

BuildProgress Build::progress() const {
  const auto words = [](State state) -> std::string_view {
    switch (state) {
      case State::waiting:
        return "waits for its turn";
      case State::planning:
        return "looks for its parts";
      case State::reading:
        return "reads its parts";
      case State::writing:
        break;
    }
    return "is being written";
  };
  return {words(state_), parts_, done_, lost_, bytes_};
}

void Build::stop() {
  give_up({Errc::interrupted, "the mount is ending"});
}

void Build::give_up(Error error) {
  {
    const MutexLock lock(mutex_);
    if (!error_) error_ = std::move(error);
    if (converter_) converter_->stop();
  }
  stop_.request_stop();
}

Result<void> Build::outcome() const {
  const MutexLock lock(mutex_);
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

Result<std::pair<UniqueFd, std::string>> Build::new_file() const {
  std::string name = fmt::format("{}/{}XXXXXX", means_.folder, kBuilding);
  UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) return tl::unexpected<Error>(system_error(errno, name));
  return std::pair(std::move(file), std::move(name));
}

Result<void> Build::start(const Recipe& recipe, const std::string& output) {
  const auto scratch = new_file();
  if (!scratch) return tl::unexpected<Error>(scratch.error());
  ::unlink(scratch->second.c_str());
  auto converter = Converter::start(means_.program, output, scratch->first.get(), recipe, means_.limits);
  if (!converter) return tl::unexpected<Error>(converter.error());
  const MutexLock lock(mutex_);
  converter_ = std::move(*converter);
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

Result<BuiltFile> Build::run() {
  state_ = State::planning;
  const Result<Recipe> recipe = archive_.archive->recipe(locator_, stop_.get_token());
  if (!recipe) return tl::unexpected<Error>(recipe.error());
  versions_.assign(recipe->parts.size(), 0);
  parts_ = recipe->parts.size();
  auto output = new_file();
  if (!output) return tl::unexpected<Error>(output.error());
  const Nameless nameless{output->second};
  auto loan = std::make_unique<Loan>(means_.cache);
  if (Result<void> started = start(*recipe, output->second); !started)
    return tl::unexpected<Error>(started.error());
  state_ = State::reading;
  if (Result<void> read = read_all(*recipe, *loan); !read) return tl::unexpected<Error>(read.error());
  if (done_ == lost_)
    return fail(Errc::not_found, "the archive has none of the " + std::to_string(parts_) + " light curves");
  state_ = State::writing;
  const Result<WrittenFile> written = converter().finish();
  // Who was stopped need not hear what its program died of.
  if (Result<void> ended = outcome(); !ended) return tl::unexpected<Error>(ended.error());
  if (!written) return tl::unexpected<Error>(written.error());
  loan->shrink(written->size);
  return BuiltFile{std::move(output->first), written->size, built_version(*recipe, versions_),
                   std::move(loan), written->peak_kib};
}

Converter& Build::converter() const {
  const MutexLock lock(mutex_);
  return *converter_;
}

Result<void> Build::read_all(const Recipe& recipe, Loan& loan) {
  const UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return tl::unexpected<Error>(system_error(errno, "eventfd"));
  const auto count = std::min<std::size_t>(means_.readers, recipe.parts.size());
  std::atomic<std::size_t> reading{count};
  {
    const auto leave = [&](std::size_t how_many) {
      if ((reading -= how_many) == 0) (void)::eventfd_write(done.get(), 1);
    };
    std::vector<std::jthread> readers;
    try {
      while (readers.size() < count) {
        readers.emplace_back([&] {
          name_this_thread("build-read");
          read_parts(recipe, loan);
          leave(1);
        });
      }
    } catch (const std::system_error& error) {
      // The process has as many threads as it may: fewer readers take longer.
      if (readers.empty())
        give_up({Errc::unavailable, "no thread reads its parts: " + error.code().message()});
      leave(count - readers.size());
    }
    // Parts may take long: that their program is gone is not heard with the next one only.
    if (!readers.empty() && converter().ends_before(done.get())) give_up(converter().early_end());
  }
  return outcome();
}

void Build::read_parts(const Recipe& recipe, Loan& loan) {
  for (std::size_t i = next_++; i < recipe.parts.size(); i = next_++) {
    if (!outcome()) return;
    if (Result<void> read = read_part(recipe.parts[i], i, loan); !read) return give_up(read.error());
    ++done_;
  }
}

Result<std::optional<Node>> Build::node_of(const Recipe::Part& part) const {
  std::optional<Error> unknown;
  for (const std::string& path : part.any_of) {
    Result<Node> node = means_.finder.find(archive_.name, path, stop_.get_token());
    if (node && !node->missing && node->size) return std::move(*node);
    if (node || node.error().code == Errc::not_found) continue;
    const Error error{node.error().code, path + ": " + node.error().message};
    // It lies at one of these places. Where nobody can be asked it may be known which.
    if (error.code != Errc::offline) return tl::unexpected<Error>(error);
    if (!unknown) unknown = error;
  }
  if (unknown) return tl::unexpected<Error>(*unknown);
  return std::nullopt;
}

Result<void> Build::read_part(const Recipe::Part& part, std::size_t index, Loan& loan) {
  Result<void> fed;
  for (unsigned attempt = 0; attempt < kVersionTries; ++attempt) {
    const Result<std::optional<Node>> node = node_of(part);
    if (!node) return tl::unexpected<Error>(node.error());
    if (!*node) {
      ++lost_;
      return {};
    }
    fed = feed(**node, part, index, loan);
    if (fed || (fed.error().code != Errc::stale && fed.error().code != Errc::not_found)) return fed;
    // Noted, as its readers note it: it is another version, or none, from now on.
    if (fed.error().code == Errc::stale) {
      means_.writer.set_stale((*node)->id, (*node)->generation);
    } else {
      means_.writer.set_missing((*node)->id, (*node)->generation, true, "");
    }
    if (Result<void> noted = means_.writer.flush(); !noted) return noted;
  }
  return fed;
}

Result<void> Build::feed(const Node& node, const Recipe::Part& part, std::size_t index, Loan& loan) {
  const auto named = [&node](const Error& error) {
    return fail(error.code, node.name + ": " + error.message);
  };
  const std::uint64_t size = *node.size;
  if (size > kLongestPart) return named({Errc::too_large, "no light curve has so many bytes"});
  if (Result<void> room = loan.grow(kTimesOnDisk * size, stop_.get_token()); !room) return room;
  const Result<Bytes> bytes =
      read_waiting(means_.cache, means_.archives.version(node), {0, size}, means_.timeout, stop_.get_token());
  if (!bytes) return named(bytes.error());
  if (Result<void> added = converter().add({index, size, part.given}, *bytes); !added)
    return added.error().code == Errc::corrupt || added.error().code == Errc::unsupported
               ? fail(Errc::corrupt, added.error().message)
               : added;
  versions_[index] = inode_of(node);
  bytes_ += size;
  return {};
}

}  // namespace astrofs
