#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include "cli/program.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/image/image.h"
#include "sscvae/image/noise.h"
#include "sscvae/image/synthetic.h"
#include "sscvae/image/value_range.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"

namespace sscvae::testing {
namespace {

image::Image ramp_16bit(int64_t width, int64_t height) {
  image::Image picture;
  picture.width = width;
  picture.height = height;
  picture.bit_depth = 16;
  picture.bytes.resize(static_cast<size_t>(2 * width * height));
  for (size_t i = 0; i < picture.bytes.size(); ++i) picture.bytes[i] = static_cast<uint8_t>(i * 7);
  return picture;
}

void expect_same_size_and_depth(const std::filesystem::path& original, const std::filesystem::path& result,
                                int64_t channels) {
  const image::Image a = image::read_image(original), b = image::read_image(result);
  EXPECT_EQ(b.width, a.width) << original;
  EXPECT_EQ(b.height, a.height) << original;
  EXPECT_EQ(b.bit_depth, a.bit_depth) << original;
  EXPECT_EQ(b.channels, channels) << original;
}

TEST(Reconstruct, EveryKindOfImageComesBackAtItsSizeAndDepth) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  std::filesystem::create_directories(folder / "in/deep");
  image::write_image(folder / "in/photo.jpg", image::dead_leaves(1, 481, 321, 3));
  image::write_image(folder / "in/deep/dot.png", image::dead_leaves(1, 1, 1, 1));
  image::write_image(folder / "in/deep/fine.png", ramp_16bit(37, 53));
  const Outcome outcome = run({"reconstruct", (folder / "in").string(), "--weights", weights, "--out",
                               (folder / "out").string(), "--json", (folder / "r.json").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"photo.jpg", "deep/dot.png", "deep/fine.png"})
    expect_same_size_and_depth(folder / "in" / name, folder / "out" / name, 1);
  const auto json = nlohmann::json::parse(slurp(folder / "r.json"));
  ASSERT_EQ(json["images"].size(), 3u);
  for (const auto& image : json["images"]) {
    EXPECT_GE(image["nnz"].get<double>(), 0) << image;
    EXPECT_TRUE(image.contains("psnr_db") && image.contains("zero_fraction") && image.contains("hoyer") &&
                image.contains("fit_error"));
  }
  EXPECT_NE(outcome.err.find("1 of 3 images was converted"), std::string::npos) << outcome.err;
}

TEST(Reconstruct, PhotographSizeInTiles) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  image::write_image(folder / "big.png", image::with_channels(image::dead_leaves(1, 3001, 2003, 1), 1));
  const Outcome outcome = run({"reconstruct", (folder / "big.png").string(), "--weights", weights, "--out",
                               (folder / "out").string(), "--json", "-"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  expect_same_size_and_depth(folder / "big.png", folder / "out/big.png", 1);
  EXPECT_GT(nlohmann::json::parse(outcome.out)["images"][0]["tile"], 0);
}

TEST(Reconstruct, ColourWeightsGiveColour) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 3);
  image::write_image(folder / "grey.png", image::dead_leaves(2, 20, 9, 1));
  image::write_image(folder / "colour.png", image::dead_leaves(2, 20, 9, 3));
  const Outcome outcome =
      run({"reconstruct", (folder / "*.png").string(), "--weights", weights, "--out", (folder / "out").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name : {"grey.png", "colour.png"})
    expect_same_size_and_depth(folder.path() / name, folder / "out" / name, 3);
}

/// What the model alone makes of an image, without the program around it.
image::Image by_the_model(const std::string& weights, const image::Image& picture) {
  const auto model = models::trainable(runtime::load_weights(weights).model);
  const at::NoGradGuard no_grad;
  const at::Tensor input = image::to_array(image::with_channels(picture, model->options().in_channels));
  return image::from_array(models::forward_any_size(*model, input.unsqueeze(0)).reconstruction, picture.bit_depth);
}

/// The mean and the largest difference in grey levels of 8 bits.
std::pair<double, double> difference_of(const image::Image& a, const image::Image& b) {
  const at::Tensor difference = as_tensor(image::to_array(a) - image::to_array(b)).abs() * 255;
  return {difference.mean().item<double>(), difference.max().item<double>()};
}

TEST(Reconstruct, PixelsAreThoseOfTheModel) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, image::Image>> pictures{
      {"grey.png", image::dead_leaves(1, 61, 40, 1)},
      {"colour.png", image::dead_leaves(2, 40, 61, 3)},
      {"deep.png", image::from_array(image::to_array(image::dead_leaves(3, 33, 47, 1)), 16)},
      {"big.png", image::dead_leaves(4, 230, 170, 1)}};
  std::filesystem::create_directories(folder / "in");
  for (const auto& [name, picture] : pictures) image::write_image(folder.path() / "in" / name, picture);
  for (const int channels : {1, 3})
    for (const char* engine : {"fast", "plain"}) {
      SCOPED_TRACE(std::to_string(channels) + engine);
      const std::string weights = write_tiny_weights(folder / "w.safetensors", channels, "reconstruct", "ssc-vae",
                                                     {"model.sparse_coder.threshold_refinement=\"none\""});
      const std::string out = (folder / (std::to_string(channels) + engine)).string();
      const Outcome outcome = run({"reconstruct", (folder / "in").string(), "--weights", weights, "--out", out,
                                   "--tile", "0", "--precision", "fp32", "--engine", engine});
      ASSERT_EQ(outcome.code, 0) << outcome.err;
      for (const auto& [name, picture] : pictures) {
        const image::Image result = image::read_image(std::filesystem::path(out) / name);
        const auto [mean, largest] = difference_of(result, by_the_model(weights, picture));
        EXPECT_LT(mean, 0.02) << name;
        EXPECT_LE(largest, 1.01) << name << ": more than a rounding at a half";
        EXPECT_GT(difference_of(result, image::with_channels(picture, channels)).first, 0.1) << name << " is the input";
      }
    }
}

