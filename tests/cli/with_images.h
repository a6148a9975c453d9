#pragma once

#include <string>
#include <vector>

#include "cli/program.h"
#include "sscvae/core/atomic_file.h"
#include "sscvae/image/image.h"
#include "sscvae/image/synthetic.h"

namespace sscvae::testing {

/// Images and weights that every command finds in its working folder.
class WithImages : public ::testing::Test {
 protected:
  void SetUp() override {
    create_folder(folder_ / "images");
    for (int i = 0; i < 4; ++i)
      image::write_image(folder_.path() / "images" / (std::string(1, static_cast<char>('a' + i)) + ".png"),
                         image::dead_leaves(static_cast<uint64_t>(i), 32, 32, 1));
    write_tiny_weights(at("w.safetensors"));
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  std::vector<std::string> tiny_training(const std::string& run, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"train", "--out", at(run)};
    std::vector<std::string> set = tiny_options();
    set.insert(set.end(), {"data.root=" + at("images"), "data.split=all", "train.steps=1", "train.batch_size=2",
                           "data.patch_size=16"});
    set.insert(set.end(), more.begin(), more.end());
    for (const std::string& value : set) arguments.insert(arguments.end(), {"--set", value});
    return arguments;
  }

  void make_many(int64_t side) const {
    create_folder(folder_ / "many");
    for (int i = 0; i < 200; ++i)
      image::write_image(folder_.path() / "many" / (std::to_string(i) + ".png"), image::dead_leaves(1, side, side, 1));
  }

  TemporaryFolder folder_;
};

}  // namespace sscvae::testing
