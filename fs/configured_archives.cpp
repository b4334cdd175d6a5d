#include "fs/configured_archives.h"

#include <type_traits>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backends/registry.h"

namespace astrofs {
namespace {

/// Type and every key of an archive's table, in order of key.
std::string identity_of(const ArchiveConfig& table) {
  std::string text = table.type;
  const auto say = [&text](const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, std::string>)
      text += value;
    else if constexpr (std::is_same_v<Value, std::vector<std::string>>)
      text += fmt::format("{}", fmt::join(value, "\n"));
    else if constexpr (std::is_arithmetic_v<Value>)
      text += fmt::format("{}", value);
    else
      for (const auto& [name, item] : value) text += name + '=' + item + '\n';
  };
  for (const auto& [key, value] : table.keys) {
    text += '\n' + key + '=';
    std::visit(say, value.value);
  }
  return to_hex(sha256_prefix({text}));
}

}  // namespace

Result<std::vector<MountedArchive>> configured_archives(const Config& config,
                                                        std::optional<MissingPolicy> missing,
                                                        http::Fetcher& fetcher) {
  std::vector<MountedArchive> archives;
  for (const ArchiveConfig& table : config.archives) {
    MountedArchive mounted;
    mounted.name = table.name;
    ArchiveConfig own = table;
    if (const auto key = own.keys.find("missing"); key != own.keys.end()) {
      const auto* policy = std::get_if<std::string>(&key->second.value);
      if (policy == nullptr || (*policy != "placeholder" && *policy != "enoent")) {
        return fail(Errc::invalid, key->second.where + ": missing must be \"placeholder\" or \"enoent\"");
      }
      mounted.missing = *policy == "enoent" ? MissingPolicy::enoent : MissingPolicy::placeholder;
      own.keys.erase(key);
    }
    if (const auto verify = own.keys.find("verify"); verify != own.keys.end()) {
      const auto* policy = std::get_if<std::string>(&verify->second.value);
      const std::string wanted = policy == nullptr ? "" : *policy;
      if (wanted != "refuse" && wanted != "report" && wanted != "off")
        return fail(Errc::invalid,
                    verify->second.where + ": verify must be \"refuse\", \"report\" or \"off\"");
      mounted.verify = wanted == "off"      ? VerifyPolicy::off
                       : wanted == "report" ? VerifyPolicy::report
                                            : VerifyPolicy::refuse;
      own.keys.erase(verify);
    }
    if (missing) mounted.missing = *missing;
    // How many connections bring a file makes it no other file.
    ArchiveConfig what = own;
    what.keys.erase("connections");
    mounted.identity = identity_of(what);
    Result<std::unique_ptr<Archive>> archive = make_archive(own, fetcher);
    if (!archive) return tl::unexpected<Error>(archive.error());
    mounted.archive = std::move(*archive);
    archives.push_back(std::move(mounted));
  }
  return archives;
}

}  // namespace astrofs
