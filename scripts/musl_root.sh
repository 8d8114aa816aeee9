#!/bin/sh
# musl_root.sh ROOT - build what nablas needs with musl instead of glibc, as static libraries, from Debian's
# source packages (Debian has musl, and no library built with it). About 15 minutes on two cores. For
# scripts/elsewhere.sh musl. It needs musl-tools, gfortran, cmake, autoconf, automake, libtool and gperf.
set -eu
root=${1:?a folder} sources=$1/sources
mkdir -p "$sources" "$root/lib/pkgconfig" "$root/include" && root=$(cd "$root" && pwd) sources=$root/sources
MAKEFLAGS=-j$(nproc)
export MAKEFLAGS CC=musl-gcc PKG_CONFIG_LIBDIR="$root/lib/pkgconfig" PKG_CONFIG='pkg-config --static'
export CFLAGS="-O2 -fPIC -w" CPPFLAGS="-I$root/include" LDFLAGS="-L$root/lib"

# fetch PACKAGE - unpack its source, as Debian got it, and go there.
fetch() {
  mkdir -p "$sources/$1" && cd "$sources/$1"
  awk -v RS= -v ORS='\n\n' '!/security/ { sub(/Types: deb\n/, "Types: deb-src\n"); print }' \
    /etc/apt/sources.list.d/*.sources >../sources.sources
  [ -d "$sources/lists" ] || { mkdir -p "$sources/lists/partial"; apt_source update; }
  ls ./*.orig.tar.* >/dev/null 2>&1 || apt_source source --download-only --tar-only "$1"
  rm -rf tree && mkdir tree && tar -C tree --strip-components=1 -xf "$(ls ./*.orig.tar.?z ./*.orig.tar.bz2 2>/dev/null | head -n 1)"
  cd tree
}

apt_source() {
  apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$sources" -o Dir::State::Lists="$sources/lists" \
    -o APT::Sandbox::User=root "$@"
}

# by_configure FOLDER OPTION... - its folder with the library; '' for all.
by_configure() {
  only=$1
  shift
  ./configure --prefix="$root" --host=x86_64-linux-musl --disable-shared "$@"
  make ${only:+"SUBDIRS=$only"} install
}

by_cmake() {
  cmake -B made -DCMAKE_INSTALL_PREFIX="$root" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_FIND_ROOT_PATH="$root" -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
    -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY "$@"; make -C made install
}

# pc NAME FLAGS... - a file for pkg-config.
pc() {
  printf 'Name: %s\nDescription: built with musl\nVersion: 0\nCflags: -I%s/include\nLibs: -L%s/lib %s\n' \
    "$1" "$root" "$root" "$2" >"$root/lib/pkgconfig/$1.pc"
}

zlib() { fetch zlib; CHOST='' ./configure --prefix="$root" --static; make install; }
minizip() {
  fetch minizip; mkdir -p "$root/include/minizip"; cp ./*.h "$root/include/minizip"
  $CC $CFLAGS -I"$root/include" -c zip.c unzip.c ioapi.c; ar rc "$root/lib/libminizip.a" ./*.o; pc minizip '-lminizip -lz'
}
jansson() { fetch jansson; by_cmake -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON; }
cmocka() {
  fetch cmocka; by_cmake -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF
  rm -f "$root"/lib/libcmocka.so*; mv "$root/lib/libcmocka-static.a" "$root/lib/libcmocka.a"
}
png() { fetch libpng1.6; by_configure '' --disable-tools; }
jpeg() {
  fetch libjpeg-turbo
  by_cmake -DCMAKE_INSTALL_LIBDIR="$root/lib" -DENABLE_SHARED=OFF -DWITH_SIMD=OFF -DWITH_TURBOJPEG=OFF
}
protobuf() { fetch protobuf-c; autoreconf -fi; by_configure '' --disable-protoc; }
zip() {
  fetch libzip; by_cmake -DENABLE_COMMONCRYPTO=OFF -DENABLE_GNUTLS=OFF -DENABLE_MBEDTLS=OFF -DENABLE_OPENSSL=OFF \
    -DENABLE_BZIP2=OFF -DENABLE_LZMA=OFF -DENABLE_ZSTD=OFF -DBUILD_TOOLS=OFF -DBUILD_REGRESS=OFF -DBUILD_EXAMPLES=OFF -DBUILD_DOC=OFF
}
expat() { fetch expat; cd expat; by_cmake -DEXPAT_SHARED_LIBS=OFF -DEXPAT_BUILD_TOOLS=OFF -DEXPAT_BUILD_TESTS=OFF -DEXPAT_BUILD_EXAMPLES=OFF; }
freetype() { fetch freetype; by_cmake -DFT_DISABLE_BZIP2=ON -DFT_DISABLE_HARFBUZZ=ON -DFT_DISABLE_BROTLI=ON; }
pixman() { fetch pixman; by_configure pixman --disable-gtk --disable-libpng; }
# The system's settings and fonts are read: text in pictures is set in DejaVu Sans.
fontconfig() { fetch fontconfig; by_configure '' --disable-docs --sysconfdir=/etc --localstatedir=/var; }
cairo() { fetch cairo; by_configure src --disable-xlib --disable-xcb --disable-gobject --disable-trace --disable-interpreter; }

# OpenBLAS, and LAPACK's double precision. What its Fortran needs of libgfortran, which is built with glibc, is
# one function.
openblas() {
  fetch openblas
  for goal in libs install; do
    CFLAGS='' make CC=$CC HOSTCC=gcc TARGET=HASWELL NOFORTRAN=1 NO_LAPACK=1 NO_SHARED=1 \
      BUILD_SINGLE=1 BUILD_DOUBLE=1 NUM_THREADS=64 PREFIX="$root" $goal
  done
  pc openblas -lopenblas
}

lapack() {
  fetch lapack
  cp LAPACKE/include/*.h "$root/include"
  cp LAPACKE/include/lapacke_mangling_with_flags.h.in "$root/include/lapacke_mangling.h"
  mkdir made; cd made
  cat >concat.c <<'C'
#include <string.h>
void _gfortran_concat_string(size_t size, char *to, size_t a, const char *x, size_t b, const char *y)
{
    memset(to, ' ', size);
    memcpy(to, x, a < size ? a : size);
    if (a < size) memcpy(to + a, y, b < size - a ? b : size - a);
}
C
  gfortran -O2 -fPIC -w -c ../SRC/la_constants.f90 ../SRC/la_xisnan.F90
  printf '%s\n' ../SRC/[di]*.f ../SRC/d*.f90 ../SRC/*lsame*.f ../INSTALL/dlamch.f |
    xargs -P "$(nproc)" -n 20 gfortran -O2 -fPIC -w -c
  printf '%s\n' concat.c ../LAPACKE/src/lapacke_d*.c ../LAPACKE/src/lapacke_nancheck.c ../LAPACKE/utils/*.c |
    xargs -P "$(nproc)" -n 20 $CC -O2 -fPIC -w -I"$root/include" -c
  ar rc "$root/lib/liblapacke.a" ./*.o
  pc lapacke '-llapacke -lopenblas'
}

for library in zlib minizip jansson cmocka zip png jpeg protobuf expat freetype pixman fontconfig cairo openblas lapack; do
  [ -e "$root/$library.made" ] && continue
  echo "$library"
  set +e
  (set -e; "$library") >"$root/$library.log" 2>&1
  status=$?
  set -e
  [ $status = 0 ] || { tail -n 20 "$root/$library.log" >&2; exit 1; }
  : >"$root/$library.made"
done
