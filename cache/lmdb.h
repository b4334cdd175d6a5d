// The index's store: a thin, owning face on LMDB, which is known to lmdb.cpp alone.
//
// One Environment per directory and process, never used across a fork. Reads: any thread, but a thread holds
// at most one ReadTxn at a time and never waits while it does, because growing the map waits for every reader
// to leave. Writes: one WriteTxn at a time, on one thread (the index thread; before it exists, whoever
// opens). Memory that get() and Cursor show lies in the map: good until the transaction ends or, in a
// WriteTxn, writes again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace astrofs {

/// Numbers are on disk, in the seed of each record's check.
enum class Table : std::uint8_t { meta = 1, node, child, listing, object, block, used, pin };
inline constexpr std::size_t kTables = 8;
[[nodiscard]] Table table_at(std::size_t index);  ///< 0 .. kTables - 1
[[nodiscard]] const char* name_of(Table table);

class DamageLog;
class Environment;

class Txn {
 public:
  Txn(const Txn&) = delete;
  Txn& operator=(const Txn&) = delete;

  /// nullopt: no such key.
  [[nodiscard]] Result<std::optional<std::string_view>> get(Table table, std::string_view key) const;
  [[nodiscard]] Result<std::uint64_t> entries(Table table) const;
  [[nodiscard]] DamageLog& damage() const;
  /// MDB's number of the first failure that leaves this transaction unusable; 0 = none.
  [[nodiscard]] int failure() const { return failure_; }

 protected:
  friend class Cursor;
  Txn(Environment& environment, void* handle) : environment_(&environment), handle_(handle) {}
  ~Txn() = default;
  /// Keeps the first failure and words it.
  [[nodiscard]] tl::unexpected<Error> failed(int code, const char* what) const;

  Environment* environment_;
  void* handle_;  ///< MDB_txn
  mutable int failure_{0};
};

/// A view of the index at one moment. Comes from a pool and goes back to it.
class ReadTxn : public Txn {
 public:
  ReadTxn(ReadTxn&& other) noexcept;
  ~ReadTxn();

 private:
  friend class Environment;
  using Txn::Txn;
};

/// Changes, all or none. Without commit() they are gone.
class WriteTxn : public Txn {
 public:
  WriteTxn(WriteTxn&& other) noexcept;
  ~WriteTxn();
  [[nodiscard]] Result<void> put(Table table, std::string_view key, std::string_view value);
  /// Faster put of a key behind all others; falls back to put().
  [[nodiscard]] Result<void> append(Table table, std::string_view key, std::string_view value);
  [[nodiscard]] Result<void> erase(Table table, std::string_view key);  ///< absent is success
  [[nodiscard]] Result<void> clear(Table table);
  [[nodiscard]] Result<void> commit();                              ///< on failure all is as before it
  [[nodiscard]] bool map_full() const;                              ///< Environment::grow() and run again
  [[nodiscard]] std::uint64_t written() const { return written_; }  ///< bytes of keys and values so far

 private:
  friend class Environment;
  using Txn::Txn;
  std::uint64_t written_{0};
};

/// Walks a table in order of key bytes. Ends before its transaction does.
class Cursor {
 public:
  Cursor(const Txn& txn, Table table);
  ~Cursor();
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  /// False: there is none (key() and value() are then void).
  [[nodiscard]] Result<bool> seek(std::string_view key);  ///< first key >= this one
  [[nodiscard]] Result<bool> find(std::string_view key);  ///< exactly this one
  [[nodiscard]] Result<bool> next();                      ///< after a successful move
  [[nodiscard]] std::string_view key() const { return key_; }
  [[nodiscard]] std::string_view value() const { return value_; }

 private:
  [[nodiscard]] Result<bool> move(std::string_view key, unsigned operation);

  const Txn& txn_;
  void* handle_{nullptr};  ///< MDB_cursor
  int opened_;
  std::string_view key_, value_;
};

class Environment {
 public:
  enum class Mode : unsigned char {
    write,
    probe,  ///< read-only and without the lock file: a forked child that may die of what it finds
  };
  /// `dir` exists. Errors: corrupt (not an LMDB environment of ours), no_space, denied, internal.
  [[nodiscard]] static Result<std::unique_ptr<Environment>> open(const std::string& dir,
                                                                 std::uint64_t map_size, Mode mode);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  [[nodiscard]] Result<ReadTxn> read();
  [[nodiscard]] Result<WriteTxn> write();
  /// Doubles the map once every reader has left; new ones wait meanwhile. No WriteTxn may be open. On failure
  /// it is as large as before.
  [[nodiscard]] Result<void> grow();
  /// Gives back the memory of large transactions, which LMDB keeps until it is closed. Waits as grow() does.
  [[nodiscard]] Result<void> shed();
  /// Opens again what refuses everybody, readers too: after a failed write of LMDB's meta page, or when
  /// shed() or grow() could not open it. Nothing to do in all other cases. By the writing thread, without a
  /// WriteTxn.
  [[nodiscard]] Result<void> revive();
  [[nodiscard]] Result<void> sync();
  /// Frees the slots of readers that died; how many.
  int check_readers();
  [[nodiscard]] std::uint64_t map_size() const;
  [[nodiscard]] DamageLog& damage();

 private:
  friend class Txn;
  friend class ReadTxn;
  friend class WriteTxn;
  friend class Cursor;
  class Impl;
  explicit Environment(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace astrofs
