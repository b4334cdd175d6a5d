// An archive DESCRIBES: what is listed where, how big it is, and where its bytes are now.
// It never stores, retries, starts threads or touches the disk. Every archive passes tests/contract.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/errands.h"
#include "backends/http/client.h"
#include "backends/own_files.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/unique_fd.h"

namespace astrofs {

class Courier;
struct Recipe;

enum class EntryKind : std::uint8_t { file, directory, symlink };

struct Entry {
  /// As the archive writes it, one component, not yet made safe for a directory. Where directories are values
  /// of a column a '/' may be part of it: it is shown as %2F.
  std::string name;
  EntryKind kind{EntryKind::file};
  std::optional<std::uint64_t> size;  ///< bytes, exact; a rounded size is no size
  SysSeconds mtime{};                 ///< 0 = not known
  std::string locator;                ///< for this archive's own eyes: says again what this entry is
  std::string validator;  ///< strong ETag with quotes, or "" (an opaque version tag of the listing)
};

[[nodiscard]] Entry directory_entry(std::string name, std::string locator, SysSeconds mtime = {});
/// A link's locator is its target.
[[nodiscard]] Entry link_entry(std::string name, std::string target);

/// What an archive says of a file's bytes beyond their number.
struct Digest {
  DigestKind kind{DigestKind::md5};
  std::string hex;     ///< lower case
  bool certain{true};  ///< false: text that looks like one; it proves when it fits and else means little
};

struct Listing {
  std::vector<Entry> entries;
  std::string token;                    ///< handed back at the next list(), e.g. the page's ETag; "" = none
  std::chrono::seconds good_for{3600};  ///< refresh behind the reader's back after this
};
struct NotModified {};

/// One card of a FITS header. `value` is already written as FITS wants it: 'text', T, 12, 1.5E0.
struct FitsCard {
  std::string keyword, value, comment;
};

struct HduShape {
  int bitpix{8};
  std::vector<std::uint64_t> axes;  ///< NAXIS1 first; empty = no data
  std::vector<FitsCard> cards;      ///< what the name tells, beyond the structure; TFORM1: a table
  /// A tile-compressed image: a binary table in the file; bitpix and axes are the image's. Its cards may be
  /// all of the frame's own header, from a table: what is structure, a sum, NaN or no FITS is left out.
  bool compressed{false};
  /// Of a compressed image: as many cards as its header has, about. A frame of unknown size has room for
  /// them, told or not, so that its size does not depend on what is known of it.
  std::uint32_t usual_cards{0};
  bool are_axes_certain{false};  ///< said of this very frame, not only usual for its name
};

/// What a frame that is gone would have looked like, as far as its name tells. A sibling's header, where
/// there is one, overrides the axes: same instrument, same mode. But not where an image is compressed.
struct FrameShape {
  std::vector<HduShape> hdus;
};

/// What other files tell of a lost table: as many rows as in those of its family, and a stamp of pixels as in
/// its twin. 0: not known.
struct TableModel {
  std::uint64_t rows{0};
  std::uint64_t width{0}, height{0};
  friend bool operator==(const TableModel&, const TableModel&) = default;
};

/// What the archive's own tables say of the first HDU of a FITS file; "" = nothing.
struct FitsSums {
  std::string checksum, datasum;  ///< as the cards of these names have them
};

/// The credential scope of what anybody may fetch.
inline constexpr std::string_view kPublic = "public";

/// A file on this machine: type "local" serves it without a copy in the cache.
struct LocalFile {
  std::string path;
};

/// What tells one version of a made file from another: Archive::make().
[[nodiscard]] std::string made_version(std::string_view bytes);

class Archive {
 public:
  virtual ~Archive() = default;

