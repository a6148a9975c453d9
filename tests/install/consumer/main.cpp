#include <cstdio>

#include "sscvae/core/version.h"
#include "sscvae/networks/table.h"

int main() {
  std::printf("sscvae %s knows %s\n", sscvae::version().c_str(), sscvae::networks::find_model("ssc-vae").name.c_str());
  return 0;
}
