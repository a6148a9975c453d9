#include <torch/types.h>

#include "cli/program.h"
#include "sscvae/array/elementwise.h"
#include "sscvae/array/reductions.h"
#include "sscvae/array/selection.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/core/sha256.h"
#include "sscvae/image/image.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/serialization/torch_checkpoint.h"
#include "support/tolerances.h"

namespace sscvae::testing {
namespace {

TEST(Commands, FromImagesToAnEvaluatedModel) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string(), split = (folder / "split.csv").string(),
                    out = (folder / "run").string();
  EXPECT_EQ(run_json({"data", "synth", "--count", "10", "--size", "40x48", "--out", images})["count"], 10);
  EXPECT_EQ(run_json({"data", "info", images})["images"], 10);
  EXPECT_EQ(run_json({"data", "split", images, "--set", "split=authors", "--out", split})["counts"],
            "train 8, val 1, test 1");

  std::vector<std::string> train{"train", "--config", "demo", "--out", out};
  std::vector<std::string> set = tiny_options();
  set.insert(set.end(), {"data.root=" + images, "data.split=manifest", "data.manifest=" + split, "train.steps=2",
                         "train.batch_size=2", "data.patch_size=32", "data.crops_per_image=1"});
  for (const std::string& value : set) train.insert(train.end(), {"--set", value});
  const auto summary = run_json(train);
  EXPECT_EQ(summary["steps"], 2);
  const std::string weights = summary["last"];
  EXPECT_EQ(run(train).code, 2);  // the run exists