TEST(Denoise, PixelsComeNearerToTheCleanOnes) {
  const TemporaryFolder folder;
  for (const auto& [weights, channels] : {std::pair("natural-denoise-grey", 1), {"natural-denoise-colour", 3}}) {
    SCOPED_TRACE(weights);
    const image::Image clean = image::dead_leaves(5, 96, 80, channels);
    image::write_image(folder / "noisy.png",
                       image::from_array(image::add_gaussian_noise(image::to_array(clean), 25, 0, false)));
    const Outcome outcome = run({"denoise", (folder / "noisy.png").string(), "--weights", weights, "--sigma-8bit", "25",
                                 "--out", (folder / weights).string()});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const double before = difference_of(image::read_image(folder / "noisy.png"), clean).first,
                 after = difference_of(image::read_image(folder / weights / "noisy.png"), clean).first;
    EXPECT_LT(after, before / 2) << "from " << before;
  }
}

std::string exif_with_orientation(int orientation) {
  const std::string start("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
  return start + static_cast<char>(orientation) + std::string(6, '\0');
}

TEST(Reconstruct, KeepsWhatTheFileSaysBesideThePixels) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 3);
  image::Image portrait = image::dead_leaves(2, 40, 24, 3);
  portrait.exif = exif_with_orientation(6);
  for (int i = 0; i < 40 * 24; ++i) portrait.alpha.push_back(static_cast<uint8_t>(i));
  image::write_image(folder / "in.png", portrait);
  const Outcome outcome = run({"reconstruct", (folder / "in.png").string(), "--weights", weights, "--out",
                               (folder / "out").string(), "--json", "-"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const image::Image expected = image::read_image(folder / "in.png", image::Alpha::kKeep),
                     result = image::read_image(folder / "out/in.png", image::Alpha::kKeep);
  EXPECT_EQ(std::pair(result.width, result.height), std::pair(int64_t{24}, int64_t{40}));
  EXPECT_EQ(result.alpha, expected.alpha);
  EXPECT_EQ(result.exif, exif_with_orientation(1));
  EXPECT_FALSE(nlohmann::json::parse(outcome.out)["images"][0].contains("lost"));

  const Outcome jpeg = run({"reconstruct", (folder / "in.png").string(), "--weights", weights, "--out",
                            (folder / "jpeg").string(), "--format", "jpg", "--json", "-"});
  ASSERT_EQ(jpeg.code, 0) << jpeg.err;
  EXPECT_EQ(nlohmann::json::parse(jpeg.out)["images"][0]["lost"], nlohmann::json({"opacity"}));
  EXPECT_NE(jpeg.err.find("could not keep the opacity"), std::string::npos) << jpeg.err;
}

TEST(Reconstruct, ContentDecidesNotTheName) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  const image::Image deep = image::from_array(image::to_array(image::dead_leaves(2, 40, 24, 1)), 16);
  image::write_image(folder / "in.jpg", deep, image::FileFormat::kPng);
  const Outcome outcome =
      run({"reconstruct", (folder / "in.jpg").string(), "--weights", weights, "--out", (folder / "out").string()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(image::read_image(folder / "out/in.jpg").bit_depth, 16);
  EXPECT_NE(outcome.err.find("1 of 1 file is named as a JPEG and holds a PNG"), std::string::npos) << outcome.err;
}

TEST(Reading, AFileWithoutItsEndIsReadWithAWarningUnlessStrict) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors"), in = (folder / "in").string();
  std::filesystem::create_directories(in);
  const std::string png = image::encode_png(image::dead_leaves(2, 40, 24, 1));
  write_atomically(folder / "in/a.png", png.substr(0, png.size() - 12));
  const auto commands = [&](const std::string& out) {
    return std::vector<std::vector<std::string>>{
        {"reconstruct", in, "--weights", weights, "--out", out + "1"},
        {"denoise", in, "--weights", weights, "--out", out + "2"},
        {"evaluate", "--weights", weights, "--data", in, "--dataset", "folder"},
        {"compare", in, in, "--metrics", "psnr"},
        {"data", "noise", in, "--out", out + "3"}};
  };
  for (std::vector<std::string> command : commands((folder / "lenient").string())) {
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.code, 0) << command[0] << outcome.err;
    EXPECT_NE(outcome.err.find("a.png: the end of the file is missing"), std::string::npos) << outcome.err;
  }
  for (std::vector<std::string> command : commands((folder / "strict").string())) {
    command.push_back("--strict");
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.code, 4) << command[0] << outcome.err;
    EXPECT_EQ(outcome.error_lines(), 1) << outcome.err;
  }
}

