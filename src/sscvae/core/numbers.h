#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Numbers from text, the same in every locale: a process that this library runs in may have set one where the decimal
/// point is a comma. Text from numbers: format and to_text of core/text.h, which do not depend on it either.
namespace sscvae {

/// The number that the whole text is: "2.5", "-1e-3", "+4", "inf", "nan", or hexadecimal as "%a" writes it.
/// Nothing for anything else.
std::optional<double> parse_real(std::string_view text);
/// The same of whole numbers.
std::optional<int64_t> parse_whole(std::string_view text);

/// A to Z become a to z; all other bytes stay.
std::string lower_case(std::string text);

}  // namespace sscvae
