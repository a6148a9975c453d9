#pragma once

#include "sscvae/data/data_options.h"
#include "sscvae/data/split.h"

/// Images that belong together (the frames of one patient, the views of one scene) and must not straddle a split: what
/// a network has seen of a patient in training flatters it in the test.
namespace sscvae::data {

/// Whether the options say what the groups are: data.group_pattern or data.group_table.
bool names_groups(const DataOptions& options);

/// Sets every row's group. group_pattern: the first capture of the first match in the path, the whole match where the
/// pattern captures nothing. group_table: the column `group` of a CSV file with the columns path,group, one row for
/// each image (others are ignored). Errors: UsageError for both at once, a malformed pattern, or a path that it does
/// not match (how many, the first by name); IoError and FormatError for the table, FormatError for images that it does
/// not name.
void assign_groups(const DataOptions& options, SplitManifest& manifest);

/// Parts of whole groups: the groups, in order of their names, are shuffled as Python's random.Random(seed).shuffle
/// does and laid end to end; a group belongs to the part in whose share of all images its middle lies. Shares are thus
/// met up to half a group. A part that is to have a share and gets no group is named in a warning. Errors: UsageError
/// as authors_split, and where all images end in one part although the ratios ask for more (one group: a flat folder).
void split_by_groups(const DataOptions& options, SplitManifest& manifest);

/// Errors: UsageError naming the first group that is in more than one part.
void refuse_straddling_groups(const SplitManifest& manifest);

}  // namespace sscvae::data