/// The same picture with 12 bits in a file of 16 must be the same picture.
TEST(Reading, TwelveBitsInAFileOfSixteen) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  const image::Image full = image::from_array(image::to_array(image::dead_leaves(2, 40, 24, 1)), 16);
  const image::Image twelve = image::in_units_of(full, image::full_range(12), 16);
  image::write_image(folder / "full.png", full);
  image::write_image(folder / "twelve.png", twelve);
  const auto restored = [&](const char* name, const std::vector<std::string>& more) {
    std::vector<std::string> command{"reconstruct", (folder / name).string(),  "--weights",  weights,
                                     "--out",       (folder / "out").string(), "--overwrite"};
    command.insert(command.end(), more.begin(), more.end());
    return run_json(command)["images"][0];
  };
  const auto of_full = restored("full.png", {});
  const auto of_twelve = restored("twelve.png", {});
  EXPECT_EQ(of_twelve["range"], nlohmann::json({0, 4095}));
  EXPECT_EQ(of_full["range"], nlohmann::json({0, 65535}));
  EXPECT_NEAR(of_twelve["psnr_db"].get<double>(), of_full["psnr_db"].get<double>(), 0.02);
  const image::Image result = image::read_image(folder / "out/twelve.png");
  EXPECT_EQ(image::find_range(result, {}).range, image::full_range(12)) << "in the units of the input";
  const auto taken_as_full = restored("twelve.png", {"--range", "full"});
  EXPECT_GT(std::abs(taken_as_full["psnr_db"].get<double>() - of_full["psnr_db"].get<double>()), 1);
  const Outcome said = run({"compare", (folder / "twelve.png").string(), (folder / "twelve.png").string()});
  EXPECT_NE(said.err.find("twelve.png is taken as 0:4095"), std::string::npos) << said.err;
  const Outcome wrong =
      run({"compare", (folder / "full.png").string(), (folder / "full.png").string(), "--range", "9:3"});
  EXPECT_EQ(wrong.code, 2) << wrong.err;
}

TEST(Reading, TheLimitOfPixelsIsAnOption) {
  const TemporaryFolder folder;
  const std::string image = (folder / "a.png").string();
  image::write_image(image, image::dead_leaves(2, 40, 24, 1));
  EXPECT_EQ(run({"compare", image, image, "--max-pixels", "960"}).code, 0);
  const Outcome refused = run({"compare", image, image, "--max-pixels", "959"});
  EXPECT_EQ(refused.code, 4) << refused.err;
  EXPECT_NE(refused.err.find("40x24 pixels, expected 1 to 959"), std::string::npos) << refused.err;
  EXPECT_EQ(run({"compare", image, image, "--max-pixels", "-1"}).code, 2);
  const Outcome info = run({"data", "info", folder.path().string(), "--set", "max_pixels=959"});
  EXPECT_NE(info.out.find("broken: a.png"), std::string::npos) << info.out << info.err;
}

