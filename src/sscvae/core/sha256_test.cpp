#include "sscvae/core/sha256.h"

#include <gtest/gtest.h>

#include "sscvae/core/atomic_file.h"
#include "sscvae/core/error.h"
#include "support/paths.h"

namespace sscvae {
namespace {

TEST(Sha256, KnownVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(
      sha256_hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
                 "mnopqrstnopqrstu"),
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesOfAnySizeGiveTheDigestOfTheWhole) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 37);
  for (size_t piece = 1; piece <= 130; ++piece) {
    Sha256 digest;
    for (size_t i = 0; i < text.size(); i += piece) digest.update(std::string_view(text).substr(i, piece));
    EXPECT_EQ(digest.hex(), sha256_hex(text)) << piece;
  }
}

TEST(Sha256, HexDoesNotEndTheDigest) {
  Sha256 digest;
  digest.update("a");
  digest.hex();
  digest.update("bc");
  EXPECT_EQ(digest.hex(), sha256_hex("abc"));
}

TEST(Sha256, FileEqualsItsContent) {
  const testing::TemporaryFolder folder;
  const std::string content(3000001, 'x');
  write_atomically(folder / "file", content);
  EXPECT_EQ(sha256_of_file(folder / "file"), sha256_hex(content));
}

TEST(Sha256, UnreadableFileIsAnIoError) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(sha256_of_file(folder / "absent"), IoError);
  EXPECT_THROW(sha256_of_file(folder.path()), IoError);
}

}  // namespace
}  // namespace sscvae
