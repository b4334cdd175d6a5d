#include "base/heap.h"

#include <malloc.h>

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

void give_back_heap() {
  malloc_trim(0);
}

}  // namespace astrofs
