// The archive of the model tests: directories of files with versions, what it lists, and how its servers
// answer.
//
// Its state is plain memory that outlives a process that is killed (MAP_SHARED), so that the next one goes on
// with the same archive. It remembers everything it ever said, for the judge. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backends/archive.h"
#include "base/bytes.h"
#include "cache/source.h"

namespace astrofs::model {

inline constexpr unsigned kDirs = 2;
inline constexpr unsigned kFilesPerDir = 10;
inline constexpr unsigned kFiles = kDirs * kFilesPerDir;
inline constexpr unsigned kMostVersions = 30;      ///< of a file in one episode
inline constexpr unsigned kMostListings = 60;      ///< of a directory in one episode
inline constexpr std::uint64_t kFlipped = 20'000;  ///< behind every header
inline constexpr unsigned kGenerations = 512;      ///< that the judge remembers

/// What the servers say of a version.
enum class Validators : std::uint8_t {
  listed,    ///< strong ETag, in the listing too
  answered,  ///< strong ETag in answers only
  dated,     ///< Last-Modified only
};

/// What goes wrong on the way. All but `none` pass.
enum class Trouble : std::uint8_t { none, busy, reset, cut, stall, denied };

struct Version {
  std::uint64_t seed{0};
  std::uint64_t size{0};
  std::int64_t mtime{0};
};

struct RemoteFile {
  unsigned versions{0};
  Version version[kMostVersions];
  bool listed{true};
  bool lost{false};           ///< 404 from every mirror
  bool lost_on_first{false};  ///< 404 from the first mirror alone
};

/// What readers saw, kept over the lives of one archive.
struct SeenFile {
  NodeId node{0};
  bool changed{false};  ///< another content, lost or back again, since readers last saw what is there now
  bool denied{false};   ///< denied for good at some moment since then
  std::uint32_t possible[kGenerations]{};  ///< versions that the bytes read of a generation may be of; 0:
                                           ///< nothing was read
};

/// What an episode went through, so that a walk that never gets anywhere is noticed.
enum Tally : unsigned {
  kRealReads,
  kBlankReads,
  kFailedReads,
  kStaleReads,
  kInterrupted,
  kRefusedOpens,
  kListingsSeen,
  kConverged,
  kTallies
};

/// All of an episode that a killed process leaves behind.
struct Story {
  // how this archive is
  Validators validators{Validators::listed};
  unsigned mirrors{1};
  bool sizes_listed{true};
  bool ignores_ranges{false};
  // how it stands
  RemoteFile file[kFiles];
  unsigned listings[kDirs]{};
  std::uint32_t listing[kDirs][kMostListings];  ///< bit i: file i of the directory was in it
  std::int64_t now{1'600'000'000};              ///< of the archive; each version has a time of its own
  SeenFile seen[kFiles];
  // what the processes had to say
  bool meant_to_die{false};
  char wrong[1000]{};  ///< of a life that failed
  std::uint64_t tally[kTallies]{};
};

[[nodiscard]] unsigned dir_of(unsigned file);
/// As the archive writes it; some are such as no directory could show as they are.
[[nodiscard]] std::string raw_name(unsigned file);
[[nodiscard]] std::string shown_name(unsigned file);
[[nodiscard]] std::string dir_name(unsigned dir);
[[nodiscard]] bool is_frame(unsigned file);

[[nodiscard]] std::string content_of(unsigned file, const Version& version, ByteRange range);
/// Least size of a frame: that of its placeholder.
[[nodiscard]] std::uint64_t frame_size();
[[nodiscard]] FrameShape frame_shape();

class Remote {
 public:
  explicit Remote(Story& story) : story_(story) {}

  [[nodiscard]] const Story& story() const { return story_; }
  /// The newest version; the tests change files from one thread.
  [[nodiscard]] Version newest(unsigned file) const;
  [[nodiscard]] std::vector<Version> versions(unsigned file) const;
  [[nodiscard]] bool lost(unsigned file, unsigned mirror) const;

  void change(unsigned file, std::uint64_t seed, std::uint64_t size);
  void set_listed(unsigned file, bool listed);
  void set_lost(unsigned file, bool lost, bool first_mirror_only);
  /// From now on `trouble` befalls `count` requests to mirror `mirror` (-1: any).
  void trouble(Trouble kind, unsigned count, int mirror);
  [[nodiscard]] Trouble take_trouble(unsigned mirror);
  [[nodiscard]] Trouble take_listing_trouble();

  /// Answers to requests of these files wait at the gate until it opens.
  void hold(std::optional<std::uint32_t> files);
  [[nodiscard]] bool held(unsigned file) const;
  /// Of these files only heads are answered, until the next call.
  void hold_bodies(std::uint32_t files) { bodies_held_ = files; }
  [[nodiscard]] bool body_held(unsigned file) const { return (bodies_held_ >> file & 1U) != 0; }

  /// What the archive says of the bytes behind a validator.
  void set_digest(const std::string& validator, Digest digest);
  [[nodiscard]] std::optional<Digest> digest(std::string_view validator) const;
  /// One bit of byte kFlipped of a file is turned on the way in so many answers.
  void flip(unsigned file, unsigned answers);
  [[nodiscard]] bool take_flip(unsigned file);

  /// What is listed in a directory, noted as given.
  [[nodiscard]] std::vector<Entry> list(unsigned dir);
  /// Has list() answered so, as a bit for each file? A listing may be under way.
  [[nodiscard]] bool has_given(unsigned dir, std::uint32_t listing) const;
  /// Has it ever left this file of the directory out?
  [[nodiscard]] bool has_left_out(unsigned dir, unsigned index) const;
  [[nodiscard]] std::string etag(unsigned file, const Version& version, unsigned mirror) const;

 private:
  mutable std::mutex mutex_;
  Story& story_;
  Trouble trouble_{Trouble::none};
  unsigned troubled_{0};
  int troubled_mirror_{-1};
  std::uint32_t held_{0};
  std::atomic<std::uint32_t> bodies_held_{0};
  std::map<std::string, Digest, std::less<>> digests_;
  std::map<unsigned, unsigned> flips_;
};

/// Root, "d0" and "d1" with files. A file's locator is its number.
class RemoteArchive final : public Archive {
 public:
  RemoteArchive(Remote& remote, seconds good_for) : remote_(remote), good_for_(good_for) {}

  Result<std::variant<Listing, NotModified>> list(std::string_view dir, std::string_view token,
                                                  std::stop_token stop) override;
  Result<std::vector<http::Request>> locate(std::string_view locator) override;
  std::string validator_origin() const override;
  std::optional<Digest> digest(std::string_view validator) const override {
    return remote_.digest(validator);
  }
  Result<FrameShape> shape(std::string_view locator) const override;

 private:
  Remote& remote_;
  const seconds good_for_;
};

}  // namespace astrofs::model
