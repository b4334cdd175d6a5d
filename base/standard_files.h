// A program may be started with its standard input, output or error closed. What it opens next would get
// their numbers, and what is meant for a terminal would go there.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace astrofs {

/// Opens /dev/null for those of descriptors 0 to 2 that are closed. Before anything else is opened.
inline void open_standard_files() {
  int descriptor = 0;
  do {
    descriptor = ::open("/dev/null", O_RDWR);
  } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor >= 0) (void)::close(descriptor);
}

}  // namespace astrofs
