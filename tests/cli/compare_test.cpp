#include <cmath>

#include "cli/program.h"
#include "sscvae/image/image.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/metrics/inception.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/torch_checkpoint.h"

namespace sscvae::testing {
namespace {

/// An Inception file whose weights are small random numbers: the right keys, no meaning.
std::string write_inception(const std::filesystem::path& path) {
  serialization::StateDict state;
  uint64_t seed = 1;
  const auto filled = [&](const Sizes& sizes, double scale, double offset) {
    const Array values = Array::empty(sizes);
    for (int64_t i = 0; i < values.numel(); ++i) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const double r = 2 * static_cast<double>(seed >> 40) / static_cast<double>(1 << 24) - 1;
      values.data<float>()[i] = static_cast<float>(offset + r * scale);
    }
    return values;
  };
  for (const auto& [name, sizes] : metrics::Inception::expected()) {
    const double fan_in = sizes.size() > 1 ? static_cast<double>(sizes.product() / sizes[0]) : 25;
    const bool around_one = name.ends_with("bn.weight") || name.ends_with("running_var");
    state.add(name, filled(sizes, around_one ? 0.5 : std::sqrt(6 / fan_in), around_one ? 1 : 0));
  }
  serialization::write_torch_checkpoint(path, state);
  return path.string();
}

void make_images(const std::filesystem::path& folder, const char* count, const char* size, const char* seed) {
  ASSERT_EQ(
      run({"data", "synth", "--count", count, "--size", size, "--seed", seed, "--out", folder.string(), "--quiet"})
          .code,
      0);
}

TEST(CompareImages, PerfectOnesCountAndConversionsAreSaid) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "a");
  std::filesystem::create_directories(folder / "b");
  const image::Image colour = image::dead_leaves(1, 40, 30, 3);
  image::Image veiled = colour;
  veiled.alpha.assign(40 * 30, 100);
  const image::Image deep = image::from_array(image::to_array(colour), 16);
  const auto put = [&](const char* name, const image::Image& a, const image::Image& b) {
    image::write_image(folder / "a" / name, a);
    image::write_image(folder / "b" / name, b);
  };
  put("same.png", colour, colour);
  const auto same = run_json({"compare", (folder / "a/same.png").string(), (folder / "b/same.png").string()});
  EXPECT_EQ(same["mean"]["psnr_db"], "inf");
  EXPECT_TRUE(same["interval95"].at("ssim").is_null()) << "one image has no interval";
  put("grey.png", colour, image::with_channels(colour, 1));
  put("deep.png", deep, deep);
  put("veiled.png", veiled, veiled);
  const Outcome outcome =
      run({"compare", (folder / "a").string(), (folder / "b").string(), "--metrics", "psnr", "--json", "-"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto result = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(result["mean"]["psnr_db"], "inf");
  EXPECT_TRUE(result["left_out"].empty());
  for (const auto& image : result["images"])
    EXPECT_EQ(image["psnr_db"].is_number(), image["name"] == "grey") << "losing the colours is a difference";
  for (const char* key : {"converted", "with_opacity", "rounded_from_16bit"}) EXPECT_EQ(result[key], 1) << key;
  for (const char* text :
       {"1 of 4 pairs is colour against grey", "1 of 4 pairs has opacity", "1 of 4 pairs has 16 bits"})
    EXPECT_NE(outcome.err.find(text), std::string::npos) << text << "\n" << outcome.err;
}

TEST(CompareImages, PerfectOnesHaveNoInterval) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "a");
  for (const char* name : {"1.png", "2.png", "3.png"})
    image::write_image(folder / "a" / name, image::dead_leaves(1, 40, 30, 1));
  const std::string a = (folder / "a").string();
  const Outcome outcome = run({"compare", a, a, "--metrics", "psnr", "--json", (folder / "c.json").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("to inf"), std::string::npos) << outcome.out;
  const auto result = nlohmann::json::parse(slurp(folder / "c.json"));
  EXPECT_EQ(result["mean"]["psnr_db"], "inf");
  EXPECT_TRUE(result["interval95"].at("psnr_db").is_null());
}

TEST(CompareSets, FoldersThatDoNotMatchImageByImage) {
  const TemporaryFolder folder;
  const std::string inception = write_inception(folder / "inception.pth"), a = (folder / "a").string(),
                    b = (folder / "b").string(), cache = (folder / "cache").string();
  make_images(a, "4", "40x32", "1");
  make_images(b, "3", "64x64", "2");
  const std::vector<std::string> command{"compare", a, b, "--sets", "--inception", inception, "--feature-cache", cache};
  const auto result = run_json(command);
  EXPECT_EQ(result["counts"], nlohmann::json({4, 3}));
  EXPECT_GT(result["fid"].get<double>(), 0);
  EXPECT_TRUE(result["kid"].is_number());
  EXPECT_EQ(result["inception_sha256"].get<std::string>().size(), 64u);
  EXPECT_NE(result["warning"].get<std::string>().find("2048"), std::string::npos);
  EXPECT_EQ(result["protocol"]["name"], "sound");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(cache), {}), 2);
  const auto again = run_json(command);
  EXPECT_EQ(again["fid"], result["fid"]) << "from the kept features";
  const auto same = run_json({"compare", a, a, "--sets", "--inception", inception, "--metrics", "fid"});
  EXPECT_NEAR(same["fid"].get<double>(), 0, 1e-6);
  EXPECT_FALSE(same.contains("kid"));
  const Outcome text = run(command);
  EXPECT_NE(text.out.find("4 against 3 images"), std::string::npos) << text.out;
  EXPECT_NE(text.err.find("warning: FID of 3 images"), std::string::npos) << text.err;
}

