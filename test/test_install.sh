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
unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR PREFIX LIBDIR INCLUDEDIR
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

# Needs the static archives of OpenBLAS and the others, which Debian has.
# shellcheck disable=SC2046
the_readmes_program_builds_static() {
  builds -static $(pkg-config --static --cflags --libs nablas) &&
    ! ldd "$folder/apples"
}

# Who trains and saves links what computes: no windows, no letters, no cryptography.
# shellcheck disable=SC2046
the_core_brings_no_pictures_along() {
  $cc $strict examples/first_hour/wine.c -o "$folder/wine" $(pkg-config --cflags --libs nablas) &&
    ldd "$folder/wine" | tee "$folder/ldd" | grep libnablas.so. &&
    ! grep -E 'X11|xcb|cairo|fontconfig|freetype|png|jpeg|crypto|ssl|zip\.so\.[0-9]*$|draw' "$folder/ldd"
}

# shellcheck disable=SC2046
pictures_are_a_library_of_their_own() {
  cat >"$folder/draw.c" <<'END'
#include <nablas/nablas.h>
int main(void) { return nb_image_read("", 1, NULL) == NB_OK; }
END
  $cc $strict "$folder/draw.c" -o "$folder/draw" $(pkg-config --cflags --libs nablas-draw) && "$folder/draw"
}

libdir_and_includedir_are_honoured() {
  $make install PREFIX="$folder/multi" LIBDIR="$folder/multi/lib/$(uname -m)-test" \
        INCLUDEDIR="$folder/multi/headers" &&
    (PKG_CONFIG_PATH=$folder/multi/lib/$(uname -m)-test/pkgconfig LD_LIBRARY_PATH=$folder/multi/lib/$(uname -m)-test
     export PKG_CONFIG_PATH LD_LIBRARY_PATH
     # shellcheck disable=SC2046
     builds $(pkg-config --cflags --libs nablas)) &&
    $make uninstall PREFIX="$folder/multi" LIBDIR="$folder/multi/lib/$(uname -m)-test" INCLUDEDIR="$folder/multi/headers" &&
    [ -z "$(find "$folder/multi" ! -type d)" ]
}

cmake_finds_it() {
  command -v cmake || return 0
  mkdir -p "$folder/cmake" && cp "$folder/apples.c" "$folder/draw.c" "$folder/cmake" &&
    cat >"$folder/cmake/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.10)
project(apples C)
find_package(nablas 0.2 REQUIRED)
add_executable(apples apples.c)
target_link_libraries(apples nablas::nablas)
add_executable(draw draw.c)
target_link_libraries(draw nablas::draw)
END
  cmake -S "$folder/cmake" -B "$folder/cmake/build" -DCMAKE_PREFIX_PATH="$prefix" &&
    cmake --build "$folder/cmake/build" && "$folder/cmake/build/apples" | diff "$folder/expected" - &&
    "$folder/cmake/build/draw" || return 1
  for wrong in 0.1 0.3 1; do # of another interface
    sed "s/nablas 0.2/nablas $wrong/" "$folder/cmake/CMakeLists.txt" >"$folder/cmake/wrong" &&
      mkdir -p "$folder/cmake/$wrong" && cp "$folder/cmake/wrong" "$folder/cmake/$wrong/CMakeLists.txt" &&
      ! cmake -S "$folder/cmake/$wrong" -B "$folder/cmake/$wrong/build" -DCMAKE_PREFIX_PATH="$prefix" || return 1
  done
}

# The same text is C++.
# shellcheck disable=SC2046
the_readmes_program_is_cpp_too() {
  command -v g++ || return 0
  g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -x c++ "$folder/apples.c" -x none -o "$folder/apples++" \
      $(pkg-config --cflags --libs nablas) && "$folder/apples++" | diff "$folder/expected" -
}

the_version_is_told() { [ "$(pkg-config --modversion nablas)" = "$(sed -n 's/.*NB_VERSION "\(.*\)"/\1/p' \
                          "$prefix/include/nablas/version.h")" ]; }

# every_standard COMMAND...: with the compiler and the flags of each language that the headers are for.
every_standard() {
  for compiler in gcc:g++ clang:clang++; do
    command -v "${compiler%:*}" && command -v "${compiler#*:}" || continue
    for std in c11 c17 c2x c++17 c++20; do
      case $std in c++*) one="${compiler#*:} -x c++" ;; *) one="${compiler%:*} -x c" ;; esac
      "$@" $one -std=$std -Wall -Wextra -Wpedantic -Wconversion -Werror -I"$prefix/include" || {
        echo "$one -std=$std"
        return 1
      }
    done
  done
}

