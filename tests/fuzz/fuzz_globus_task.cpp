// Globus' answers about tasks: whatever the text, an id is one that may stand in a path, and an order that
// was read is the same when it is written and read again.
#include <cstdint>
#include <cstdlib>

#include "backends/format/globus_task.h"

namespace {

using namespace astrofs;

void expect_clear(const Error& error) {
  if (error.code != Errc::corrupt || error.message.empty()) std::abort();
}

void try_id(const Result<std::string>& id) {
  if (!id) return expect_clear(id.error());
  if (!globus::is_uuid(*id) || id->find('/') != std::string::npos) std::abort();
}

void try_order(std::string_view text) {
  const auto order = globus::parse_transfer(text);
  if (!order) return expect_clear(order.error());
  const auto again = globus::parse_transfer(globus::format_transfer(*order));
  if (!again || again->submission != order->submission || again->items.size() != order->items.size())
    std::abort();
  for (std::size_t i = 0; i < order->items.size(); ++i) {
    if (again->items[i].source != order->items[i].source) std::abort();
    if (again->items[i].destination != order->items[i].destination) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_id(globus::parse_submission_id(text));
  try_id(globus::parse_task_id(text));
  try_order(text);
  if (const auto task = globus::parse_task(text); !task) expect_clear(task.error());
  if (const auto skipped = globus::parse_skipped(text); !skipped) expect_clear(skipped.error());
  return 0;
}
