#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace astrofs {
namespace {

/// A newline inside a help text or a label would end the line of the exposition format.
std::string escaped(std::string_view text, bool escape_backslash) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\n') {
      out += "\\n";
    } else if (letter == '\\' && escape_backslash) {
      out += "\\\\";
    } else {
      out += letter;
    }
  }
  return out;
}

}  // namespace

Metric& Metrics::counter(std::string_view name, std::string_view help, std::string_view label) {
  return row(name, help, label, true);
}

Metric& Metrics::gauge(std::string_view name, std::string_view help, std::string_view label) {
  return row(name, help, label, false);
}

Metric& Metrics::row(std::string_view name, std::string_view help, std::string_view label, bool is_counter) {
  const MutexLock lock(mutex_);
  for (const auto& known : rows_) {
    if (known->name != name) continue;
    assert(known->is_counter == is_counter && "one name is a counter or a gauge");
    if (known->label == label) return known->metric;
  }
  auto added = std::make_unique<Row>();
  added->name = name;
  added->help = help;
  added->label = label;
  added->is_counter = is_counter;
  // Lines of one name must stand together in the exposition: a new label goes behind its siblings.
  const auto sibling =
      std::find_if(rows_.rbegin(), rows_.rend(), [&](const auto& known) { return known->name == name; });
  const auto place = sibling == rows_.rend() ? rows_.end() : sibling.base();
  return (*rows_.insert(place, std::move(added)))->metric;
}

std::int64_t Metrics::value(std::string_view name, std::string_view label) const {
  const MutexLock lock(mutex_);
  for (const auto& known : rows_) {
    if (known->name == name && known->label == label) return known->metric.value();
  }
  return 0;
}

std::string Metrics::prometheus() const {
  const MutexLock lock(mutex_);
  std::string out;
  std::string_view previous;
  for (const auto& row : rows_) {
    if (row->name != previous) {
      out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", row->name, escaped(row->help, true), row->name,
                         row->is_counter ? "counter" : "gauge");
      previous = row->name;
    }
    const std::string label = row->label.empty() ? "" : "{" + escaped(row->label, false) + "}";
    out += fmt::format("{}{} {}\n", row->name, label, row->metric.value());
  }
  return out;
}

}  // namespace astrofs
