#include "tests/contract/stage.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "backends/applause.h"
#include "backends/dkist.h"
#include "backends/format/hlsp_names.h"
#include "backends/format/tess_name.h"
#include "backends/hlsp.h"
#include "backends/hst.h"
#include "backends/index.h"
#include "backends/local.h"
#include "backends/obstap.h"
#include "backends/s3.h"
#include "backends/sia2.h"
#include "backends/tap_files.h"
#include "backends/tess.h"
#include "tests/support/daiquiri.h"
#include "tests/support/dkist_asdf.h"
#include "tests/support/dkist_centre.h"
#include "tests/support/dkist_frame.h"
#include "tests/support/fresh_dir.h"
#include "tests/support/hst_data_set.h"
#include "tests/support/mast_target_file.h"
#include "tests/support/sim_http.h"
#include "tests/support/vo_archive.h"

namespace astrofs::contract {
namespace {

using sim::Fault;
using sim::Kind;
using sim::ListedEntry;
using sim::ListingStyle;

// Names that archives have served, by mistake or malice.
std::vector<std::string> hostile_names() {
  return {"..",          ".", "a/b",    "../../up", "new\nline",        "tab\there",  std::string(300, 'x'),
          "bad\xff\xfe", "",  "%2e%2e", "%41",      "sp ace+plus&amp;", "quote'\"<>", "/etc/passwd"};
}

/// A stage whose archive asks a stand-in.
class ServedStage : public Stage {
 public:
  ServedStage() {
    if (const auto started = server_.start(); !started) throw std::runtime_error(started.error().message);
  }
  Archive& archive() override { return *archive_; }
  HttpStack* http() override { return &http_; }
  sim::ArchiveSim* go_silent() override {
    server_.clear_log();
    server_.add_fault(Fault{.kind = Kind::silent});
    return &server_;
  }
  bool add_hostile_names() override {
    for (const std::string& name : hostile_names()) {
      server_.inject(directory_, ListedEntry{.name = name, .size = 1});
      server_.inject(directory_, ListedEntry{.name = name, .directory = true});
    }
    for (const char* const href : {"http://other.example/x", "//other/x", "javascript:alert(1)", "?C=M",
                                   "#top", "../../etc/passwd", "%2e%2e%2fpasswd", "%252e%252e%252f"}) {
      server_.inject(directory_, ListedEntry{.name = "link", .href = href});
    }
    return true;
  }
  void change() override { server_.remove_file(directory_ + files.begin()->first); }

 protected:
  sim::ArchiveSim server_;
  HttpStack http_;
  std::unique_ptr<Archive> archive_;
  std::string directory_;  ///< of the deepest level, on the server, with its last '/'
};

/// Three levels of plain files under "/lake/": for buckets and for directory pages.
class TreeStage : public ServedStage {
 public:
  explicit TreeStage(std::size_t more_files = 0) {
    path = {"sub dir", "deep+er"};
    files = {{"a.fits", "SIMPLE  = the first file"},
             {"b c.fits", "a name with a space"},
             {"per%41cent.txt", "an escape that is none"},
             {"plus+and&amp=.txt", "characters that a query would take"},
             {"\xc3\xa9toile.txt", "UTF-8"}};
    for (std::size_t i = 0; i < more_files; ++i)
      files.emplace(fmt::format("n{:05}.dat", i), fmt::format("number {}", i));
    directory_ = "/lake/sub dir/deep+er/";
    for (const auto& [name, bytes] : files) server_.serve_file(directory_ + name, bytes);
    server_.serve_file("/lake/top.txt", "at the top");
    server_.serve_file("/lake/sub dir/middle.txt", "in the middle");
  }
};

/// `files` are more than two pages hold, so that one of them can fail.
class S3Stage final : public TreeStage {
 public:
  explicit S3Stage(bool path_style) : TreeStage(2100) {
    if (path_style) server_.add_bucket("bucket", "/");
    archive_ =
        std::make_unique<S3Archive>(server_.url() + (path_style ? "/bucket" : ""), "lake/", http_.fetcher());
    unknown = "lake/no-such-prefix/";
  }
  bool break_a_page() override {
    server_.add_fault(Fault{.path = "*continuation-token*", .kind = Kind::status, .n = 503, .skip = 1});
    return true;
  }
};

class IndexStage final : public TreeStage {
 public:
  explicit IndexStage(ListingStyle style) {
    server_.set_style("/lake/", style);
    archive_ = std::make_unique<IndexArchive>(server_.url() + "/lake", http_.fetcher());
  }
};

class LocalStage final : public Stage {
 public:
  LocalStage() {
    path = {"sub dir", "deep"};
    files = {{"a.fits", "SIMPLE  = here"}, {"b%41.txt", "an escape that is none"}};
    std::filesystem::create_directories(deep());
    for (const auto& [name, bytes] : files) std::ofstream(deep() / name) << bytes;
    archive_ = std::make_unique<LocalArchive>(root_.path());
  }
  Archive& archive() override { return *archive_; }
  bool add_hostile_names() override {
    for (const std::string name : {"new\nline", "bad\xff\xfe", "back\\slash", "%2e%2e"})
      std::ofstream(deep() / name) << "x";
    return true;
  }
  void change() override { std::filesystem::remove(deep() / files.begin()->first); }

