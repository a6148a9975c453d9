#pragma once

#include <filesystem>
#include <string>
#include <string_view>

/// Names from elsewhere on a terminal: one line each, in columns, whatever characters they have.
namespace sscvae {

/// The text as it can be printed: newlines and tabs as \n and \t, other control characters and bytes that are not
/// UTF-8 as \x1b. `lines` leaves newlines as they are.
std::string printable(std::string_view text, bool lines = false);

/// Columns that the text takes on a terminal: none for what combines with the character before, two for wide ones.
size_t display_width(std::string_view text);

/// Whether the name ends with that extension (".json"), in any case.
bool has_extension(const std::filesystem::path& path, std::string_view extension);

}  // namespace sscvae