  const auto result = run_json({"evaluate", "--weights", weights, "--part", "all", "--task", "denoise", "--sigma-8bit",
                                "25", "--per-image", (folder / "e.csv").string()});
  EXPECT_EQ(result["count"], 10);
  EXPECT_EQ(result["protocol"]["name"], "sound");
  EXPECT_EQ(result["protocol"]["data_range"], 1.0);
  EXPECT_EQ(result["weights_sha256"].get<std::string>().size(), 64u);
  EXPECT_EQ(result["split_sha256"].get<std::string>().size(), 64u);
  EXPECT_LE(result["interval95"]["psnr_db"][0], result["mean"]["psnr_db"]);
  const std::string csv = slurp(folder / "e.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 11);
  EXPECT_EQ(run_json({"evaluate", "--weights", weights, "--limit", "1", "--mode", "train", "--crop", "24",
                      "--sigma-8bit", "25"})["count"],
            1);

  const auto compared = run_json({"compare", images, images, "--metrics", "psnr,ssim"});
  EXPECT_EQ(compared["count"], 10);
  EXPECT_EQ(compared["mean"]["ssim"], 1.0);
  const auto inspected = run_json({"inspect", weights, "--atoms", (folder / "atoms.png").string(), "--thresholds",
                                   images + "/leaves_00001.png", "--codes", images + "/leaves_00001.png", "--out",
                                   (folder / "maps").string()});
  EXPECT_EQ(inspected["pictures"].size(), 5u);
}

TEST(Commands, DeterministicTrainingDoesNotDependOnThreads) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string();
  run_json({"data", "synth", "--count", "6", "--size", "64x64", "--out", images});
  std::vector<std::string> hashes;
  for (const char* threads : {"1", "2"}) {
    const std::string out = (folder / (std::string("run") + threads)).string();
    std::vector<std::string> train{"train", "--config", "demo", "--out", out, "--deterministic", "--threads", threads};
    std::vector<std::string> set = tiny_options();
    set.insert(set.end(), {"data.root=" + images, "data.split=all", "train.steps=3", "train.batch_size=4",
                           "data.patch_size=64", "data.crops_per_image=1"});
    for (const std::string& value : set) train.insert(train.end(), {"--set", value});
    run_json(train);
    const auto loaded = serialization::read_safetensors(out + "/checkpoints/best.safetensors");
    std::string bytes;
    for (const auto& [name, tensor] : loaded.tensors)
      bytes.append(static_cast<const char*>(tensor.contiguous().bytes()), static_cast<size_t>(tensor.byte_count()));
    hashes.push_back(sha256_hex(bytes));
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

TEST(Commands, ParameterCountsOfThePaper) {
  const std::map<std::string, int64_t> expected{
      {"ssc-vae", 22948756}, {"sc-vae-in", 22915970}, {"sc-vae", 19115394}, {"vq-vae", 19114369}, {"vq-gan", 19114369}};
  for (const auto& [name, parameters] : expected)
    EXPECT_EQ(
        run_json({"complexity", "--config", "ultrasound-reference", "--model", name, "--size", "8x8"})["parameters"],
        parameters)
        << name;
}

TEST(Commands, ExportedWeightsComeBackEqual) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  std::ofstream(folder / "c.toml") << serialization::read_safetensors(weights).metadata.at(runtime::kConfigKey);
  run_json({"export", weights, "--format", "torch", "--out", (folder / "w.pt").string()});
  run_json({"import", (folder / "w.pt").string(), "--config", (folder / "c.toml").string(), "--out",
            (folder / "back.safetensors").string()});
  const auto before = serialization::read_safetensors(weights).tensors,
             after = serialization::read_safetensors(folder / "back.safetensors").tensors;
  ASSERT_EQ(after.names(), before.names());
  for (const auto& [name, tensor] : before) EXPECT_TRUE(equal(tensor, after.at(name))) << name;
}

TEST(Commands, WeightsOfHalfTheSizeRunAsWell) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors"), images = (folder / "images").string();
  run_json({"data", "synth", "--count", "2", "--size", "40x40", "--out", images});
  const auto psnr_of = [&](const std::string& file) {
    return run_json({"evaluate", "--weights", file, "--data", images, "--dataset", "folder"})["mean"]["psnr_db"]
        .get<double>();
  };
  const auto whole = serialization::read_safetensors(weights);
  for (const auto& [type, scalar] : {std::pair("f16", kFloat16), {"bf16", kBFloat16}, {"f32", kFloat32}}) {
    const std::string out = (folder / (std::string(type) + ".SafeTensors")).string();
    run_json({"export", weights, "--format", "safetensors", "--type", type, "--out", out});
    const auto stored = serialization::read_safetensors(out);
    EXPECT_EQ(stored.metadata.at(runtime::kConfigKey), whole.metadata.at(runtime::kConfigKey)) << type;
    for (const auto& [name, tensor] : stored.tensors) {
      if (!is_floating_point(tensor.type())) continue;
      EXPECT_EQ(tensor.type(), scalar) << name;
      EXPECT_TRUE(equal(tensor, whole.tensors.at(name).to(scalar))) << name;
    }
    EXPECT_NEAR(psnr_of(out), psnr_of(weights), 0.1) << type;
  }
}

TEST(Commands, AModelBecomesAnOnnxFile) {
  const TemporaryFolder folder;
  const std::string weights = write_tiny_weights(folder / "w.safetensors"), out = (folder / "m.onnx").string();
  const auto plain = run_json({"export", weights, "--format", "onnx", "--out", out});
  EXPECT_EQ(plain["outputs"], nlohmann::json({"reconstruction"}));
  const std::string bytes = slurp(out);
  EXPECT_EQ(plain["sha256"], sha256_hex(bytes));
  for (const std::string& text :
       {plain["source_sha256"].get<std::string>(), std::string("sscvae.size_multiple"), std::string("sscvae.layout"),
        std::string("image: grey in [0,1], [batch,channel,height,width]")})
    EXPECT_NE(bytes.find(text), std::string::npos) << text;
  EXPECT_EQ(plain["channels"], "grey");
  EXPECT_EQ(plain["smallest_size"], plain["size_multiple"]);
  EXPECT_EQ(run_json({"export", weights, "--format", "onnx", "--out", out, "--overwrite"}), plain);
  const auto more =
      run_json({"export", weights, "--format", "onnx", "--outputs", "code,threshold", "--out", out, "--overwrite"});
  EXPECT_EQ(more["outputs"], nlohmann::json({"reconstruction", "threshold", "code"}));
  const std::string csc = write_tiny_weights(folder / "csc.safetensors", 3, "denoise", "csc");
  const auto blind = run_json({"export", csc, "--format", "onnx", "--out", (folder / "csc.onnx").string()});
  EXPECT_EQ(blind["channels"], "RGB");
  EXPECT_EQ(blind["smallest_size"], 16);  // it estimates the noise of its input
}

TEST(Commands, CoarserCodesCostFewerBits) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string();
  run_json({"data", "synth", "--count", "3", "--size", "40x45", "--out", images});  // padded
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "reconstruct", "ssc-vae");
  const auto with_step = [&](const std::string& step, const std::string& engine) {
    return run_json({"evaluate", "--weights", weights, "--data", images, "--dataset", "folder", "--code-step", step,
                     "--engine", engine})["mean"];
  };
  const auto whole = with_step("0", "fast"), fine = with_step("1e-6", "fast"), coarse = with_step("0.05", "fast"),
             none = with_step("1000", "fast");
  EXPECT_FALSE(whole.contains("bits_per_pixel"));
  EXPECT_NEAR(fine["psnr_db"].get<double>(), whole["psnr_db"].get<double>(), 1e-3);
  EXPECT_GT(fine["bits_per_pixel"], coarse["bits_per_pixel"]);
  EXPECT_GT(coarse["bits_per_pixel"], 0);
  EXPECT_LE(coarse["nnz"], fine["nnz"]);
  EXPECT_EQ(none["bits_per_pixel"], 0);
  EXPECT_EQ(none["nnz"], 0);
  // The fit is that of the rounded code: none explains nothing.
  EXPECT_NEAR(fine["fit_error"].get<double>(), whole["fit_error"].get<double>(), 1e-3);
  EXPECT_NE(coarse["fit_error"], whole["fit_error"]);
  EXPECT_DOUBLE_EQ(none["fit_error"].get<double>(), 1);
  const auto plain = with_step("0.05", "plain");
  EXPECT_NEAR(plain["bits_per_pixel"].get<double>(), coarse["bits_per_pixel"].get<double>(), 0.01);
  EXPECT_NEAR(plain["psnr_db"].get<double>(), coarse["psnr_db"].get<double>(), 0.01);
}

