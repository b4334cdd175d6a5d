// What was needed for once and is not needed now goes back to the system. Pure but for the heap; any thread.
#pragma once

#include <cstddef>

namespace astrofs {

/// A listing of so many names leaves memory worth giving back: 100,000 leave 56 MB in the heap of the thread
/// that parsed them.
inline constexpr std::size_t kLargeListing = 10'000;

/// At the start of a program: blocks of some megabytes go back to the system as soon as they are freed,
/// always. By itself the heap keeps them from the first such one on: a listing of 31 MB would hold its place
/// while what is made of it is written.
void give_back_large_blocks();

/// Bytes in memory that are pages of files: of the program itself, and of what it has mapped.
[[nodiscard]] std::size_t resident_file_bytes();

/// Takes milliseconds, and holds up every thread that allocates.
void give_back_heap();

}  // namespace astrofs
