#pragma once

#include "sscvae/array/array.h"

/// Figures over axes, which vanish or keep length 1. Sums of fractions are made in float64.
namespace sscvae {

Array sum(const Array& a, const Sizes& axes, bool keep = false);
Array mean(const Array& a, const Sizes& axes, bool keep = false);
Array amax(const Array& a, const Sizes& axes, bool keep = false);  ///< NaN where there is one
Array amin(const Array& a, const Sizes& axes, bool keep = false);
/// The place of the largest and smallest number, the first of equal ones: int64.
Array argmax(const Array& a, int64_t axis, bool keep = false);
Array argmin(const Array& a, int64_t axis, bool keep = false);

// Over all numbers.
double sum(const Array& a);
double mean(const Array& a);
double max(const Array& a);
double min(const Array& a);
bool all(const Array& a);
bool any(const Array& a);
int64_t count_nonzero(const Array& a);
/// The middle number, the smaller one of two; the k-th smallest, k from 1.
double median(const Array& a);
double kth_smallest(const Array& a, int64_t k);
/// The k-th smallest numbers along the last axis.
Array kth_smallest_of_rows(const Array& a, int64_t k);

}  // namespace sscvae