 private:
  [[nodiscard]] std::filesystem::path deep() const { return root_.path(path[0] + "/" + path[1]); }
  const FreshDir root_;
  std::unique_ptr<LocalArchive> archive_;
};

/// One chip of sector 4 over three days, on the one source that is named.
class TessStage final : public ServedStage {
 public:
  enum class From { s3, script, pages };

  explicit TessStage(From from) : from_(from) {
    path = {"4", "1", "2"};
    unknown = "9999";
    std::string script = "#!/bin/sh\n";
    for (const char* const stamp : {"2018292095939", "2018292102939", "2018293095939", "2018294095938"}) {
      const std::string name = fmt::format("tess{}-s0004-1-2-0124-s_ffic.fits", stamp);
      files.emplace(name, "SIMPLE  =                    T / " + name);
      script += fmt::format(
          "curl -C - -L -o {0} https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/{0}\n",
          name);
    }
    directory_ = "/tess/public/ffi/s0004/2018/292/1-2/";
    server_.set_style("/missions/", ListingStyle::apache);
    for (const auto& [name, bytes] : files) {
      server_.serve_file("/tess/public/" + tess::ffi_path(name), bytes);
      server_.serve_file("/missions/tess/" + tess::ffi_path(name), bytes);
    }
    if (from == From::script) server_.serve_file(kScript, script);
    tess::Sources sources{server_.url(), server_.url(), server_.url()};
    // S3 that refuses to list is the case for which the other sources are there.
    if (from != From::s3) server_.add_fault(Fault{.path = "*list-type*", .kind = Kind::status, .n = 403});
    // A third source would hide the failure of the first.
    if (from == From::s3) sources.archive.clear();
    archive_ = std::make_unique<TessArchive>(std::move(sources), tess::Kinds{}, http_.fetcher(), clock_);
  }

  bool add_hostile_names() override {
    if (from_ == From::pages) directory_ = "/missions/tess/ffi/s0004/2018/292/1-2/";
    return from_ != From::script && ServedStage::add_hostile_names();
  }
  void change() override {
    const std::string gone = files.begin()->first;
    server_.remove_file("/tess/public/" + tess::ffi_path(gone));
    server_.remove_file("/missions/tess/" + tess::ffi_path(gone));
    if (from_ == From::script) server_.serve_file(kScript, "#!/bin/sh\n");
  }
  bool break_a_page() override {
    if (from_ == From::script) return false;  // a script of this size is one piece
    server_.add_fault(
        Fault{.path = from_ == From::s3 ? "*293*" : "*/293/1-2/", .kind = Kind::status, .n = 503});
    return true;
  }

