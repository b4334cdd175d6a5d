#include "tests/support/daiquiri_documents.h"

#include <fmt/format.h>

#include "tests/support/sim_http.h"

namespace astrofs::sim {
namespace {

constexpr std::string_view kXml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
constexpr std::string_view kUwsSpaces =
    "version=\"1.1\" xmlns:uws=\"http://www.ivoa.net/xml/UWS/v1.0\" "
    "xmlns:xlink=\"http://www.w3.org/1999/xlink\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
constexpr std::string_view kNil = " xsi:nil=\"true\"";

std::string attribute(std::string_view name, std::string_view value) {
  return value.empty() ? std::string() : fmt::format(" {}=\"{}\"", name, escape_markup(value));
}

std::string element(std::string_view name, std::string_view text) {
  return fmt::format("<uws:{}{}>{}</uws:{}>", name, text.empty() ? kNil : "", escape_markup(text), name);
}

std::string results_inside(const JobDocument& job) {
  std::string text;
  for (const std::string_view format : {"result", "votable", "csv", "fits", "parquet"}) {
    text +=
        fmt::format("<uws:result id=\"{0}\" xlink:href=\"{1}/results/{0}\" xlink:type=\"{0}\"></uws:result>",
                    format, job.url);
  }
  return text;
}

std::string parameter(std::string_view id, std::string_view value, bool nil = false) {
  return fmt::format("<uws:parameter id=\"{}\"{}>{}</uws:parameter>", id, nil ? kNil : "",
                     escape_markup(value));
}

std::string parameters_inside(const JobDocument& job) {
  std::string text = parameter("schema_name", "daiquiri_user_" + job.owner) +
                     parameter("table_name", "2026-11-20-21-00-00-0001") +
                     parameter("query_language", "postgresql-9.6") + parameter("query", job.query) +
                     parameter("native_query", job.query) + parameter("actual_query", "") +
                     parameter("queue", "30s");
  for (const auto& [name, value] : {std::pair{"nrows", job.rows}, std::pair{"size", job.size}})
    text += parameter(name, job.has_rows ? std::to_string(value) : std::string(), !job.has_rows);
  return text;
}

/// In Python's csv: quotes only where they must be.
std::string csv_field(std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::string daiquiri_error(std::string_view message) {
  return std::string(kXml) +
         "<VOTABLE xmlns=\"http://www.ivoa.net/xml/VOTable/v1.3\" "
         "xmlns:stc=\"http://www.ivoa.net/xml/STC/v1.30\" "
         "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><RESOURCE type=\"results\"><INFO "
         "name=\"QUERY_STATUS\" value=\"ERROR\">" +
         escape_markup(message) + "</INFO></RESOURCE></VOTABLE>";
}

std::string daiquiri_votable(const QueryAnswer& answer, const VotableTerms& terms) {
  std::string text =
      "<?xml version=\"1.0\"?>\n<VOTABLE version=\"1.3\"\n"
      "    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"\n"
      "    xmlns=\"http://www.ivoa.net/xml/VOTable/v1.3\"\n"
      "    xmlns:stc=\"http://www.ivoa.net/xml/STC/v1.30\">\n    <RESOURCE type=\"results\">\n"
      "        <TABLE name=\"daiquiri_user.2026-11-20-21-00-00\">\n";
  for (const PlateColumn& column : answer.columns) {
    text +=
        fmt::format("                <FIELD name=\"{}\"{}{}{}", column.name, attribute("unit", column.unit),
                    attribute("ucd", column.ucd), column.datatype.empty() ? " xtype=\"spoint\"" : "");
    if (column.datatype == "char")
      text += fmt::format(" arraysize=\"{}\"", column.arraysize > 0 ? std::to_string(column.arraysize) : "*");
    text += attribute("datatype", column.datatype) + " />\n";
  }
  const bool has_data = !answer.rows.empty() || !terms.asynchronous;
  if (has_data) text += "            <DATA>\n                <TABLEDATA>\n";
  for (const PlateRow& row : answer.rows) {
    text += "                    <TR>\n";
    for (const PlateCell& cell : row)
      text += "                        <TD>" + escape_markup(cell.value_or("")) + "</TD>\n";
    text += "                    </TR>\n";
  }
  if (has_data) text += "                </TABLEDATA>\n            </DATA>\n";
  text += "        </TABLE>\n";
  const auto info = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("            <INFO name=\"{}\" value=\"{}\" />\n", name, escape_markup(value));
  };
  info("QUERY_STATUS", terms.overflow ? "OVERFLOW" : "OK");
  info("QUERY", terms.query);
  info("QUERY_LANGUAGE", terms.language);
  info("SOURCE", answer.table);
  return text + "    </RESOURCE>\n</VOTABLE>\n";
}

std::string daiquiri_csv(const QueryAnswer& answer) {
  std::string text;
  const auto line = [&text](const auto& cells, const auto& word) {
    bool first = true;
    for (const auto& cell : cells) {
      if (!first) text += ',';
      first = false;
      text += csv_field(word(cell));
    }
    text += "\r\n";
  };
  line(answer.columns, [](const PlateColumn& column) { return column.name; });
  for (const PlateRow& row : answer.rows)
    line(row, [](const PlateCell& cell) { return cell.value_or("NULL"); });
  return text;
}

std::string uws_job(const JobDocument& job) {
  const bool begun = job.phase == "EXECUTING" || job.phase == "COMPLETED";
  return fmt::format(
      "{}<uws:job {}><uws:jobId>{}</uws:jobId><uws:runId>{}</uws:runId>{}<uws:phase>{}</uws:phase>{}"
      "<uws:creationTime>2026-11-20T21:00:00.123456Z</uws:creationTime>{}{}"
      "<uws:executionDuration>30</uws:executionDuration>{}{}<uws:results>{}</uws:results>"
      "<uws:parameters>{}</uws:parameters></uws:job>",
      kXml, kUwsSpaces, job.id, escape_markup(job.run_id), element("ownerId", job.owner), job.phase,
      element("quote", ""), element("startTime", begun ? "2026-11-20T21:00:01.5Z" : ""),
      element("endTime", job.phase == "COMPLETED" ? "2026-11-20T21:00:09.5Z" : ""),
      element("destruction", ""), element("errorSummary", job.error), results_inside(job),
      parameters_inside(job));
}

std::string uws_results(const JobDocument& job) {
  return fmt::format("{}<uws:results {}>{}</uws:results>", kXml, kUwsSpaces, results_inside(job));
}

std::string uws_parameters(const JobDocument& job) {
  return fmt::format("{}<uws:parameters {}>{}</uws:parameters>", kXml, kUwsSpaces, parameters_inside(job));
}

std::string uws_jobs(const std::vector<JobDocument>& jobs) {
  std::string text = fmt::format("{}<uws:jobs {}>", kXml, kUwsSpaces);
  for (const JobDocument& job : jobs) {
    text += fmt::format(
        "<uws:jobref id=\"{}\" xlink:href=\"{}\" xlink:type=\"simple\"><uws:phase>{}</uws:phase>"
        "<uws:runId>{}</uws:runId><uws:creationTime>2026-11-20T21:00:00.123456Z</uws:creationTime></"
        "uws:jobref>",
        job.id, job.url, job.phase, escape_markup(job.run_id));
  }
  return text + "</uws:jobs>";
}

std::string vosi_availability() {
  return std::string(kXml) +
         "<vosi:availability xmlns:vosi=\"http://www.ivoa.net/xml/VOSITables/v1.0\">"
         "<available>true</available><note>service is accepting queries</note></vosi:availability>";
}

std::string vosi_capabilities(std::string_view tap) {
  return fmt::format(
      "{}<vosi:capabilities xmlns:tr=\"http://www.ivoa.net/xml/TAPRegExt/v1.0\" "
      "xmlns:vosi=\"http://www.ivoa.net/xml/VOSITables/v1.0\" "
      "xmlns:vs=\"http://www.ivoa.net/xml/VODataService/v1.1\" "
      "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><capability "
      "standardID=\"ivo://ivoa.net/std/TAP\" xsi:type=\"tr:TableAccess\"><interface role=\"std\" "
      "xsi:type=\"vs:ParamHTTP\"><accessURL "
      "use=\"base\">{}</accessURL></interface><language><name>adql</name>"
      "<version>2.0</version><description></description></language><language><name>postgresql</name>"
      "<version>9.6</version><description></description></language><outputFormat><mime>application/xml</mime>"
      "<alias>votable</alias></outputFormat><outputFormat><mime>text/csv</mime><alias>csv</alias>"
      "</outputFormat><outputFormat><mime>application/fits</mime><alias>fits</alias></outputFormat>"
      "</capability></vosi:capabilities>",
      kXml, tap);
}

}  // namespace astrofs::sim
