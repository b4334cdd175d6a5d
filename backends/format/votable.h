// VOTables as they stream by: columns first, then each row, without a tree. Bounded memory whatever the
// length. Reads TABLEDATA, BINARY and BINARY2 alike: a cell is text, as TABLEDATA would write it. One thread
// at a time per reader.
//
// Of a document with several tables the first one that is no metadata is read. Not read: data elsewhere
// (href), compressed streams, FITS inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace astrofs {

enum class VoType : std::uint8_t {
  boolean,
  bit,
  byte,  ///< "unsignedByte"
  int16,
  int32,
  int64,
  character,  ///< also where a FIELD does not say its type
  unicode,    ///< "unicodeChar"
  float32,
  float64,
  complex64,
  complex128,
  other  ///< a type that no standard knows: its cells are text, and there is no binary of them
};

struct VoField {
  std::string name, id, ucd, utype, unit, xtype;
  std::string description;  ///< one line
  VoType type{VoType::character};
  std::string arraysize;   ///< as written: "", "8", "*", "8*", "2x3"
  std::uint64_t count{1};  ///< elements; of a variable array: of its fixed part
  /// Of an array of texts ("10x2") the bytes or UTF-16 units of each; 0: it is one text.
  std::uint64_t string_length{0};
  bool variable{false};             ///< the array's length is each row's own
  std::optional<std::string> null;  ///< VALUES null=: the value that means none

  [[nodiscard]] bool is_text() const {
    return type == VoType::character || type == VoType::unicode || type == VoType::other;
  }
};

/// A service that a document describes beside its table: a DataLink to ask, a cut-out to order.
struct VoService {
  struct Input {
    std::string name, value, ref;  ///< ref: the ID of the column that gives the value
  };
  std::string id, standard_id, access_url;
  std::vector<Input> inputs;
};

struct VoTable {
  std::string name;
  std::vector<VoField> fields;
  std::optional<std::uint64_t> rows;  ///< as many as it says it has: nrows=

  /// The column of that name, whatever its case; else of that utype behind its prefix ("obscore:").
  [[nodiscard]] std::optional<std::size_t> column(std::string_view name, std::string_view utype = {}) const;
};

/// A cell without value, an empty one and NaN are all nullopt: nobody can tell them apart in all
/// serializations. Numbers have no blanks around them and are decimal; booleans are "true" and "false";
/// elements of an array stand apart by one blank. Text is UTF-8 where the document's was text.
using VoRow = std::span<const std::optional<std::string_view>>;

/// An error ends the parse and is what feed() returns.
class VoTableHandler {
 public:
  virtual ~VoTableHandler() = default;
  /// Before the first row, once; also for a table without rows.
  virtual Result<void> table(const VoTable& table) = 0;
  /// As many cells as there are fields. Valid during the call.
  virtual Result<void> row(VoRow cells) = 0;
};

enum class VoStatus : std::uint8_t { ok, overflow, error };

/// What a document says of itself when it has ended.
struct VoOutcome {
  VoStatus status{VoStatus::ok};  ///< the last QUERY_STATUS: it may stand behind the table, and change there
  bool stated{false};             ///< is there one?
  std::string message;            ///< its text
  bool has_table{false};
  std::uint64_t rows{0};
  std::vector<VoService> services;
};

struct VoTableLimits {
  std::uint64_t total{4ULL << 30};  ///< bytes of the document: 20 times the largest table seen
  std::size_t row{16ULL << 20};     ///< of one row; a spectrum in a cell is far below
  std::size_t fields{4096};         ///< the widest tables of the archives have some 2,000
};

class VoTableReader {
 public:
  /// `handler` outlives the reader.
  explicit VoTableReader(VoTableHandler& handler, VoTableLimits limits = {});
  ~VoTableReader();
  VoTableReader(const VoTableReader&) = delete;
  VoTableReader& operator=(const VoTableReader&) = delete;

  /// The next piece, cut anywhere. Errors: corrupt, too_large, unsupported, or the handler's; after one every
  /// call returns it again.
  [[nodiscard]] Result<void> feed(std::string_view piece);
  /// No more comes: corrupt when the document is cut off. A document that reports an error is read well: it
  /// says so in the outcome.
  [[nodiscard]] Result<VoOutcome> finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A document that is in memory whole.
[[nodiscard]] Result<VoOutcome> read_votable(std::string_view xml, VoTableHandler& handler,
                                             VoTableLimits limits = {});

}  // namespace astrofs