 private:
  static constexpr const char* kScript = "/missions/tess/download_scripts/sector/tesscurl_sector_4_ffic.sh";
  const From from_;
  ManualClock clock_;
};

/// A target of TESS in three sectors, from S3 and MAST together.
class TargetStage final : public ServedStage {
 public:
  TargetStage() {
    const sim::TargetOptions options{.targets = 2, .sectors = {1, 2, 3}, .rows = 20};
    // An archive without a single frame is none.
    if (!server_.add_sector({.sector = 4, .frames = 1, .chips = {{1, 1}}}))
      throw std::runtime_error("sector");
    const sim::Target& target = server_.add_targets(options).targets()[1];
    path = {"tic", std::to_string(target.tic)};
    unknown = "tic/4711";
    for (const sim::TargetObservation& observation : target.observations) {
      for (const sim::TargetProduct& product : observation.products) {
        files[product.name] = sim::target_file(target, product, options.rows);
        keys_[product.name] = "/" + sim::target_key(target, product);
      }
    }
    archive_ = std::make_unique<TessArchive>(tess::Sources{server_.url(), server_.url(), server_.url()},
                                             tess::Kinds{}, http_.fetcher(), clock_);
  }
  // A folder of the bucket may hold anything; what is no name of a product is not shown.
  bool add_hostile_names() override {
    directory_ = keys_.begin()->second.substr(0, keys_.begin()->second.rfind('/') + 1);
    return ServedStage::add_hostile_names();
  }
  void change() override { server_.remove_file(keys_.begin()->second); }

 private:
  std::map<std::string, std::string> keys_;  ///< of the bucket, with a '/'
  ManualClock clock_;
};

/// A dataset of DKIST, its frames from the collection without a token.
class DkistStage final : public ServedStage {
 public:
  DkistStage() {
    centre_ = &server_.add_dkist({.datasets = 3, .frames = 6});
    const auto dataset = centre_->shelf().find(kId);
    path = {kId};
    unknown = "dataset/ZZZZZ";
    files = {{dataset->asdf_name(), sim::asdf_file(*dataset)},
             {dataset->movie_name(), sim::movie_file(*dataset)},
             {dataset->report_name(), sim::report_file(*dataset)}};
    for (int i = 0; i < dataset->frames(); ++i)
      files.emplace(dataset->names->all[static_cast<std::size_t>(i)], sim::frame_file(*dataset, i));
    dkist::Sources sources{server_.url() + "/datasets", server_.url() + "/download", ""};
    dkist::GlobusAddresses globus{server_.url() + "/auth", server_.url() + "/transfer",
                                  server_.url() + "/https", "/nonexistent/login.json"};
    archive_ = std::make_unique<DkistArchive>(std::move(sources), dkist::Filter{}, std::move(globus),
                                              std::nullopt, http_.fetcher(), clock_);
  }
  // Names come from the ASDF file, which the stand-in writes; those of hostile ones have tests of their own.
  bool add_hostile_names() override { return false; }
  void change() override {
    centre_->change(kId, [](sim::DkistDataset& dataset) { ++dataset.revision; });
  }

 private:
  static constexpr const char* kId = "BEOGN";
  sim::DkistCentre* centre_{nullptr};
  SystemClock clock_;
};

/// A plate of APPLAUSE with two scans.
class ApplauseStage final : public ServedStage {
 public:
  ApplauseStage() : plates_(server_.add_plates({.plates = 12, .rows = 5, .width = 40, .height = 30})) {
    path = {"dr4", "102", "9320"};
    unknown = "dr4/999";
    for (const char* const file : {"scans/HAM-GS/GS00769_x.fits", "scans/HAM-GS/GS00769_y.fits",
                                   "previews/HAM-GS/GS00769.jpg", "logbooks/HAM-GS/GS-OB0002.jpg"}) {
      const std::string name(file);
      const sim::ResourcePtr resource = plates_.shelf().file("DR4/" + name);
      std::string bytes(static_cast<std::size_t>(resource->size), '\0');
      resource->read(0, std::as_writable_bytes(std::span(bytes)));
      files[name.substr(name.rfind('/') + 1)] = std::move(bytes);
    }
    archive_ = std::make_unique<ApplauseArchive>(server_.url(), ApplauseArchive::Sequences{},
                                                 "/nonexistent/login", http_.fetcher(), clock_);
  }
  // Names come from the tables, which the stand-in writes.
  bool add_hostile_names() override { return false; }
  void change() override {
    sim::DaiquiriSettings settings = plates_.settings();
    settings.emptied_table = "applause_dr4.preview";
    plates_.set(settings);
  }

