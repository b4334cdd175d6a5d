#include "base/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <new>

namespace astrofs {

std::uint64_t xxh3(std::span<const std::byte> bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t xxh3(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 sha256_prefix(std::initializer_list<std::string_view> parts) {
  // Kept by each thread, and the algorithm looked up once: a listing of 100,000 names has as many ids, and
  // OpenSSL 3 spends more on finding SHA-256 behind its locks than on computing it.
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> sha256(
      EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free);
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                                     EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), sha256.get(), nullptr) != 1) throw std::bad_alloc();
  for (const std::string_view part : parts) {
    std::array<unsigned char, 8> length{};
    std::uint64_t rest = part.size();
    for (unsigned char& digit : length) {
      digit = static_cast<unsigned char>(rest & 0xffU);
      rest >>= 8U;
    }
    if (EVP_DigestUpdate(context.get(), length.data(), length.size()) != 1 ||
        EVP_DigestUpdate(context.get(), part.data(), part.size()) != 1) {
      throw std::bad_alloc();
    }
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  // A digest left at zero would give two objects one file: rather no answer.
  if (EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) throw std::bad_alloc();
  Hash128 out{};
  std::transform(digest.begin(), digest.begin() + out.size(), out.begin(),
                 [](unsigned char digit) { return std::byte{digit}; });
  return out;
}

StreamDigest::StreamDigest(DigestKind kind) : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  const EVP_MD* algorithm = kind == DigestKind::md5      ? EVP_md5()
                            : kind == DigestKind::sha256 ? EVP_sha256()
                                                         : EVP_sha512();
  good_ = EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), algorithm, nullptr) == 1;
}

StreamDigest::~StreamDigest() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void StreamDigest::add(std::span<const std::byte> bytes) {
  if (good_) good_ = EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) == 1;
}

std::string StreamDigest::hex() {
  std::array<std::byte, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (!good_ || EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_),
                                   reinterpret_cast<unsigned char*>(digest.data()), &length) != 1) {
    return "";
  }
  good_ = false;
  return to_hex(std::span(digest).first(length));
}

std::string to_hex(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    out.push_back(kDigits[std::to_integer<std::size_t>(byte >> 4)]);
    out.push_back(kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})]);
  }
  return out;
}

}  // namespace astrofs
