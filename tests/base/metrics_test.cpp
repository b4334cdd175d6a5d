#include "base/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace astrofs {
namespace {

TEST(Metrics, TheSameNameAndLabelIsTheSameMetric) {
  Metrics metrics;
  Metric& first = metrics.counter("astrofs_requests_total", "Requests", "host=\"a\"");
  Metric& other = metrics.counter("astrofs_requests_total", "Requests", "host=\"b\"");
  first.add(2);
  metrics.counter("astrofs_requests_total", "Requests", "host=\"a\"").add();
  EXPECT_NE(&first, &other);
  EXPECT_EQ(metrics.value("astrofs_requests_total", "host=\"a\""), 3);
  EXPECT_EQ(metrics.value("astrofs_requests_total", "host=\"b\""), 0);
  EXPECT_EQ(metrics.value("astrofs_unknown"), 0);
}

TEST(Metrics, AReferenceStaysValidWhileOthersAreAdded) {
  Metrics metrics;
  Metric& early = metrics.gauge("astrofs_early", "Early");
  for (int i = 0; i < 500; ++i) metrics.gauge("astrofs_late", "Late", "n=\"" + std::to_string(i) + "\"");
  early.set(7);
  EXPECT_EQ(metrics.value("astrofs_early"), 7);
}

TEST(Metrics, ThePrometheusTextGroupsTheLinesOfAName) {
  Metrics metrics;
  metrics.counter("astrofs_requests_total", "Requests sent", "host=\"a\"").add(5);
  metrics.gauge("astrofs_parked", "Reads that wait").set(-1);
  metrics.counter("astrofs_requests_total", "Requests sent", "host=\"b\"").add(6);
  EXPECT_EQ(metrics.prometheus(),
            "# HELP astrofs_requests_total Requests sent\n"
            "# TYPE astrofs_requests_total counter\n"
            "astrofs_requests_total{host=\"a\"} 5\n"
            "astrofs_requests_total{host=\"b\"} 6\n"
            "# HELP astrofs_parked Reads that wait\n"
            "# TYPE astrofs_parked gauge\n"
            "astrofs_parked -1\n");
}

TEST(Metrics, ANewlineCannotForgeALine) {
  Metrics metrics;
  metrics.gauge("astrofs_x", "one\ntwo \\ three", "host=\"a\nb\"").set(1);
  EXPECT_EQ(metrics.prometheus(),
            "# HELP astrofs_x one\\ntwo \\\\ three\n"
            "# TYPE astrofs_x gauge\n"
            "astrofs_x{host=\"a\\nb\"} 1\n");
}

TEST(Metrics, ThreadsMayAddRegisterAndReadAtOnce) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&metrics, label = "n=\"" + std::to_string(i) + "\""] {
        for (int j = 0; j < 200; ++j) {
          metrics.counter("astrofs_all_total", "All").add();
          metrics.counter("astrofs_each_total", "Each", label).add();
          static_cast<void>(metrics.prometheus());
        }
      });
    }
  }
  EXPECT_EQ(metrics.value("astrofs_all_total"), 800);
  EXPECT_EQ(metrics.value("astrofs_each_total", "n=\"3\""), 200);
}

}  // namespace
}  // namespace astrofs