 private:
  sim::Daiquiri& plates_;
  SystemClock clock_;
};

/// A target of QLP, on S3 or on the archive's pages.
class HlspStage final : public ServedStage {
 public:
  explicit HlspStage(bool from_s3) {
    path = {"qlp", "s0023", "0000", "0000", "0000", "1234"};
    unknown = "qlp/s0023/9999";
    const hlsp::Curve curve{hlsp::Pipeline::qlp, 23, 1234, 0, 0};
    files = {{curve.name(), "SIMPLE  =                    T / a light curve"},
             {"more.txt", "the same as text"}};
    directory_ = (from_s3 ? "/mast/hlsp/" : "/hlsps/") + curve.folder() + "/";
    // Alike on both, so that every mirror has them.
    for (const auto& [name, bytes] : files) {
      for (const std::string root : {"/mast/hlsp/", "/hlsps/"})
        server_.serve_file(root + curve.folder() + "/" + name, bytes, {.etag = sim::etag_of(bytes)});
    }
    StsciHosts hosts{server_.url(), server_.url(), server_.url()};
    // A further source would hide the failure of the first.
    (from_s3 ? hosts.archive : hosts.s3).clear();
    archive_ = std::make_unique<HlspArchive>(std::move(hosts), http_.fetcher(), clock_);
  }
  void change() override {
    const std::string gone = files.begin()->first;
    server_.remove_file(directory_ + gone);
  }

 private:
  SystemClock clock_;
};

/// A data set of HST: its own folder of S3, other places there, and MAST.
class HstStage final : public ServedStage {
 public:
  HstStage() {
    const sim::HstOptions options{.side = 8, .hap = 90};
    const sim::HstDataSet set = server_.add_hst(options).data_sets()[0];
    path = {set.name};
    unknown = "set/jzzz99999";
    for (const sim::HstFile& file : set.files) files[file.name] = sim::hst_file(file.name, options.side);
    directory_ = sim::hst_folder(set.name);
    archive_ = std::make_unique<HstArchive>(StsciHosts{server_.url(), "", server_.url()},
                                            "/nonexistent/mast.token", http_.fetcher(), clock_);
  }
  void change() override { server_.serve_file(directory_ + "j8pu0y010_new.fits", "SIMPLE  = a new one"); }

 private:
  ManualClock clock_;
};

/// A table of ObsCore: plates by their addresses, or by DataLink.
class VoStage : public ServedStage {
 public:
  explicit VoStage(bool linked) {
    vo_ = &server_.add_vo({.plates = 6, .linked = 6, .stars = 0});
    path = {linked ? "LINKED" : "PLATES", "M31"};
    unknown = "lNOWHERE";
    for (const std::string name : {"GS00700_x.fits", "GS00703_x.fits", "DR01400.fits", "DR01400_part.fits",
                                   "DR01403.fits", "DR01403_part.fits"}) {
      if (name.starts_with(linked ? "DR" : "GS")) files[name] = sim::VoArchive::file(name);
    }
    obstap::Table table;
    table.levels = {"obs_collection", "target_name"};
    archive_ = std::make_unique<ObstapArchive>(server_.url() + "/vo/tap", std::move(table), VoAccess{},
                                               http_.fetcher(), clock_, ObstapArchive::Limits{});
    did_ = linked ? "ivo://org.example/~?linked/DR01400" : "ivo://org.example/~?plates/data/GS00700_x.fits";
  }
  // Of files whose addresses have no name, the server says one; values of columns have tests of their own.
  bool add_hostile_names() override {
    for (const std::string& name : hostile_names()) {
      if (name.empty()) continue;
      vo_->add({.collection = path[0],
                .obs_id = name,
                .did = "ivo://org.example/hostile?" + name,
                .target = "M31",
                .format = "image/fits",
                .path = "/data?id=" + sim::percent_encode(name, "")});
    }
    return true;
  }
  void change() override { vo_->remove(did_); }
  bool break_a_page() override {
    sim::VoSettings settings = vo_->settings();
    settings.most_rows = 1;
    vo_->set(settings);
    server_.add_fault(Fault{.path = "*tap/sync*", .kind = Kind::status, .n = 503, .skip = 1});
    return true;
  }

