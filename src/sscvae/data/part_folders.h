#pragma once

#include "sscvae/data/split.h"

/// Parts that a folder of images has by the names of its subfolders.
namespace sscvae::data {

/// "train", "val" or "test" for the usual names of such folders in any case: train, training; val, valid, validation,
/// dev; test, testing; each also with set, images or data behind it ("Train_Set", "test-images"). "" for others.
std::string part_of_folder(const std::string& name);

/// Sets part and group of every row (the group: its folder without the one that names the part). The folders of parts
/// are those right below the root. Where there are none, they are looked for deeper (cats/train/1.png), and count if
/// one names training images and one validation or test images. Returns the folder names taken as parts that are not
/// exactly train, val or test right below the root, each once, as they lie ("Train/", "cats/testing/").
std::vector<std::string> assign_part_folders(SplitManifest& manifest);

}  // namespace sscvae::data