# Each by itself for the oldest C and C++, together for the newer ones.
each_header() {
  case $* in *c11* | *++17*) names=$(ls "$prefix/include/nablas") ;; *) names=nablas.h ;; esac
  for header in $names; do
    echo "#include \"nablas/$header\"" >"$folder/one"
    "$@" -fsyntax-only "$folder/one" || return 1
  done
}

headers_stand_alone() { every_standard each_header; }

# What a macro makes is the same struct in every language.
macros_are_expressions_in_each_language() {
  cat >"$folder/macros" <<'END'
#include "nablas/nablas.h"

static size_t elements(nb_shape shape)
{
    size_t count = 0;
    return nb_shape_count(shape, &count) ? 0 : count;
}

int main(void)
{
    const size_t rows = 7;
    const nb_shape s = NB_SHAPE(rows, 28, 28);
    const nb_train_options t = NB_TRAIN_DEFAULTS;
    const nb_check_options c = NB_CHECK_DEFAULTS;
    const nb_mnist_options m = NB_MNIST_DEFAULTS;
    const bool shapes = s.ndim == 3 && s.dim[0] == 7 && s.dim[2] == 28 && s.dim[3] == 0 &&
                        elements(NB_SHAPE(3)) == 3 && elements(NB_SCALAR) == 1;
    const bool options = t.iterations == 10000 && t.batch == 100 && t.eval_every == 600 && !t.context &&
                         c.h > 0 && !c.richardson && m.normalize && m.flatten && !m.one_hot_label;
    return shapes && options ? 0 : 1;
}
END
  every_standard run_macros
}

run_macros() {
  # shellcheck disable=SC2046
  "$@" "$folder/macros" -o "$folder/run" -x none $(pkg-config --libs nablas) && "$folder/run"
}

# The three jobs of a first hour, each in a few lines, as a user compiles them.
the_first_hours_programs_work() {
  cp examples/first_hour/*.npz "$folder"
  for program in wine diabetes own_loss; do
    # shellcheck disable=SC2046
    $cc -std=c11 -Wall -Wextra -Werror "examples/first_hour/$program.c" -o "$folder/$program" \
        $(pkg-config --cflags --libs nablas) && (cd "$folder" && "./$program" | tee "$program.out") || return 1
  done
  # Better than always the largest class (0.40), than the mean (a deviation of 77).
  awk '{exit !($NF > 0.9)}' "$folder/wine.out" && awk '{exit !($NF < 65)}' "$folder/diabetes.out" &&
    grep -q 'the gradient is right' "$folder/own_loss.out"
}

man_pages_are_clean() {
  pages=$(ls "$prefix"/share/man/man1/nablas-train_mnist.1 "$prefix"/share/man/man3/*.3) &&
    [ "$(echo "$pages" | wc -l)" = "$(($(ls lib/include/nablas/*.h | wc -l) + 1))" ] || return 1
  command -v groff || return 0
  for page in "$prefix"/share/man/man*/*; do
    groff -man -K utf-8 -T utf8 -ww "$page" >"$folder/page" 2>"$folder/warnings" && [ ! -s "$folder/warnings" ] || {
      echo "$page"; cat "$folder/warnings"; return 1
    }
  done
}

the_reference_is_of_every_header_and_has_a_search() {
  page=$prefix/share/doc/nablas/api.html
  [ "$(grep -c '^<section' "$page")" = "$(ls lib/include/nablas/*.h | wc -l)" ] && grep -q 'nb_status nb_train(' "$page" || return 1
  command -v chromium || return 0
  chromium --headless --no-sandbox --disable-gpu --dump-dom "file://$page?q=nb_train%20accuracy" >"$folder/dom" 2>"$folder/err" &&
    grep -qE 'role="status">[1-9][0-9]? entries<' "$folder/dom" && grep -q '<section id="png" hidden' "$folder/dom"
}

uninstall_leaves_nothing() {
  $make uninstall PREFIX="$prefix" && [ -z "$(find "$prefix" ! -type d)" ]
}

for test in installs destdir_is_where_packages_are_made the_readmes_program_builds_shared \
            the_readmes_program_builds_static the_readmes_program_is_cpp_too \
            the_core_brings_no_pictures_along pictures_are_a_library_of_their_own libdir_and_includedir_are_honoured \
            cmake_finds_it the_version_is_told headers_stand_alone \
            macros_are_expressions_in_each_language the_first_hours_programs_work man_pages_are_clean \
            the_reference_is_of_every_header_and_has_a_search uninstall_leaves_nothing; do
  check $test
done
[ $bad -eq 0 ]
