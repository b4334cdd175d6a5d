#include "tests/support/hlsp_rules.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

namespace astrofs::sim {
namespace {

constexpr std::uint64_t kParts = 16;  ///< CCDs: ids begin anew with each

std::uint64_t first_not_less(const FileRule& rule, std::string_view key) {
  std::uint64_t low = 0;
  std::uint64_t high = rule.count;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    if (rule.key(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

class RuleFiles final : public RuledFiles {
 public:
  explicit RuleFiles(FileRule rule) : rule_(std::move(rule)) {}
  [[nodiscard]] std::optional<std::string> first_from(std::string_view key) const override {
    const std::uint64_t index = first_not_less(rule_, key);
    return index < rule_.count ? std::optional(rule_.key(index)) : std::nullopt;
  }
  [[nodiscard]] ResourcePtr find(std::string_view key) const override {
    const std::uint64_t index = first_not_less(rule_, key);
    if (index >= rule_.count || rule_.key(index) != key) return nullptr;
    auto resource = std::make_shared<Resource>();
    resource->size = rule_.size(index);
    resource->etag = etag_of(key);
    resource->last_modified = *ResourceOptions{}.last_modified;
    resource->content_type = key.ends_with(".fits") ? "image/fits" : "text/plain";
    resource->read = [bytes = rule_.bytes, index](std::uint64_t offset, std::span<std::byte> into) {
      const std::string all = bytes(index);
      std::memcpy(into.data(), all.data() + offset, into.size());
    };
    return resource;
  }

 private:
  const FileRule rule_;
};

/// Lines of one length each, so that any byte of the script is made without the others.
class Script {
 public:
  Script(std::uint64_t count, std::function<std::string(std::uint64_t)> line) : line_(std::move(line)) {
    for (std::uint64_t index = 0; index < count;) {
      const std::uint64_t width = line_(index).size();
      // Ids grow within a CCD, so lines of one length follow each other: where they end is searched for.
      const std::uint64_t chip = std::max<std::uint64_t>(1, count / kParts);
      std::uint64_t low = index;
      std::uint64_t high = std::min(count, (index / chip + 1) * chip);
      while (high - low > 1) {
        const std::uint64_t middle = (low + high) / 2;
        (line_(middle).size() == width ? low : high) = middle;
      }
      runs_.push_back({size_, index, width});
      size_ += width * (low + 1 - index);
      index = low + 1;
    }
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  void read(std::uint64_t offset, std::span<std::byte> into) const {
    constexpr std::string_view kFirst = "#!/bin/sh\n";
    for (std::size_t done = 0; done < into.size();) {
      const std::uint64_t at = offset + done;
      std::string line(kFirst);
      std::uint64_t skip = at;
      if (at >= kFirst.size()) {
        const auto behind = std::ranges::upper_bound(runs_, at, {}, &Run::offset);
        const Run& run = *(behind - 1);
        line = line_(run.first + (at - run.offset) / run.width);
        skip = (at - run.offset) % run.width;
      }
      const std::size_t length = std::min(line.size() - static_cast<std::size_t>(skip), into.size() - done);
      std::memcpy(into.data() + done, line.data() + skip, length);
      done += length;
    }
  }

 private:
  struct Run {
    std::uint64_t offset, first, width;
  };
  std::function<std::string(std::uint64_t)> line_;
  std::vector<Run> runs_;
  std::uint64_t size_{10};  ///< of "#!/bin/sh\n"
};

}  // namespace

void put_files(ContentTree& tree, FileRule rule) {
  tree.add_rule(std::make_shared<RuleFiles>(std::move(rule)));
}

void put_script(ContentTree& tree, const std::string& path, std::uint64_t count,
                std::function<std::string(std::uint64_t)> line) {
  const auto script = std::make_shared<const Script>(count, std::move(line));
  tree.put(path, script->size(),
           [script](std::uint64_t offset, std::span<std::byte> into) { script->read(offset, into); }, {});
}

void put_table(ContentTree& tree, const std::string& path, std::uint64_t size,
               std::function<std::string()> make) {
  struct Text {
    std::once_flag once;
    std::string text;
  };
  const auto text = std::make_shared<Text>();
  tree.put(path, size,
           [text, make = std::move(make)](std::uint64_t offset, std::span<std::byte> into) {
             std::call_once(text->once, [&] { text->text = make(); });
             std::memcpy(into.data(), text->text.data() + offset, into.size());
           },
           {});
}

}  // namespace astrofs::sim
