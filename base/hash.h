// XXH3 for blocks and records, a SHA-256 prefix for names on disk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace astrofs {

/// XXH3-64: finds damage on disk, not malice.
[[nodiscard]] std::uint64_t xxh3(std::span<const std::byte> bytes) noexcept;
/// The same bytes under another seed give another hash: a record moved under another key is found out.
[[nodiscard]] std::uint64_t xxh3(std::span<const std::byte> bytes, std::uint64_t seed) noexcept;

/// First 128 bits of a SHA-256.
using Hash128 = std::array<std::byte, 16>;

/// Hash of a sequence of strings. Each part is preceded by its length, so ("ab","c") and ("a","bc") differ.
[[nodiscard]] Hash128 sha256_prefix(std::initializer_list<std::string_view> parts);

/// Digests that archives give of their files, over bytes that come piece by piece. One thread at a time.
enum class DigestKind : std::uint8_t { md5, sha256, sha512 };
class StreamDigest {
 public:
  explicit StreamDigest(DigestKind kind);
  ~StreamDigest();
  StreamDigest(const StreamDigest&) = delete;
  StreamDigest& operator=(const StreamDigest&) = delete;
  void add(std::span<const std::byte> bytes);
  /// In lower case; the end. "": this machine's OpenSSL does not have the kind (MD5 where FIPS is enforced).
  [[nodiscard]] std::string hex();

 private:
  void* context_;  ///< EVP_MD_CTX
  bool good_{false};
};

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

}  // namespace astrofs