/// What can be measured is; the end says that not all could be.
TEST(BrokenImages, EveryCommandGoesOnNamesThemAndFails) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors"), in = (folder / "in").string();
  std::filesystem::create_directories(in);
  for (const char* name : {"a.png", "c.png", "d.png"})
    image::write_image(folder / "in" / name, image::dead_leaves(2, 40, 24, 1));
  write_atomically(folder / "in/b.png", "no image");
  const std::vector<std::vector<std::string>> commands{
      {"evaluate", "--weights", weights, "--data", in, "--dataset", "folder"},
      {"compare", in, in},
      {"reconstruct", in, "--weights", weights, "--out", (folder / "1").string()},
      {"denoise", in, "--weights", weights, "--out", (folder / "2").string()},
      {"calibrate", "--weights", weights, "--data", in, "--dataset", "folder", "--out",
       (folder / "3.safetensors").string()},
      {"data", "noise", in, "--out", (folder / "4").string()}};
  for (std::vector<std::string> command : commands) {
    const std::string name = command[0];
    command.insert(command.end(), {"--json", "-"});
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.code, 4) << name << outcome.err;
    EXPECT_NE(outcome.err.find("b"), std::string::npos);
    EXPECT_NE(outcome.err.find("neither PNG nor JPEG"), std::string::npos) << name << outcome.err;
    EXPECT_NE(outcome.err.find("1 of 4 images could not be processed"), std::string::npos) << name << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    if (json.contains("images") && json["images"].is_array()) {
      EXPECT_EQ(json["images"].size(), 3u) << name;
    }
    EXPECT_EQ(json.value("count", 3), 3) << name;
  }
}

TEST(Evaluate, LimitTakesImagesFromTheWholeList) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  for (const char* organ : {"breast", "heart", "liver"}) {
    std::filesystem::create_directories(folder / "in" / organ);
    for (const char* name : {"1.png", "2.png"})
      image::write_image(folder / "in" / organ / name, image::dead_leaves(2, 24, 24, 1));
  }
  const auto result = run_json(
      {"evaluate", "--weights", weights, "--data", (folder / "in").string(), "--dataset", "folder", "--limit", "3"});
  ASSERT_EQ(result["images"].size(), 3u);
  EXPECT_EQ(result["images"][0]["name"], "breast/1.png");
  EXPECT_EQ(result["images"][1]["name"], "heart/1.png");
  EXPECT_EQ(result["images"][2]["name"], "liver/1.png");
}

TEST(Evaluate, PaperAndAuthorsSlideWindows) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  create_folder(folder / "in");
  image::write_image(folder / "in/a.png", image::dead_leaves(2, 300, 270, 1));
  const auto evaluated = [&](const std::string& protocol, const std::string& stride) {
    return run_json({"evaluate", "--weights", weights, "--data", (folder / "in").string(), "--dataset", "folder",
                     "--part", "all", "--protocol", protocol, "--stride", stride});
  };
  const auto side_by_side = evaluated("paper", "256"), sliding = evaluated("paper", "32");
  EXPECT_EQ(side_by_side["windows"], 1);
  EXPECT_EQ(sliding["windows"], 2) << "300 pixels hold two";
  EXPECT_EQ(sliding["count"], 1);
  EXPECT_NE(sliding["mean"]["psnr_db"], side_by_side["mean"]["psnr_db"]);
  EXPECT_NE(evaluated("authors", "32")["mean"]["psnr_db"], sliding["mean"]["psnr_db"]) << "one stitched image";
}

TEST(Denoise, EstimatesTheNoiseAndKnowsTheCleanImage) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "denoise");
  image::write_image(folder / "clean.png", image::dead_leaves(3, 160, 128, 1));
  const std::vector<std::string> common{
      "denoise", (folder / "clean.png").string(), "--weights", weights, "--add-noise", "30", "--json", "-", "--out"};
  std::vector<std::string> arguments = common;
  arguments.push_back((folder / "out").string());
  const Outcome outcome = run(arguments);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto image = nlohmann::json::parse(outcome.out)["images"][0];
  EXPECT_NEAR(image["sigma_8bit"].get<double>(), 30, 4);
  EXPECT_NEAR(image["noisy_psnr_db"].get<double>(), 20 * std::log10(255 / 30.0), 0.7);  // clipped when measured
  EXPECT_TRUE(image.contains("psnr_db"));

  arguments = common;
  arguments.insert(arguments.end(), {(folder / "strong").string(), "--strength", "4"});
  const Outcome strong = run(arguments);
  ASSERT_EQ(strong.code, 0) << strong.err;
  EXPECT_LT(nlohmann::json::parse(strong.out)["images"][0]["nnz"].get<double>(), image["nnz"].get<double>());
}

