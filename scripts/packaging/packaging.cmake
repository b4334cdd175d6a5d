# Installation, man pages and the Debian package: cmake --install, and cpack -G DEB in the build folder.
include(GNUInstallDirs)

# mount(8) looks for its helpers in /sbin, people in /usr/bin; where /sbin is not /usr/sbin the link must be made by hand.
install(TARGETS mount.astrofs astrofs RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(CODE "
  set(helpers \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
  file(MAKE_DIRECTORY \"\${helpers}\")
  file(CREATE_LINK ../${CMAKE_INSTALL_BINDIR}/mount.astrofs \"\${helpers}/mount.astrofs\" SYMBOLIC)")

# Started by the mount, never by people: not in their path. fs/converter looks for it at this place beside its own.
install(TARGETS astrofs-hdf5 RUNTIME DESTINATION libexec/astrofs)

find_program(SCDOC scdoc)
if(SCDOC)
  file(GLOB manuals CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fs/*.scd)
  foreach(manual ${manuals})
    get_filename_component(page ${manual} NAME_WLE)            # mount.astrofs.8
    string(REGEX MATCH "[0-9]$" section ${page})
    set(output ${CMAKE_BINARY_DIR}/man/${page})
    add_custom_command(OUTPUT ${output} DEPENDS ${manual} VERBATIM
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
      COMMAND sh -c "exec \"$1\" < \"$2\" > \"$3\"" sh ${SCDOC} ${manual} ${output})
    list(APPEND pages ${output})
    install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endforeach()
  add_custom_target(man ALL DEPENDS ${pages})
else()
  message(WARNING "there is no scdoc: what is installed has no man pages")
endif()

set(packaging ${CMAKE_SOURCE_DIR}/scripts/packaging)
install(FILES ${packaging}/astrofs@.service DESTINATION lib/systemd/system)
install(FILES ${packaging}/astrofs.toml ${packaging}/virtual-observatory.toml ${packaging}/fstab.example
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/astrofs/examples)
install(FILES ${CMAKE_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/astrofs)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/astrofs RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME astrofs)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "mount astronomical archives as a read-only file system")
set(CPACK_PACKAGE_DESCRIPTION "Shows astronomical archives as directories and fetches bytes when they are read.
A cache with a quota keeps what was read; it survives restarts and works offline.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "the astrofs authors")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS fuse3)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
include(CPack)
