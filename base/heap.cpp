#include "base/heap.h"

#include <malloc.h>
#include <unistd.h>

#include <fstream>

namespace astrofs {

namespace {

/// Beyond every buffer of a download, which come and go all the time.
constexpr int kLargeBlock = 4 << 20;

}  // namespace

void give_back_large_blocks() {
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  // As the heap sets it by itself: twice as much stays at its end.
  mallopt(M_TRIM_THRESHOLD, 2 * kLargeBlock);
}

std::size_t resident_file_bytes() {
  // Pages: size of the program, resident, of these the files'.
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  std::size_t of_files = 0;
  if (!(statm >> size >> resident >> of_files)) return 0;
  return of_files * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void give_back_heap() {
  malloc_trim(0);
}

}  // namespace astrofs