TEST(Commands, GroupsOfASplitHaveTheirOwnMeans) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string();
  run_json({"data", "synth", "--kind", "leaves", "--count", "3", "--size", "40x40", "--out", images});
  write_atomically(folder / "split.csv",
                   "path,part,group\nleaves_00000.png,test,a\nleaves_00001.png,test,b\nleaves_00002.png,test,b\n");
  const std::string weights = write_tiny_weights(folder / "w.safetensors");
  const auto report = run_json({"evaluate", "--weights", weights, "--data", images, "--dataset", "folder", "--split",
                                (folder / "split.csv").string(), "--part", "test"});
  EXPECT_EQ(report["groups"]["a"]["count"], 1);
  EXPECT_EQ(report["groups"]["b"]["count"], 2);
  const double a = report["groups"]["a"]["mean"]["psnr_db"], b = report["groups"]["b"]["mean"]["psnr_db"];
  EXPECT_NEAR((a + 2 * b) / 3, report["mean"]["psnr_db"].get<double>(), 1e-9);
  EXPECT_EQ(report["images"][0]["psnr_db"], a);
}

TEST(Commands, NoiseIsGaussianOrSpeckle) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string();
  run_json({"data", "synth", "--kind", "leaves", "--count", "2", "--size", "64x64", "--out", images});
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "denoise");
  const auto noisy_psnr = [&](const std::string& noise) {
    return run_json({"evaluate", "--weights", weights, "--data", images, "--dataset", "folder", "--sigma-8bit", "20",
                     "--noise", noise})["mean"]["noisy_psnr_db"]
        .get<double>();
  };
  EXPECT_GT(noisy_psnr("gaussian"), noisy_psnr("speckle") + 0.2);  // speckle is darker in the mean, too
  EXPECT_EQ(run({"evaluate", "--weights", weights, "--data", images, "--noise", "pepper"}).code, 2);
  const auto denoised = [&](const std::string& image, const std::string& out, bool ensemble) {
    std::vector<std::string> arguments{"denoise",      image, "--weights", weights,
                                       "--sigma-8bit", "25",  "--out",     (folder / out).string()};
    if (ensemble) arguments.emplace_back("--ensemble");
    run_json(arguments);
    return image::to_array(image::read_image((folder / out) / std::filesystem::path(image).filename()));
  };
  const std::string first = images + "/leaves_00000.png", flipped = (folder / "flipped" / "leaves_00000.png").string();
  create_folder(folder / "flipped");
  image::write_image(flipped, image::from_array(flip(image::to_array(image::read_image(first)), {2})));
  const auto asymmetry = [&](bool ensemble) {
    const std::string name = ensemble ? "many" : "one";
    return max(abs(denoised(first, name, ensemble) - flip(denoised(flipped, name + "_flipped", ensemble), {2})));
  };
  EXPECT_LE(asymmetry(true), 1.01 / 255);  // rounding
  EXPECT_GT(asymmetry(false), 4.0 / 255);
  const auto restored = run_json({"denoise", images, "--weights", weights, "--add-noise", "20", "--noise", "speckle",
                                  "--out", (folder / "out").string()});
  EXPECT_NEAR(restored["images"][0]["sigma_8bit"].get<double>(), 20, 4);
  EXPECT_EQ(run_json({"data", "noise", images, "--noise", "speckle", "--out", (folder / "noisy").string()})["noise"],
            "speckle");
}

