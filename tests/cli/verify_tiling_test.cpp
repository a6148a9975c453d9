#include "cli/program.h"
#include "sscvae/image/image.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::testing {
namespace {

TEST(VerifyTiling, SaysWhatTilesChange) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "reconstruct", "ssc-vae");
  const std::string input = (folder / "in.png").string();
  image::write_image(input, image::dead_leaves(2, 96, 120, 1));
  const auto found = run_json({"verify-tiling", input, "--weights", weights, "--tile", "40"});
  EXPECT_EQ(found["tile"], 40);
  EXPECT_EQ(found["tiles"], 20);  // 4 x 5 that share 10 pixels or more, in multiples of 8
  const double largest = found["largest_8bit"], rms = found["rms_8bit"];
  EXPECT_GT(rms, 0);
  EXPECT_GT(largest, rms);

  // As files show it, which are rounded.
  std::vector<image::Image> results;
  for (const std::string tile : {"40", "0"}) {
    const std::string out = (folder / ("out" + tile)).string();
    ASSERT_EQ(run({"reconstruct", input, "--weights", weights, "--tile", tile, "--out", out, "--quiet"}).code, 0);
    results.push_back(image::read_image(out + "/in.png"));
  }
  const at::Tensor apart = as_tensor(image::to_array(results[0]) - image::to_array(results[1])).abs() * 255;
  EXPECT_NEAR(apart.max().item<double>(), largest, 1.01);
  EXPECT_NEAR(apart[0][found["row"].get<int64_t>()][found["column"].get<int64_t>()].item<double>(), largest, 1.01);
}

TEST(VerifyTiling, RefusesWhatIsNotTiled) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  const std::string input = (folder / "in.png").string();
  image::write_image(input, image::dead_leaves(2, 40, 40, 1));
  const Outcome outcome = run({"verify-tiling", input, "--weights", weights});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("--tile"), std::string::npos) << outcome.err;
  const Outcome never = run({"verify-tiling", input, "--weights", weights, "--tile", "0"});
  EXPECT_EQ(never.code, 2);
  EXPECT_NE(never.err.find("--tile: expected auto or a number of pixels >= 1, got '0'"), std::string::npos)
      << never.err;
  EXPECT_EQ(run({"verify-tiling", "--help"}).out.find("never tile"), std::string::npos)
      << "what is refused is no offer";
  EXPECT_NE(run({"reconstruct", "--help"}).out.find("never tile"), std::string::npos);
}

}  // namespace
}  // namespace sscvae::testing
