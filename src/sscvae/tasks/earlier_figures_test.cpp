#include "sscvae/tasks/earlier_figures.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sscvae/core/atomic_file.h"
#include "support/paths.h"

namespace sscvae::tasks {
namespace {

TEST(EarlierFiguresTest, AreThoseOfAnEvaluationWithTheSameSettings) {
  const testing::TemporaryFolder folder;
  const Json settings{{"weights_sha256", "abc"}, {"sigma_8bit", 25.0}};
  const auto report = folder / "report.json", image = folder / "a.png";
  EXPECT_FALSE(EarlierFigures(report, settings).of("a.png", image)) << "there is none yet";
  write_atomically(image, "x");
  Json earlier = settings;
  earlier["per_image"] = "rows.csv";
  earlier["images"] = Json::array();
  earlier["images"].push_back(Json{{"name", "a.png"}, {"psnr_db", 0.1}, {"ssim", "nan"}, {"lpips", "-inf"}});
  write_atomically(report, earlier.dump());
  const EarlierFigures figures(report, settings);
  const auto of_a = figures.of("a.png", image);
  ASSERT_TRUE(of_a);
  EXPECT_EQ(of_a->at("psnr_db"), 0.1);
  EXPECT_TRUE(std::isnan(of_a->at("ssim")));
  EXPECT_EQ(of_a->at("lpips"), -INFINITY);
  EXPECT_FALSE(figures.of("b.png", image));
  EXPECT_FALSE(figures.of("a.png", folder / "gone.png"));
  EXPECT_TRUE(figures.wrote("rows.csv"));
  EXPECT_FALSE(figures.wrote("other.csv"));
  EXPECT_FALSE(figures.wrote(""));
  std::filesystem::last_write_time(image, std::filesystem::last_write_time(report) + std::chrono::seconds(5));
  EXPECT_FALSE(figures.of("a.png", image)) << "the image is newer than its figures";
}

TEST(EarlierFiguresTest, OfAnotherEvaluationAreRefused) {
  const testing::TemporaryFolder folder;
  const auto report = folder / "report.json";
  const Json settings{{"protocol", "sound"}};
  for (const std::string text :
       {"{\"protocol\": \"paper\", \"images\": []}", "{\"images\": []}", "{\"protocol\": \"sound\"}", "[]", "no JSON",
        "{\"protocol\": \"sound\", \"images\": [3]}"}) {
    write_atomically(report, text);
    EXPECT_THROW(EarlierFigures(report, settings), UsageError) << text;
  }
}

}  // namespace
}  // namespace sscvae::tasks
