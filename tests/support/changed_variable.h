// An environment variable that is another one until the end of its scope, as long as no other thread looks at
// the environment.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace astrofs {

class ChangedVariable {
 public:
  /// nullopt: unset.
  ChangedVariable(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* const old = std::getenv(name)) old_ = old;
    set(value);
  }
  ~ChangedVariable() { set(old_); }
  ChangedVariable(const ChangedVariable&) = delete;
  ChangedVariable& operator=(const ChangedVariable&) = delete;

 private:
  void set(const std::optional<std::string>& value) const {
    if (value) {
      ::setenv(name_, value->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

  const char* name_;
  std::optional<std::string> old_;
};

}  // namespace astrofs
