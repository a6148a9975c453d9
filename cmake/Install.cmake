# What `cmake --install` writes beside the layers and the program: the package that find_package(sscvae) reads, and the
# weights that come with the program.
include_guard()
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/sscvae")
configure_package_config_file(cmake/sscvaeConfig.cmake.in "${PROJECT_BINARY_DIR}/sscvaeConfig.cmake"
                              INSTALL_DESTINATION "${_package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/sscvaeConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/sscvaeConfig.cmake" "${PROJECT_BINARY_DIR}/sscvaeConfigVersion.cmake"
              cmake/LibTorch.cmake DESTINATION "${_package}")
install(EXPORT sscvaeTargets NAMESPACE sscvae:: DESTINATION "${_package}")
install(FILES LICENSE README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
# Where core/shipped_files.h looks, seen from the program.
install(DIRECTORY models/ DESTINATION "${CMAKE_INSTALL_DATADIR}/sscvae/models")
