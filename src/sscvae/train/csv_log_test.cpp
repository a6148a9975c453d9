#include "sscvae/train/csv_log.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "support/paths.h"

namespace sscvae::train {
namespace {

TEST(CsvLog, WritesNineDigitsAndEmptyCellsForNan) {
  const testing::TemporaryFolder folder;
  CsvLog log(folder / "log.csv", {"step", "loss", "latent"}, 0);
  log.row(1, {0.1234567891234, std::nan("")});
  EXPECT_EQ(read_file(folder / "log.csv"), "step,loss,latent\n1,0.123456789,\n");
}

TEST(CsvLog, KeepsCompleteRowsUpToTheStep) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "log.csv", "step,loss\n10,1\n20,2\n30,3\n4");
  CsvLog log(folder / "log.csv", {"step", "loss"}, 20);
  log.row(30, {3.5});
  EXPECT_EQ(read_file(folder / "log.csv"), "step,loss\n10,1\n20,2\n30,3.5\n");
}

TEST(CsvLog, DropsATornRowEvenIfItsStepWouldBeKept) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "log.csv", "step,loss\n10,1\n2");
  CsvLog log(folder / "log.csv", {"step", "loss"}, 100);
  EXPECT_EQ(read_file(folder / "log.csv"), "step,loss\n10,1\n");
}

TEST(CsvLog, RefusesOtherColumns) {
  const testing::TemporaryFolder folder;
  write_atomically(folder / "log.csv", "step,other\n");
  EXPECT_THROW(CsvLog(folder / "log.csv", {"step", "loss"}, 0), FormatError);
}

TEST(CsvLog, ReadsBackByColumn) {
  const testing::TemporaryFolder folder;
  CsvLog log(folder / "log.csv", {"step", "loss", "latent"}, 0);
  log.row(5, {0.5, std::nan("")});
  log.row(10, {0.25, 2});
  const auto table = read_csv_log(folder / "log.csv");
  EXPECT_EQ(table.at("step"), (std::vector<double>{5, 10}));
  EXPECT_EQ(table.at("loss"), (std::vector<double>{0.5, 0.25}));
  EXPECT_TRUE(std::isnan(table.at("latent")[0]));
  EXPECT_TRUE(read_csv_log(folder / "none.csv").empty());
}

}  // namespace
}  // namespace sscvae::train
