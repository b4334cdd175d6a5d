#include "base/heap.h"

#include <malloc.h>

namespace astrofs {

void give_back_heap() {
  malloc_trim(0);
}

}  // namespace astrofs
