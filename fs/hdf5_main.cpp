// astrofs-hdf5: builds a file of HDF5 of light curves for a mount that starts it (fs/converter), and nobody
// else. A program of its own because libhdf5 keeps global state behind one lock, and because what goes wrong
// in it, or how much memory it wants, is then nothing that a mount can die of. What it reads:
// fs/recipe_text.h.
//
//   astrofs-hdf5 OUTPUT SCRATCH MEMORY LARGEST      an empty file, by name; a descriptor; bytes of memory and
//   of a
//                                                   file. The name is taken away: the file is the mount's
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/byte_size.h"
#include "fs/hdf5_builder.h"
#include "fs/recipe_text.h"

namespace {

using namespace astrofs;

/// What comes ahead of the parts, and a line of one: far more than the longest recipe has.
constexpr std::size_t kLongestHead = 64 * 1024;

struct Arguments {
  std::string output;
  int scratch{-1};
  std::uint64_t memory{0};
  std::uint64_t largest{0};
};

void limit(int resource, std::uint64_t most) {
  const struct rlimit bound = {most, most};
  (void)::setrlimit(static_cast<__rlimit_resource_t>(resource), &bound);
}

void bound_this_process(const Arguments& arguments) {
  // With the mount it ends, however that ends.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::signal(SIGXFSZ, SIG_IGN);  // EFBIG instead
#ifndef ASTROFS_SANITIZED               // a sanitizer's shadow is larger than any bound
  limit(RLIMIT_AS, arguments.memory);
#endif
  limit(RLIMIT_FSIZE, arguments.largest);
  limit(RLIMIT_CORE, 0);
}

Result<std::string> read_head(std::istream& in) {
  std::string head;
  std::string line;
  while (std::getline(in, line) && !line.empty()) {
    head += line + "\n";
    if (head.size() > kLongestHead) return fail(Errc::invalid, "the recipe does not end");
  }
  if (!in) return fail(Errc::interrupted, "whoever asked is gone");
  return head;
}

Result<void> read_parts(std::istream& in, Hdf5Builder& builder) {
  std::string line;
  std::vector<char> file;
  while (std::getline(in, line) && line != kEndLine) {
    const Result<PartLine> part = parse_part_line(line);
    if (!part) return tl::unexpected<Error>(part.error());
    if (part->length > kLongestPart)
      return fail(Errc::too_large, fmt::format("part {} has {} bytes", part->index, part->length));
    file.resize(static_cast<std::size_t>(part->length));
    if (!in.read(file.data(), static_cast<std::streamsize>(file.size()))) break;
    if (Result<void> added = builder.add(*part, std::as_bytes(std::span(file))); !added) return added;
  }
  if (!in) return fail(Errc::interrupted, "whoever asked is gone");
  return {};
}

/// Not that of getrusage(), which is what the mount had that started this.
std::uint64_t peak_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::uint64_t kib = 0;
  while (status >> word && word != "VmHWM:") {
  }
  status >> kib;
  return kib;
}

Result<WrittenFile> build(const Arguments& arguments) {
  const Result<std::string> head = read_head(std::cin);
  if (!head) return tl::unexpected<Error>(head.error());
  Result<Recipe> recipe = parse_recipe_head(*head);
  if (!recipe) return tl::unexpected<Error>(recipe.error());
  Hdf5Builder builder(std::move(*recipe), UniqueFd(arguments.scratch));
  if (Result<void> read = read_parts(std::cin, builder); !read) return tl::unexpected<Error>(read.error());
  return builder.write(arguments.output, false).map([](WrittenFile written) {
    written.peak_kib = peak_kib();
    return written;
  });
}

std::optional<Arguments> arguments_of(int argc, char** argv) {
  if (argc != 5) return std::nullopt;
  const Arguments arguments{argv[1], std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10),
                            std::strtoull(argv[4], nullptr, 10)};
  const bool good = !arguments.output.empty() && arguments.scratch > STDERR_FILENO && arguments.memory > 0 &&
                    arguments.largest > 0;
  return good ? std::optional(arguments) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = arguments_of(argc, argv);
  if (!arguments) {
    std::fputs("astrofs-hdf5 is started by mount.astrofs: it has no use by hand\n", stderr);
    return 2;
  }
  bound_this_process(*arguments);
  std::ios::sync_with_stdio(false);
  Result<WrittenFile> written = fail(Errc::internal, "nothing was done");
  try {
    written = build(*arguments);
  } catch (const std::bad_alloc&) {
    written =
        fail(Errc::too_large, "it would take more than " + format_size(arguments->memory) + " of memory");
  }
  std::cout << answer_line(written) << std::flush;
  return written ? 0 : 1;
}