TEST(Commands, WarnOfOtherTasksAndOfMoreNoiseThanTrainedWith) {
  const TemporaryFolder folder;
  const std::string image = (folder / "images").string(), out = (folder / "out").string();
  run_json({"data", "synth", "--kind", "leaves", "--count", "1", "--size", "32x32", "--out", image});
  const std::string weights =
      write_tiny_weights(folder / "w.safetensors", 1, "denoise", "csc", {"data.noise.sigma_8bit_max=55"});
  const auto errors_of = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--weights", weights, "--out", out, "--overwrite"});
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.err;
  };
  EXPECT_NE(errors_of({"reconstruct", image}).find("trained to denoise, not to reconstruct"), std::string::npos);
  EXPECT_NE(errors_of({"denoise", image, "--sigma-8bit", "80"}).find("to 55 grey levels, not 80"), std::string::npos);
  EXPECT_EQ(errors_of({"denoise", image, "--sigma-8bit", "50"}).find("grey levels"), std::string::npos);
}

TEST(Commands, CalibratedWeightsNoticeUnusualImages) {
  const TemporaryFolder folder;
  const std::string usual = (folder / "usual").string(), strange = (folder / "strange").string(),
                    known = (folder / "known.safetensors").string(), out = (folder / "out").string();
  run_json({"data", "synth", "--kind", "leaves", "--count", "12", "--size", "64x64", "--out", usual});
  run_json({"data", "noise", usual + "/leaves_00001.png", "--sigma-8bit", "100", "--out", strange});
  // Features in the image's units: strong noise has many atoms above their thresholds.
  const std::string weights = write_tiny_weights(folder / "w.safetensors", 1, "reconstruct", "ssc-vae",
                                                 {"model.feature_norm=none", "model.lite.block_skip=true",
                                                  "model.sparse_coder.atom_dim=64", "model.sparse_coder.num_atoms=64"});
  const auto learned =
      run_json({"calibrate", "--weights", weights, "--data", usual, "--dataset", "folder", "--out", known});
  EXPECT_EQ(learned["images"], 12);
  EXPECT_GE(learned["image_limit"], 0.05);

  const auto common = run_json({"reconstruct", usual + "/leaves_00002.png", "--weights", known, "--out", out});
  EXPECT_EQ(common["images"][0]["unusual"], false);
  const Outcome unusual = run({"reconstruct", strange, "--weights", known, "--out", out, "--json",
                               (folder / "r.json").string(), "--novelty-maps", (folder / "maps").string()});
  ASSERT_EQ(unusual.code, 0) << unusual.err;
  EXPECT_NE(unusual.err.find("1 of 1 image looks unlike those that the weights know"), std::string::npos)
      << unusual.err;
  const auto report = nlohmann::json::parse(slurp(folder / "r.json"));
  EXPECT_EQ(report["images"][0]["unusual"], true);
  EXPECT_EQ(image::read_image(folder / "maps/leaves_00001.png").width, 64);

  const Outcome unknown = run({"reconstruct", strange, "--weights", weights, "--out", out, "--overwrite"});
  EXPECT_NE(unknown.err.find("sscvae calibrate"), std::string::npos) << unknown.err;
  const std::string never = (folder / "never").string();
  EXPECT_EQ(
      run({"reconstruct", strange, "--weights", weights, "--out", never, "--novelty-maps", (folder / "m").string()})
          .code,
      2);
  EXPECT_FALSE(std::filesystem::exists(never));
  EXPECT_NE(run({"inspect", known}).out.find("characters (in the JSON)"), std::string::npos);
  const Outcome scaled =
      run({"reconstruct", strange, "--weights", known, "--out", out, "--overwrite", "--strength", "2"});
  EXPECT_NE(scaled.err.find("learned with --strength 1"), std::string::npos) << scaled.err;
}