TEST(CompareSets, EvaluateAddsThemBetweenOriginalsAndReconstructions) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  make_images(folder / "in", "3", "40x40", "1");
  const auto result = run_json({"evaluate", "--weights", weights, "--data", (folder / "in").string(), "--dataset",
                                "folder", "--inception", write_inception(folder / "inception.pth"), "--feature-cache",
                                (folder / "cache").string()});
  EXPECT_EQ(result["sets"]["counts"], nlohmann::json({3, 3}));
  EXPECT_GT(result["sets"]["fid"].get<double>(), 0);
  EXPECT_TRUE(result["sets"]["kid"].is_number());
  EXPECT_GT(result["mean"]["lpips"].get<double>(), 0);
  EXPECT_GT(result["mean"]["lpips_squeeze"].get<double>(), 0);
}

TEST(CompareSets, WhatIsMissingOrForeignIsSaid) {
  const TemporaryFolder folder;
  const std::string a = (folder / "a").string();
  make_images(a, "2", "16x16", "1");
  const auto expect = [](const std::vector<std::string>& arguments, int code, const std::string& text) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_NE(outcome.err.find(text), std::string::npos) << outcome.err;
  };
  expect({"compare", a, a, "--sets"}, 2, "--inception is missing");
  expect({"compare", a, a, "--sets", "--inception", "none.pth"}, 3, "none.pth");
  expect({"compare", a, a, "--inception", "none.pth"}, 2, "belong to --sets");
  expect({"compare", a, a, "--metrics", "fid"}, 2, "--sets");
  expect({"compare", a, a, "--sets", "--inception", "x", "--metrics", "psnr"}, 2, "known: fid, kid");
  const std::string foreign = write_tiny_weights(folder / "w.safetensors");
  expect({"compare", a, a, "--sets", "--inception", foreign}, 4, "'Conv2d_1a_3x3.conv.weight' is missing");
}

TEST(CompareRuns, PairedDifferencesOverCommonImages) {
  const TemporaryFolder folder;
  std::ofstream a(folder / "a.csv"), b(folder / "b.csv");
  a << "image,psnr_db,lpips,nnz,only_here\n";
  b << "image,lpips,psnr_db,nnz\n";
  for (int i = 0; i < 20; ++i) {
    const double hard = 3.0 * (i % 7);
    a << "i" << i << "," << 20 + hard << "," << 0.5 + 0.01 * (i % 3) << ",5,1\n";
    b << "i" << 19 - i << "," << 0.5 + 0.01 * ((19 - i + 1) % 3) << "," << 20.5 + 3.0 * ((19 - i) % 7) + 0.1 * (i % 2)
      << ",4\n";
  }
  a << "extra,1,1,1,1\n";
  a.close();
  b.close();
  const auto result = run_json({"compare", "--runs", (folder / "a.csv").string(), (folder / "b.csv").string()});
  EXPECT_EQ(result["count"], 20);
  EXPECT_EQ(result["only_a"], 1);
  EXPECT_EQ(result["only_b"], 0);
  EXPECT_NEAR(result["difference"]["psnr_db"].get<double>(), 0.55, 1e-9);
  EXPECT_GT(result["interval95"]["psnr_db"][0].get<double>(), 0.5);
  EXPECT_LT(result["interval95"]["psnr_db"][1].get<double>(), 0.6);
  EXPECT_EQ(result["better"]["psnr_db"], "b");
  EXPECT_EQ(result["better"]["lpips"], "undecided");
  EXPECT_EQ(result["difference"]["nnz"], -1.0);
  EXPECT_FALSE(result["better"].contains("nnz")) << "neither more nor less is better";
  EXPECT_FALSE(result["difference"].contains("only_here"));
  const auto turned = run_json({"compare", "--runs", (folder / "b.csv").string(), (folder / "a.csv").string()});
  EXPECT_EQ(turned["better"]["psnr_db"], "a");
}

TEST(CompareRuns, TablesThatAreNoneOrDoNotMeet) {
  const TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  };
  const std::string good = write("good.csv", "image,psnr_db\na,1\nb,2\n");
  const auto expect = [&](const std::string& other, int code, const std::string& text) {
    const Outcome outcome = run({"compare", "--runs", good, other});
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_NE(outcome.err.find(text), std::string::npos) << outcome.err;
  };
  expect(write("empty.csv", ""), 4, "is empty");
  expect(write("names.csv", "name,psnr_db\na,1\n"), 4, "image");
  expect(write("cells.csv", "image,psnr_db\na,1,2\n"), 4, "expected 2 cells, got 3");
  expect(write("words.csv", "image,psnr_db\na,much\n"), 4, "'much'");
  expect(write("twice.csv", "image,psnr_db\na,1\na,2\n"), 4, "twice");
  expect(write("others.csv", "image,psnr_db\nc,1\n"), 2, "no image in common");
  expect(write("figures.csv", "image,ssim\na,1\n"), 2, "no figure in common");
  expect((folder / "none.csv").string(), 3, "none.csv");
  const Outcome mixed = run({"compare", "--runs", "--sets", good, good});
  EXPECT_EQ(mixed.code, 2) << mixed.err;
}

TEST(ListWeights, MetricNetworksAreNoModels) {
  for (const auto& row : run_json({"list", "weights"}))
    EXPECT_EQ(row["name"].get<std::string>().find("lpips"), std::string::npos) << row;
  std::vector<std::string> metrics;
  for (const auto& row : run_json({"list", "metrics"})) metrics.push_back(row["name"]);
  for (const char* name : {"lpips", "lpips_squeeze", "fid", "kid"})
    EXPECT_NE(std::find(metrics.begin(), metrics.end(), name), metrics.end()) << name;
}

}  // namespace
}  // namespace sscvae::testing