 protected:
  sim::VoArchive* vo_{nullptr};
  std::string did_;
  SystemClock clock_;
};

/// The same plates by their place on the sky.
class SiaStage final : public VoStage {
 public:
  SiaStage() : VoStage(false) {
    path = {"10_0_0.1"};
    files.erase("GS00703_x.fits");
    archive_ = std::make_unique<Sia2Archive>(server_.url() + "/vo/sia2", "&COLLECTION=PLATES", VoAccess{},
                                             http_.fetcher(), clock_, Sia2Archive::Limits{});
  }
  bool add_hostile_names() override { return false; }  // every set has a place of its own here
  bool break_a_page() override { return false; }
};

/// Files that are queries: the configuration says which there are, so that another one is what changes them.
class TapStage final : public ServedStage {
 public:
  TapStage() {
    server_.add_vo({.plates = 4});
    make("all.csv");
  }
  bool add_hostile_names() override { return false; }
  void change() override { make("others.csv"); }
  sim::ArchiveSim* go_silent() override { return nullptr; }  // for a listing nobody is asked

 private:
  void make(std::string_view name) {
    std::vector<QueryFile> queries;
    for (const std::string_view each :
         {name, std::string_view("of_{target}.fits"), std::string_view("x.vot")}) {
      const std::string_view where = each.find('{') == each.npos ? "" : " WHERE target_name='{target}'";
      queries.push_back(*QueryFile::parse(each, "SELECT * FROM ivoa.obscore" + std::string(where)));
    }
    archive_ = std::make_unique<TapArchive>(server_.url() + "/vo/tap", std::move(queries),
                                            std::chrono::hours(1), VoAccess{}, http_.fetcher(), clock_);
  }
  SystemClock clock_;
};

template <class T, class... Args>
std::function<std::unique_ptr<Stage>()> maker(Args... args) {
  return [=] { return std::make_unique<T>(args...); };
}

}  // namespace

const std::vector<StageKind>& stage_kinds() {
  static const std::vector<StageKind> kinds{
      {"S3VirtualHost", maker<S3Stage>(false)},
      {"S3PathStyle", maker<S3Stage>(true)},
      {"IndexApache", maker<IndexStage>(ListingStyle::apache)},
      {"IndexNginx", maker<IndexStage>(ListingStyle::nginx)},
      {"IndexNginxJson", maker<IndexStage>(ListingStyle::nginx_json)},
      {"IndexLighttpd", maker<IndexStage>(ListingStyle::lighttpd)},
      {"Applause", maker<ApplauseStage>()},
      {"Dkist", maker<DkistStage>()},
      {"HlspFromS3", maker<HlspStage>(true)},
      {"HlspFromPages", maker<HlspStage>(false)},
      {"Hst", maker<HstStage>()},
      {"Local", maker<LocalStage>()},
      {"ObstapPlain", maker<VoStage>(false)},
      {"ObstapDatalink", maker<VoStage>(true)},
      {"Sia2", maker<SiaStage>()},
      {"Tap", maker<TapStage>()},
      {"TessFromS3", maker<TessStage>(TessStage::From::s3)},
      {"TessFromScript", maker<TessStage>(TessStage::From::script)},
      {"TessFromPages", maker<TessStage>(TessStage::From::pages)},
      {"TessTarget", maker<TargetStage>()},
  };
  return kinds;
}

}  // namespace astrofs::contract