TEST(Commands, CodesThatAreNotSparseAreReportedAsWhatTheyAre) {
  const TemporaryFolder folder;
  const std::string images = (folder / "images").string(), first = images + "/leaves_00001.png";
  run_json({"data", "synth", "--count", "3", "--size", "40x48", "--out", images});
  for (const std::string model : {"vq-vae", "vq-gan", "vae"}) {
    SCOPED_TRACE(model);
    const bool discrete = model != "vae";
    const std::string weights = write_tiny_weights(folder / (model + ".safetensors"), 1, "reconstruct", model);
    const auto restored = run_json({"reconstruct", first, "--weights", weights, "--out", (folder / model).string()});
    const auto& image = restored["images"][0];
    EXPECT_FALSE(image.contains("nnz") || image.contains("hoyer") || image.contains("zero_fraction"));
    EXPECT_EQ(image.contains("codes_used") && image.contains("perplexity"), discrete);
    const auto evaluated = run_json({"evaluate", "--weights", weights, "--data", images, "--dataset", "folder"});
    EXPECT_EQ(evaluated["count"], 3);
    EXPECT_FALSE(evaluated["mean"].contains("nnz"));
    EXPECT_EQ(evaluated.contains("code_usage"), discrete);
    EXPECT_EQ(evaluated["mean"].contains("bits_per_pixel"), discrete);
    const Outcome rounded =
        run({"evaluate", "--weights", weights, "--data", images, "--dataset", "folder", "--code-step", "0.1"});
    EXPECT_EQ(rounded.code, 2);
    EXPECT_NE(rounded.err.find("has no sparse code"), std::string::npos) << rounded.err;
    if (discrete) {
      EXPECT_EQ(evaluated["code_usage"]["num_codes"], 16);
    }
    const Outcome strong =
        run({"denoise", first, "--weights", weights, "--strength", "2", "--out", (folder / "s").string()});
    EXPECT_EQ(strong.code, 2);
    EXPECT_NE(strong.err.find("has no sparse coder"), std::string::npos) << strong.err;
    const Outcome atoms = run({"inspect", weights, "--atoms", (folder / (model + ".png")).string()});
    EXPECT_EQ(atoms.code, discrete ? 0 : 2) << atoms.err;
    const auto maps = run_json({"inspect", weights, "--codes", first, "--out", (folder / (model + "_maps")).string()});
    EXPECT_EQ(maps.contains("pictures") ? maps["pictures"].size() : 0, discrete ? 1u : 0u);
  }
}

