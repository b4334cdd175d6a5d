// The program that writes HDF5 (hdf5_main), as a mount sees it: started for one file, fed with its parts,
// asked for the end of it. It ends with this, however far it is. It has bounds of its own for memory and
// disk; what it dies of is an error here. Owned by a build; add() and stop() from any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "backends/recipe.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "fs/recipe_text.h"

namespace astrofs {

struct ConverterLimits {
  std::uint64_t memory{0};   ///< bytes that it may have in memory, address space and all
  std::uint64_t largest{0};  ///< bytes of a file that it writes
};

/// Where the program is: beside this one, or where an installation has it.
[[nodiscard]] std::string converter_program();

class Converter {
 public:
  /// Starts `program`, which writes to the file of the name `output` and uses `scratch`, both empty.
  [[nodiscard]] static Result<std::unique_ptr<Converter>> start(const std::string& program,
                                                                const std::string& output, int scratch,
                                                                const Recipe& recipe, ConverterLimits limits);
  ~Converter();
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  /// Waits until the program has taken it. `part.length` is that of `file`. Errors are the program's.
  [[nodiscard]] Result<void> add(const PartLine& part, const Bytes& file) EXCLUDES(feed_);
  /// Waits for what comes first: the program has ended, or something can be read from `other`. True: it has.
  /// Beside add(), so that nobody waits for parts that none will take.
  [[nodiscard]] bool ends_before(int other) const;
  /// Why it has ended before all parts were added.
  [[nodiscard]] Error early_end() EXCLUDES(feed_);
  /// All parts were added: waits for the file.
  [[nodiscard]] Result<WrittenFile> finish() EXCLUDES(feed_);
  /// Whoever waits for it hears of its end.
  void stop() EXCLUDES(process_);
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  Converter(pid_t pid, UniqueFd line);
  [[nodiscard]] bool send(std::string_view bytes) REQUIRES(feed_);
  /// What it said last, or what it died of: the same for all who ask.
  [[nodiscard]] const Result<WrittenFile>& last_words() REQUIRES(feed_);
  [[nodiscard]] Result<WrittenFile> wait_for_end() REQUIRES(feed_);

  const pid_t pid_;
  const UniqueFd line_;  ///< its standard input and output
  Mutex feed_;
  std::optional<Result<WrittenFile>> last_words_ GUARDED_BY(feed_);
  Mutex process_;
  bool reaped_ GUARDED_BY(process_){false};
};

}  // namespace astrofs
