#include "tests/support/mast_portal.h"

#include <algorithm>

#include "tests/support/mast_rows.h"

namespace astrofs::sim {
namespace {

constexpr std::string_view kInvoke = "/api/v0/invoke";
constexpr std::string_view kColumns = "/portal/Mashup/Mashup.asmx/columnsconfig";
constexpr std::size_t kUsualPage = 1000;

OrderedJson failure(const std::string& text) {
  return {{"status", "ERROR"}, {"msg", text}, {"data", nullptr}};
}

/// The page of `rows` that is asked for, and how many there are.
OrderedJson page_of(const OrderedJson& rows, std::size_t page, std::size_t size, OrderedJson& paging) {
  const std::size_t pages = (rows.size() + size - 1) / size;
  OrderedJson cut = OrderedJson::array();
  for (std::size_t i = (page - 1) * size; i < std::min(page * size, rows.size()); ++i) cut.push_back(rows[i]);
  paging = {{"page", page},
            {"pageSize", size},
            {"pagesFiltered", std::max<std::size_t>(pages, 1)},
            {"rows", cut.size()},
            {"rowsFiltered", rows.size()},
            {"rowsTotal", rows.size()}};
  return cut;
}

/// Columns as the portal describes them to its clients.
OrderedJson description(const OrderedJson& fields) {
  OrderedJson config;
  for (const OrderedJson& field : fields) {
    const std::string name = field["name"];
    const bool is_text = field["type"] == "string";
    config[name] = {{"text", name},
                    {"vot.datatype", is_text                  ? "char"
                                     : field["type"] == "int" ? "int"
                                                              : "double"}};
    if (is_text) config[name]["vot.arraysize"] = "*";
    if (!is_text) config[name]["ignoreValue"] = -999;
  }
  return config;
}

}  // namespace

bool MastPortal::knows(std::string_view path) {
  return path == kInvoke || path == kColumns;
}

void MastPortal::set(const PortalSettings& settings) {
  const MutexLock lock(mutex_);
  settings_ = settings;
  asked_.clear();
}

Reply MastPortal::control(const HttpRequest& request) {
  const OrderedJson wanted = OrderedJson::parse(request.body, nullptr, false);
  if (request.method != "POST" || !wanted.is_object())
    return text_reply(400, "POST one object\n", "text/plain");
  set({.executing = wanted.value("executing", 0),
       .page_rows = wanted.value("page_rows", 0),
       .error = wanted.value("error", "")});
  return text_reply(200, "", "text/plain");
}

Reply MastPortal::reply(const HttpRequest& request) {
  // GET with the same in its query works as well.
  std::string question = request.parameter("request").value_or("");
  std::string columns = request.parameter("colConfigId").value_or("");
  if (request.method == "POST") {
    for (auto& [name, value] : parse_form(request.body)) {
      if (name == "request") question = std::move(value);
      if (name == "colConfigId") columns = std::move(value);
    }
  }
  if (request.path == kColumns) {
    const bool products = columns.find("Products") != std::string::npos;
    return text_reply(200, description(products ? product_fields() : observation_fields()).dump(),
                      "text/plain");
  }
  return text_reply(200, answer(question), "text/plain");
}

std::string MastPortal::answer(const std::string& question) {
  const OrderedJson asked = OrderedJson::parse(question, nullptr, false);
  if (!asked.is_object()) return failure("Request is not JSON").dump();
  PortalSettings now;
  unsigned turn = 0;
  {
    const MutexLock lock(mutex_);
    now = settings_;
    turn = answers_++;
    if (!now.error.empty()) return failure(now.error).dump();
    if (asked_[question]++ < now.executing)
      return R"({"status" : "EXECUTING","msg" : "","percentComplete":0.0,"data":null})";
  }
  const std::string service = asked.value("service", "");
  const OrderedJson params = asked.value("params", OrderedJson::object());
  OrderedJson rows;
  OrderedJson fields;
  if (service == "Mast.Caom.Filtered" || service == "Mast.Caom.Filtered.Position") {
    rows = filtered_observations(targets_, params.value("filters", OrderedJson::array()));
    fields = observation_fields();
    if (params.value("columns", "*").starts_with("COUNT_BIG")) {
      rows = OrderedJson::array({OrderedJson{{"Column1", rows.size()}}});
      fields = OrderedJson::array({OrderedJson{{"name", "Column1"}, {"type", "string"}}});
    }
  } else if (service == "Mast.Caom.Products") {
    const OrderedJson numbers = params.value("obsid", OrderedJson(""));
    rows = products_of(targets_, numbers.is_string() ? numbers.get<std::string>() : numbers.dump());
    fields = product_fields();
  } else {
    return failure("Unknown service " + service).dump();
  }
  std::size_t size = asked.value("pagesize", kUsualPage);
  if (now.page_rows > 0) size = std::min(size, static_cast<std::size_t>(now.page_rows));
  OrderedJson paging;
  const OrderedJson cut = page_of(rows, std::max<std::size_t>(asked.value("page", std::size_t{1}), 1),
                                  std::max<std::size_t>(size, 1), paging);
  // The order of keys is not fixed, and neither are the spaces behind them.
  const OrderedJson first{
      {"status", "COMPLETE"}, {"msg", ""}, {"data", cut}, {"fields", fields}, {"paging", paging}};
  const OrderedJson last{
      {"data", cut}, {"fields", fields}, {"msg", ""}, {"paging", paging}, {"status", "COMPLETE"}};
  return turn % 2 == 0 ? first.dump() : last.dump(1);
}

}  // namespace astrofs::sim
