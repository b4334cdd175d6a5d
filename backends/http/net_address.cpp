#include "backends/http/net_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>

namespace astrofs::http {
namespace {

bool is_local_v4(const unsigned char* octets) {
  return octets[0] == 127 || octets[0] == 0 || (octets[0] == 169 && octets[1] == 254);
}

}  // namespace

bool is_local_address(std::string_view ip) {
  const std::string text(ip.substr(0, ip.find('%')));  // without the zone of fe80::1%eth0
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1)
    return is_local_v4(reinterpret_cast<const unsigned char*>(&v4));
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return true;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return is_local_v4(v6.s6_addr + 12);
  return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6);
}

bool is_local_host(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return is_local_address(host.substr(1, host.size() - 2));
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos &&
         is_local_address(host);
}

}  // namespace astrofs::http
