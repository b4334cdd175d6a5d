// Byte ranges and immutable byte strings that threads may share.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace astrofs {

/// [offset, offset + length) in bytes of a file. Callers keep offset + length below 2^64.
struct ByteRange {
  std::uint64_t offset{0};
  std::uint64_t length{0};

  [[nodiscard]] constexpr std::uint64_t end() const { return offset + length; }
  [[nodiscard]] constexpr bool empty() const { return length == 0; }
  [[nodiscard]] constexpr bool contains(const ByteRange& other) const {
    return other.empty() || (offset <= other.offset && other.end() <= end());
  }
  /// An empty range overlaps nothing.
  [[nodiscard]] constexpr bool overlaps(const ByteRange& other) const {
    return std::max(offset, other.offset) < std::min(end(), other.end());
  }
  /// The common part; empty when there is none.
  [[nodiscard]] constexpr ByteRange intersect(const ByteRange& other) const {
    const std::uint64_t first = std::max(offset, other.offset);
    const std::uint64_t last = std::min(end(), other.end());
    return first < last ? ByteRange{first, last - first} : ByteRange{first, 0};
  }
  [[nodiscard]] static constexpr ByteRange between(std::uint64_t first, std::uint64_t last) {
    return {first, last > first ? last - first : 0};
  }
  friend constexpr bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Leaves new elements uninitialised: a buffer that is about to be filled from disk or network needs no zeros
/// first.
template <class T>
struct Uninitialised : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = Uninitialised<U>;
  };
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    if constexpr (sizeof...(Args) == 0) {
      ::new (static_cast<void*>(at)) U;
    } else {
      ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
    }
  }
};

using Buffer = std::vector<std::byte, Uninitialised<std::byte>>;

/// An immutable slice of a shared buffer. Copies share; safe to hand to any thread.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(Buffer buffer) : owner_(std::make_shared<const Buffer>(std::move(buffer))), view_(*owner_) {}
  Bytes(std::shared_ptr<const Buffer> owner, std::span<const std::byte> view)
      : owner_(std::move(owner)), view_(view) {}
  [[nodiscard]] static Bytes copy_of(std::string_view text) {
    Buffer buffer(text.size());
    if (!text.empty())
      std::memcpy(buffer.data(), text.data(), text.size());  // memcpy takes no null, even for 0 bytes
    return Bytes(std::move(buffer));
  }

  [[nodiscard]] std::span<const std::byte> span() const { return view_; }
  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  [[nodiscard]] Bytes slice(std::size_t offset, std::size_t length) const {
    return Bytes(owner_, view_.subspan(offset, length));
  }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(view_.data()), view_.size()};
  }

 private:
  std::shared_ptr<const Buffer> owner_;
  std::span<const std::byte> view_;
};

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace astrofs