Outcome run_in_shell(const std::string& command) {
  const TemporaryFolder folder;
  const int status = std::system(
      ("{ " + command + "; } >" + quoted((folder / "out").string()) + " 2>" + quoted((folder / "err").string()))
          .c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(folder / "out"), slurp(folder / "err")};
}

TEST(Pipes, AnImageComesInAndGoesOut) {
  const TemporaryFolder folder;
  const auto at = [&](const std::string& name) { return quoted((folder / name).string()); };
  const std::string weights = quoted(write_tiny_weights(folder / "w.safetensors", 1, "denoise"));
  image::write_image(folder / "a.png", ramp_16bit(37, 53));
  image::write_image(folder / "b.jpg", image::dead_leaves(1, 40, 40, 1));
  for (const std::string& command : {std::string("denoise"), std::string("reconstruct")}) {
    const std::string program = quoted(SSCVAE_PROGRAM) + " " + command + " ", with = " --weights " + weights;
    ASSERT_EQ(run_in_shell(program + at("a.png") + with + " --out " + at("out") + " --overwrite").code, 0);
    const std::string expected = slurp(folder / "out/a.png");
    const Outcome piped = run_in_shell("cat " + at("a.png") + " | " + program + "-" + with + " --out - | cat");
    EXPECT_TRUE(piped.out == expected) << piped.err;  // and no table
    const Outcome redirected =
        run_in_shell(program + "- <" + at("a.png") + with + " --out /dev/stdout >" + at("r.png"));
    EXPECT_EQ(redirected.code, 0) << redirected.err;
    EXPECT_TRUE(slurp(folder / "r.png") == expected);
    const Outcome jpeg = run_in_shell(program + at("b.jpg") + with + " --out - --json " + at(command + ".json"));
    EXPECT_EQ(jpeg.out.substr(0, 3), "\xff\xd8\xff") << jpeg.err;
    EXPECT_EQ(nlohmann::json::parse(slurp(folder / (command + ".json")))["images"].size(), 1u);
    EXPECT_EQ(run_in_shell(program + at("b.jpg") + with + " --out - --format png").out.substr(1, 3), "PNG");
    ASSERT_EQ(run_in_shell(program + "- <" + at("a.png") + with + " --out " + at("out")).code, 0);
    EXPECT_TRUE(slurp(folder / "out/stdin.png") == expected);
    std::filesystem::remove(folder / "out/stdin.png");
    for (const std::string& wrong :
         {at("a.png") + " " + at("b.jpg"), at("a.png") + " --json -", at("a.png") + " --skip-existing"}) {
      const Outcome refused = run_in_shell(program + wrong + with + " --out -");
      EXPECT_EQ(refused.code, 2) << wrong << refused.err;
      EXPECT_EQ(refused.out, "") << wrong;
    }
  }
  const std::string noise = quoted(SSCVAE_PROGRAM) + " data noise - --sigma-8bit 5 --out - <" + at("a.png");
  EXPECT_EQ(run_in_shell(noise).out.substr(1, 3), "PNG");
  EXPECT_EQ(
      run_in_shell("echo no image | " + quoted(SSCVAE_PROGRAM) + " denoise - --weights " + weights + " --out -").code,
      4);
}

TEST(Pipes, NamesAreOneLineOnATerminal) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors"), name = "a\nb\x1b[31m.png";
  std::filesystem::create_directories(folder / "in");
  image::write_image(folder / "in" / name, image::dead_leaves(1, 32, 32, 1));
  std::ofstream(folder / "in" / ("c\nd.png")) << "no image";
  const Outcome outcome =
      run({"reconstruct", (folder / "in").string(), "--weights", weights, "--out", (folder / "out").string()});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_NE(outcome.out.find("\na\\nb\\x1b[31m.png  32x32"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.err.find("warning: c\\nd.png left out"), std::string::npos) << outcome.err;
  EXPECT_EQ((outcome.out + outcome.err).find('\x1b'), std::string::npos);
  EXPECT_EQ(outcome.error_lines(), 1);
  EXPECT_TRUE(std::filesystem::exists(folder / "out" / name));
}

}  // namespace
}  // namespace sscvae::testing
