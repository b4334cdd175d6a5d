#include "fs/configured_archives.h"

#include <utility>
#include <variant>

#include "backends/registry.h"

namespace astrofs {

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
    Result<ConfiguredArchive> made = make_archive(own, fetcher);
    if (!made) return tl::unexpected<Error>(made.error());
    mounted.archive = std::move(made->archive);
    mounted.identity = std::move(made->identity);
    archives.push_back(std::move(mounted));
  }
  return archives;
}

}  // namespace astrofs
