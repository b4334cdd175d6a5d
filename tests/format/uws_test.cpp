// Jobs of the Virtual Observatory as services write them.
#include "backends/format/uws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/format/samples.h"

namespace astrofs::uws {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Uws, ReadsAJobWhoseElementsStandInAnyOrderAndHaveAnyPrefix) {
  const auto job = parse_job(
      "<x:job xmlns:x='u' xmlns:l='l'><x:parameters><x:parameter id='nrows'> 40\n</x:parameter>"
      "<x:parameter id='size' nil='true'/></x:parameters><x:results><x:result id='csv' l:href='http://a/b'/>"
      "</x:results><x:more><x:phase>ERROR</x:phase></x:more><x:jobId>7</x:jobId><x:phase>\n COMPLETED "
      "</x:phase>"
      "<x:runId>mine</x:runId></x:job>");
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->id, "7");
  EXPECT_EQ(job->run_id, "mine");
  EXPECT_EQ(job->phase, Phase::completed);
  EXPECT_EQ(job->results.at("csv"), "http://a/b");
  EXPECT_THAT(job->parameters, SizeIs(1));
  EXPECT_EQ(job->parameters.at("nrows"), "40");
  EXPECT_THAT(job->error, IsEmpty());
}

TEST(Uws, FindsTheReasonOfAFailureInTheSummaryOrBelowIt) {
  const std::string head = "<job><phase>ERROR</phase>";
  EXPECT_EQ(parse_job(head + "<errorSummary>Quota is\nexceeded\n</errorSummary></job>")->error,
            "Quota is\nexceeded");
  EXPECT_EQ(parse_job(head + "<errorSummary type='fatal' hasDetail='true'><message>no such table</message>"
                             "</errorSummary></job>")
                ->error,
            "no such table");
  EXPECT_EQ(parse_job(head + "<errorSummary nil='true'></errorSummary></job>")->error, "");
}

TEST(Uws, IsNoJobWhatIsNone) {
  for (const char* const text :
       {"", "<html/>", "<job/>", "<job><phase>PENDING</phase>", "<jobs><phase>ERROR</phase></jobs>",
        "<!DOCTYPE job [<!ENTITY a 'b'>]><job><phase>&a;</phase></job>"}) {
    const auto job = parse_job(text);
    ASSERT_FALSE(job) << text;
    EXPECT_EQ(job.error().code, Errc::corrupt) << text;
  }
  EXPECT_EQ(parse_job("<job><phase>SLEEPING</phase></job>")->phase, Phase::unknown);
}

TEST(Uws, KnowsWhichPhasesAreTheLast) {
  EXPECT_EQ(phase_named("EXECUTING\r\n"), Phase::executing);
  EXPECT_EQ(phase_named("executing"), Phase::unknown);
  for (const Phase phase : {Phase::completed, Phase::error, Phase::aborted, Phase::archived})
    EXPECT_TRUE(is_over(phase));
  for (const Phase phase :
       {Phase::pending, Phase::queued, Phase::executing, Phase::held, Phase::suspended, Phase::unknown})
    EXPECT_FALSE(is_over(phase));
}

TEST(Uws, ReadsListsOfJobs) {
  EXPECT_THAT(*parse_jobs("<jobs/>"), IsEmpty());
  EXPECT_FALSE(parse_jobs("<job/>"));
  const auto jobs = parse_jobs(
      "<u:jobs xmlns:u='u'><u:jobref id='a' href='http://x/a'><u:phase>QUEUED</u:phase>"
      "<u:runId>astrofs-1</u:runId></u:jobref><u:jobref id='b'/></u:jobs>");
  ASSERT_TRUE(jobs);
  ASSERT_THAT(*jobs, SizeIs(2));
  EXPECT_EQ(jobs->front().address, "http://x/a");
  EXPECT_EQ(jobs->front().run_id, "astrofs-1");
  EXPECT_EQ(jobs->front().phase, Phase::queued);
  EXPECT_EQ(jobs->back().phase, Phase::unknown);
}

TEST(UwsSamples, ReadsTheJobsOfDaiquiri) {
  NEEDS_SAMPLES();
  const auto job = [](const std::string& name) {
    auto read =
        parse_job(testing::content_of(*testing::samples() / "vo/daiquiri" / ("uws_job_" + name + ".xml")));
    EXPECT_TRUE(read) << name;
    return read.value_or(Job{});
  };
  EXPECT_EQ(job("pending").phase, Phase::pending);
  EXPECT_EQ(job("executing").phase, Phase::executing);
  EXPECT_EQ(job("aborted").phase, Phase::aborted);
  EXPECT_EQ(job("archived").phase, Phase::archived);
  EXPECT_EQ(job("error_quota").error, "Quota is exceeded. Please remove some of your jobs.");
  EXPECT_EQ(job("error_timeout").error, "canceling statement due to statement timeout");
  const Job completed = job("completed");
  EXPECT_EQ(completed.owner, "busko");
  EXPECT_THAT(completed.results, SizeIs(5));
  EXPECT_THAT(completed.results.at("csv"), HasSubstr("/results/csv"));
  EXPECT_THAT(job("completed_pre2025-09").results, SizeIs(3));
  const auto list = parse_jobs(testing::content_of(*testing::samples() / "vo/daiquiri/uws_joblist.xml"));
  ASSERT_TRUE(list);
  ASSERT_THAT(*list, SizeIs(2));
  EXPECT_EQ(list->back().run_id, "mine");
}

TEST(UwsSamples, ReadsTheJobsOfDachs) {
  NEEDS_SAMPLES();
  const auto content = [](const char* name) {
    return testing::content_of(*testing::samples() / "vo/dachs_exchanges" / name);
  };
  EXPECT_EQ(parse_job(content("24_async_job_pending.xml"))->phase, Phase::pending);
  const auto failed = parse_job(content("44_async_err_job.xml"));
  ASSERT_TRUE(failed) << failed.error().message;
  EXPECT_EQ(failed->phase, Phase::error);
  EXPECT_FALSE(failed->error.empty());
  EXPECT_EQ(phase_named(content("28_async_phase.txt")), Phase::completed);
  EXPECT_TRUE(parse_jobs(content("35_async_list.xml")));
}

}  // namespace
}  // namespace astrofs::uws