  /// Once, before anything else is asked of it: how it reads its own files. Default: it has no need to.
  virtual void attach(const OwnFiles&) {}
  /// Once, too: where it notes what it must end even after a crash. Default: there is no such thing.
  virtual void keep_errands_in(Errands&) {}
  /// Ends what runs before this one have left. Blocks; asks the network. Beside everything else.
  virtual void end_errands(const std::stop_token&) {}
  /// Has a login come that may end more of them? Says so once. Answered at once.
  [[nodiscard]] virtual bool takes_up_errands() { return false; }

  /// What is in a directory. `dir` is the locator of the directory's entry ("" for the archive's root),
  /// `token` that of the listing known so far. Complete or an error, never a half page. Blocks; may fetch in
  /// parallel.
  [[nodiscard]] virtual Result<std::variant<Listing, NotModified>> list(std::string_view dir,
                                                                        std::string_view token,
                                                                        std::stop_token stop) = 0;

  /// One name that no listing shows because there are too many (a TIC, a plate). Default: nullopt, the
  /// listing is all there is.
  [[nodiscard]] virtual bool finds(std::string_view) const {
    return false;
  }  ///< does find() know more than list() in `dir`?
  [[nodiscard]] virtual Result<std::optional<Entry>> find(std::string_view dir, std::string_view name,
                                                          std::stop_token stop);
  /// Is the listing of `dir`, of which this is the token, all there is, so that nobody need be asked for any
  /// other name? Pure.
  [[nodiscard]] virtual bool lists_all(std::string_view, std::string_view) const { return false; }
  /// Is asking for one name so much cheaper than the listing of `dir` that it comes first while there is
  /// none?
  [[nodiscard]] virtual bool finds_first(std::string_view) const { return false; }

  /// Are list() and find() of that directory answered from the archive's own cached files, or by this
  /// machine, so that they may be asked while the mount is offline?
  [[nodiscard]] virtual bool lists_offline(std::string_view) const { return false; }
  [[nodiscard]] virtual bool finds_offline(std::string_view) const { return false; }

  /// Names under which the archive may list today what used to be called `name`, nearest first. Pure.
  /// Default: none.
  [[nodiscard]] virtual std::vector<std::string> other_names(std::string_view name) const;

  /// Where the bytes are NOW: mirrors in order, with credentials, without range. Never stored.
  [[nodiscard]] virtual Result<std::vector<http::Request>> locate(std::string_view locator) = 0;

  /// Must the archive be asked where a file's bytes are, because its addresses run out? At once. locate()
  /// then tells what was learnt lately, and seek() is how to learn it. Blocks. `again`: the address that it
  /// gave last was refused.
  [[nodiscard]] virtual bool seeks(std::string_view) const { return false; }
  [[nodiscard]] virtual Result<std::vector<http::Request>> seek(std::string_view locator, bool again,
                                                                std::stop_token stop);

  /// May these addresses be signed anywhere in them? Then no more is told than whose they are. At once.
  [[nodiscard]] virtual bool signs_addresses(std::string_view locator) const { return seeks(locator); }

  /// What is to be said of a directory's listing, of which this is the token: that it shows a part of the
  /// names. "" = nothing. Pure.
  [[nodiscard]] virtual std::string remark(std::string_view, std::string_view) const { return {}; }

  /// Is the file made by the archive itself, of answers that it got, so that it lies nowhere? At once.
  [[nodiscard]] virtual bool makes(std::string_view) const { return false; }
  /// Such a file as it is now; its listing gives its size, and made_version() of it as validator. Blocks.
  [[nodiscard]] virtual Result<std::string> make(std::string_view locator, std::stop_token stop);

  /// How long what was made of it is good, where the same may be asked for again and be another file; it is
  /// then made behind the reader's back, and when somebody refreshes it. Default, nullopt: never.
  [[nodiscard]] virtual std::optional<std::chrono::seconds> made_good_for(std::string_view) const {
    return std::nullopt;
  }
  /// The next make() asks, whatever is at hand.
  virtual void make_anew(std::string_view) {}

