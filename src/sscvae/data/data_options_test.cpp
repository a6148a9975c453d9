#include "sscvae/data/data_options.h"

#include <gtest/gtest.h>

#include "sscvae/core/error.h"
#include "sscvae/data/registry.h"

namespace sscvae::data {
namespace {

TEST(DataOptions, every_member_is_an_option_and_comes_back) {
  DataOptions options;
  options.dataset = "bsds500";
  options.root = "some where";
  options.split = SplitRule::kAuthors;
  options.sampling = Sampling::kGrid;
  options.on_broken = OnBroken::kRefuse;
  options.range = "64:940";
  options.limit = 7;
  options.noise.sigma_8bit_max = 55;
  options.noise.clip = true;
  options.noise.kind = NoiseKind::kMixed;
  const FieldList fields = fields_of(options);
  EXPECT_EQ(fields.keys(), (std::vector<std::string>{"dataset",
                                                     "root",
                                                     "quality",
                                                     "input_quality",
                                                     "input_root",
                                                     "split",
                                                     "manifest",
                                                     "group_pattern",
                                                     "group_table",
                                                     "seed",
                                                     "train_ratio",
                                                     "val_ratio",
                                                     "sampling",
                                                     "patch_size",
                                                     "stride",
                                                     "augment",
                                                     "crops_per_image",
                                                     "min_size",
                                                     "limit",
                                                     "workers",
                                                     "cache_mb",
                                                     "batches_on",
                                                     "device_cache_mb",
                                                     "range",
                                                     "max_pixels",
                                                     "on_broken",
                                                     "noise.kind",
                                                     "noise.sigma_8bit",
                                                     "noise.sigma_8bit_max",
                                                     "noise.clip",
                                                     "noise.clip_share"}));
  DataOptions back;
  FieldList back_fields = fields_of(back);
  assign(back_fields, parse_toml(to_toml(fields), "test"), "test");
  EXPECT_EQ(to_toml(back_fields), to_toml(fields));
  EXPECT_EQ(back.sampling, Sampling::kGrid);
  EXPECT_TRUE(back.noise.clip);
  EXPECT_EQ(back.noise.kind, NoiseKind::kMixed);
}

TEST(DataOptions, a_share_of_measured_images_is_clipped_whatever_their_kind) {
  NoiseOptions noise{.clip = true, .clip_share = 0.5, .kind = NoiseKind::kMixed};
  int64_t clipped = 0, clipped_speckle = 0;
  for (int64_t i = 0; i < 40; ++i) {
    clipped += noise.clips(i);
    clipped_speckle += noise.clips(i) && noise.kind_of(i) == image::Noise::kSpeckle;
  }
  EXPECT_EQ(clipped, 20);
  EXPECT_EQ(clipped_speckle, 10);
  for (const double share : {0.0, 1.0}) {
    noise.clip_share = share;
    for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(noise.clips(i), share == 1) << i;
  }
  noise.clip = false;
  EXPECT_FALSE(noise.clips(0));
}

TEST(DataOptions, ranges_are_checked) {
  DataOptions options;
  const FieldList fields = fields_of(options);
  for (const char* wrong : {"patch_size=0", "stride=0", "crops_per_image=0", "seed=-1", "train_ratio=1.5", "limit=-1",
                            "workers=-1", "cache_mb=-1", "noise.sigma_8bit=-1", "dataset=ultrasuond", "sampling=grids"})
    EXPECT_THROW(assign(fields, {parse_assignment(wrong)}, "test"), UsageError) << wrong;
}

}  // namespace
}  // namespace sscvae::data
