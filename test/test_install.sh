#!/bin/sh
# test_install.sh - the installed tree, as its users meet it: the README's program compiles against it
# with pkg-config, shared and static, and prints what the README says; every header stands alone, in
# C and in C++; nothing is left behind. Prints lines as cmocka does.
set -u
[ "${CONFIG:-release}" = release ] || exit 0 # one configuration is what people install
cc=${CC:-cc}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix out=$folder/out
# Not the variables of the make that runs the tests.
unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR PREFIX
make="make -s CC=$cc"

bad=0
check() { # check NAME: the function of that name is the test
  if "$1" >"$out" 2>&1; then echo "[       OK ] $1"; return; fi
  echo "[  FAILED  ] $1"
  sed 's/^/  /' "$out"
  bad=$((bad + 1))
}

installs() { $make install PREFIX="$prefix"; }

# DESTDIR moves the files and changes nothing in them.
destdir_is_where_packages_are_made() {
  $make install DESTDIR="$folder/dest" PREFIX="$prefix" &&
    diff -r "$prefix" "$folder/dest$prefix"
}

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
strict="-std=c11 -Wall -Wextra -Wpedantic -Werror"

readme() { # readme PATTERN: the README's blocks that begin with ```PATTERN
  awk -v begin="^\`\`\`$1\$" '/^```/ && on {on = 0} on {print} $0 ~ begin {on = 1}' README.md
}

# The README's program: built with the arguments, it prints what the README shows below it.
builds() {
  readme c >"$folder/apples.c"
  readme out >"$folder/expected"
  # shellcheck disable=SC2086
  $cc $strict "$folder/apples.c" -o "$folder/apples" "$@" &&
    "$folder/apples" >"$folder/printed" && [ -s "$folder/expected" ] &&
    diff "$folder/expected" "$folder/printed"
}

# shellcheck disable=SC2046
the_readmes_program_builds_shared() {
  builds $(pkg-config --cflags --libs nablas) &&
    ldd "$folder/apples" | grep libnablas
}

# shellcheck disable=SC2046
the_readmes_program_builds_static() {
  builds $(pkg-config --cflags --static --libs nablas | sed 's/-lnablas/-l:libnablas.a/') &&
    ! ldd "$folder/apples" | grep libnablas
}

the_version_is_told() { [ "$(pkg-config --modversion nablas)" = "$(sed -n 's/.*NB_VERSION "\(.*\)"/\1/p' \
                          "$prefix/include/nablas/version.h")" ]; }

headers_stand_alone() {
  for header in "$prefix"/include/nablas/*.h; do
    echo "#include \"nablas/${header##*/}\"" >"$folder/one.c"
    # shellcheck disable=SC2086
    $cc $strict -I"$prefix/include" -fsyntax-only "$folder/one.c" || return 1
  done
}

headers_are_cplusplus_too() {
  command -v c++ || return 0
  echo '#include "nablas/nablas.h"' | c++ -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only -x c++ -
}

uninstall_leaves_nothing() {
  $make uninstall PREFIX="$prefix" && [ -z "$(find "$prefix" ! -type d)" ]
}

for test in installs destdir_is_where_packages_are_made the_readmes_program_builds_shared \
            the_readmes_program_builds_static the_version_is_told headers_stand_alone \
            headers_are_cplusplus_too uninstall_leaves_nothing; do
  check $test
done
[ $bad -eq 0 ]