  /// Is the file built of others of this archive's, which are read through the mount? At once.
  [[nodiscard]] virtual bool builds(std::string_view) const { return false; }
  /// Does recipe() of it ask nobody, so that it may be built while the mount is offline? At once.
  [[nodiscard]] virtual bool builds_offline(std::string_view) const { return false; }
  /// Of which, and how; its listing gives neither size nor validator. Blocks.
  [[nodiscard]] virtual Result<Recipe> recipe(std::string_view locator, std::stop_token stop);

  /// Who brings those files that can only be ordered; nullptr: all are located.
  [[nodiscard]] virtual Courier* courier() { return nullptr; }

  /// Where the listing's validator of a file may be sent as If-Match: the origin that gave it; "" = nowhere.
  [[nodiscard]] virtual std::string validator_origin() const { return {}; }

  /// The digest of a file's bytes that a validator carries. Pure. Default: none.
  [[nodiscard]] virtual std::optional<Digest> digest(std::string_view validator) const;

  /// The sums that a validator carries of a FITS file. Pure. Default: none.
  [[nodiscard]] virtual std::optional<FitsSums> fits_sums(std::string_view) const { return std::nullopt; }

  /// Bytes that a request for this file has at least, where there are so many: where each one costs the
  /// archive more than its bytes do. 0: as many as are wanted. Answered at once.
  [[nodiscard]] virtual std::uint64_t least_request(std::string_view) const { return 0; }

  /// Can who runs this mount fetch a file at all? False: a login is wanting, and what is not cached reads as
  /// a placeholder. Asked often, answered at once.
  [[nodiscard]] virtual bool can_fetch(std::string_view) const { return true; }

  /// May what somebody reads of file after file be fetched of the next ones before he asks? Not where each
  /// file is chosen, and a file is much. Answered at once.
  [[nodiscard]] virtual bool fetches_ahead() const { return true; }

  /// Are the files on this machine, so that they are read where they are?
  [[nodiscard]] virtual bool is_local() const { return false; }
  /// The file itself, for archives on this machine; nullopt when it is not there.
  [[nodiscard]] virtual std::optional<LocalFile> local_file(std::string_view locator) const;
  /// It, open for reading, reached without following a link anywhere. Default: unsupported.
  [[nodiscard]] virtual Result<UniqueFd> open_local(std::string_view locator) const;

  /// What a missing frame would have looked like. Default: unsupported, so that a missing file is ENOENT.
  [[nodiscard]] virtual Result<FrameShape> shape(std::string_view locator) const;
  /// The same with the cards that the archive has for this very frame. Blocks. Default: shape().
  [[nodiscard]] virtual Result<FrameShape> describe(std::string_view locator) const { return shape(locator); }

  /// Files of one family have tables of as many rows: light curves of a sector, by cadence. "" = the archive
  /// knows of none. Pure.
  [[nodiscard]] virtual std::string family(std::string_view) const { return {}; }
  /// The name of the file beside it that has the same stamp of pixels; "" = there is none. Pure.
  [[nodiscard]] virtual std::string twin(std::string_view) const { return {}; }
  /// shape() as others tell of it. Pure. Default: shape().
  [[nodiscard]] virtual Result<FrameShape> shape_like(std::string_view locator, const TableModel&) const {
    return shape(locator);
  }

  /// Who may see a file's bytes, or a directory's names: part of every cached object's identity. What is not
  /// "public" is shown to nobody but who mounted. Asked often, answered at once.
  [[nodiscard]] virtual std::string credential_scope(std::string_view) const { return std::string(kPublic); }
  /// What who is denied a file may do about it; "" = nothing is known. Answered at once.
  [[nodiscard]] virtual std::string advice() const { return {}; }
  /// Looks whether a login has come or gone: until then the last one counts. Blocks on the disk.
  virtual void notice_login() {}
  /// Does a login soon run out that can be renewed? Answered at once.
  [[nodiscard]] virtual bool login_runs_out() const { return false; }
  /// Renews it. Blocks; asks the network.
  virtual void renew_login(std::stop_token) {}
};

}  // namespace astrofs