TEST(Commands, TheAuthorsVqVaeComesInAndIsTraced) {
  const TemporaryFolder folder;
  const auto source = parity_folder() / "models/vqvae_gray";
  const std::string weights = (folder / "w.safetensors").string(), out = (folder / "t.safetensors").string();
  EXPECT_EQ(run_json({"import", (source / "state.pt").string(), "--set", "model.reference.num_groups=4", "--out",
                      weights})["model"],
            "vq-vae");
  run_json({"trace", "--weights", weights, "--input", (source / "input.safetensors").string(), "--gradients", "--mode",
            "train", "--out", out});
  const auto traced = serialization::read_safetensors(out).tensors;
  const auto expected = serialization::read_safetensors(source / "train_float32.safetensors").tensors;
  EXPECT_TRUE(equal(traced.at("indices"), expected.at("indices")));
  EXPECT_TRUE(is_close(traced.at("features"), expected.at("latent"), kIntermediate.float32));
  EXPECT_TRUE(is_close(traced.at("coded_features"), expected.at("latent_recon"), kIntermediate.float32));
  EXPECT_TRUE(is_close(traced.at("reconstruction"), expected.at("recon"), kOutput.float32));
  const auto gradients = serialization::read_safetensors(source / "train_gradients_float32.safetensors").tensors;
  const std::string codebook = "_vq_layer.embedding.weight";
  EXPECT_TRUE(is_close(traced.at("grad." + codebook), gradients.at(codebook), kGradient.float32));
  const std::string back = (folder / "back.pt").string();
  run_json({"export", weights, "--format", "torch", "--out", back});
  const auto exported = serialization::read_torch_checkpoint(back);
  for (const auto& [name, tensor] : serialization::read_torch_checkpoint(source / "state.pt"))
    EXPECT_TRUE(equal(tensor, exported.at(name))) << name;
}

TEST(Commands, TraceNamesWhatThePublishedNumbersName) {
  const TemporaryFolder folder;
  const auto source = parity_folder() / "models/sscvae_gray";
  const std::map<std::string, std::string> names{{"features", "latent"},
                                                 {"threshold_inference", "alpha_inferred"},
                                                 {"threshold_refinement", "alpha_refined"},
                                                 {"threshold", "theta"},
                                                 {"code", "code"},
                                                 {"coded_features", "latent_recon"},
                                                 {"logits", "logits"},
                                                 {"reconstruction", "recon"}};
  for (const std::string mode : {"eval", "train"}) {
    const auto out = folder / (mode + ".safetensors");
    run_json({"trace", "--weights", (source / "state.pt").string(), "--set", "model.sparse_coder.num_iterations=4",
              "--set", "model.reference.num_groups=8", "--input", (source / "input.safetensors").string(), "--mode",
              mode, "--dtype", "float64", "--gradients", "--out", out.string()});
    const auto traced = serialization::read_safetensors(out).tensors;
    const auto expected = serialization::read_safetensors(source / (mode + "_float64.safetensors")).tensors;
    size_t named = 0;
    for (const auto& [ours, theirs] : names)
      if (const Array* tensor = expected.find(theirs)) {
        EXPECT_TRUE(is_close(traced.at(ours), *tensor, 1e-11)) << mode << " " << ours;
        ++named;
      }
    EXPECT_GE(named, 4u) << mode;
  }
  const auto traced = serialization::read_safetensors(folder / "train.safetensors").tensors;
  const auto gradients = serialization::read_safetensors(source / "train_gradients_float64.safetensors").tensors;
  const auto buffers = serialization::read_safetensors(source / "train_buffers_after_float64.safetensors").tensors;
  int compared = 0;
  const auto expected = nlohmann::json::parse(slurp(source / "expected.json"));
  const auto zero =
      expected["gradients_that_are_mathematically_zero_in_train_mode"]["names"].get<std::vector<std::string>>();
  for (const auto& [name, tensor] : gradients) {
    if (name.rfind("activation/", 0) == 0 || std::count(zero.begin(), zero.end(), name)) continue;
    const double tolerance = name.find("_Dict") == std::string::npos ? 1e-9 : 1e-7;
    EXPECT_TRUE(is_close(traced.at("grad." + name), tensor, tolerance)) << name;
    ++compared;
  }
  EXPECT_GT(compared, 40);
  for (const auto& [name, tensor] : buffers) EXPECT_TRUE(is_close(traced.at("buffer." + name), tensor, 1e-11)) << name;
}

}  // namespace
}  // namespace sscvae::testing
