#!/bin/sh
# elsewhere.sh arm64|s390x|i386|musl [TEST...] - build nablas for another processor with Debian's cross compiler
# and run the tests of the library, or those named, under qemu (s390x is big-endian, i386 has sizes of 32 bits);
# or with musl in place of glibc, on this processor. By hand, on Debian; docs/portability.md has the results. It
# needs mmdebstrap, gcc-aarch64-linux-gnu, gcc-s390x-linux-gnu or gcc-i686-linux-gnu, and qemu-user-static; for musl what
# scripts/musl_root.sh names. Everything is in build/elsewhere and build/release-*-gcc. A test may take
# SECONDS_EACH=600 of processor time.
set -eu
arch=${1:?arm64, s390x, i386 or musl} && shift
root=$PWD/build/elsewhere/$arch
case $arch in
  arm64) compiler=aarch64-linux-gnu triplet=aarch64-linux-gnu ;;
  s390x) compiler=s390x-linux-gnu triplet=s390x-linux-gnu ;;
  i386)
    compiler=i686-linux-gnu triplet=i386-linux-gnu
    # qemu's own 32-bit processor is an Athlon: OpenBLAS 0.3.21 has a sgemm for that which crashes there.
    export OPENBLAS_CORETYPE=Nehalem
    # qemu 7.2 enters a signal's handler with a stack that is not aligned.
    flags=-mstackrealign ;;
  musl) compiler=musl ;;
  *) echo "elsewhere.sh: arm64, s390x, i386 or musl, not $arch" >&2; exit 2 ;;
esac

# Debian's packages for the processor, unpacked.
unpack() {
  rm -rf "$root" && mkdir -p "${root%/*}"
  # Debian as it was released: mirrors of its security updates often lack the rarer processors.
  cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v RS= -v ORS='\n\n' '!/security/' >"$root.sources"
  [ -s "$root.sources" ] || grep -v security /etc/apt/sources.list >"$root.sources"
  mmdebstrap --variant=extract --architectures="$arch" --include=libc6-dev,libopenblas-pthread-dev,liblapacke-dev,$(:
    )zlib1g-dev,libminizip-dev,libjansson-dev,libcairo2-dev,libpng-dev,libjpeg-dev,libcmocka-dev,libprotobuf-c-dev,$(:
    )libfontconfig-dev,libzip-dev,fonts-dejavu-core,fontconfig-config bookworm "$root" "$root.sources"
  # Links to /lib would lead out of it.
  find "$root" -lname '/*' | while read -r link; do ln -sfn "$root$(readlink "$link")" "$link"; done
  # What Debian's alternatives would choose.
  ln -s openblas-pthread/libopenblas.so openblas-pthread/libblas.so.3 openblas-pthread/liblapack.so.3 \
        openblas-pthread/libopenblas.so.0 "$root/$lib/"
  for name in blas lapack; do
    ln -s ../openblas-pthread/pkgconfig/$name-openblas.pc "$root/$lib/pkgconfig/$name.pc"
  done
}

if [ "$arch" = musl ]; then
  scripts/musl_root.sh "$root"
  CC=musl-gcc AR=ar LDFLAGS='' RUN=''
  export PKG_CONFIG='pkg-config --static' PKG_CONFIG_LIBDIR="$root/lib/pkgconfig"
else
  lib=usr/lib/$triplet
  [ -e "$root/$lib/libopenblas.so" ] || unpack
  CC="$compiler-gcc --sysroot=$root ${flags:-}" AR=$compiler-ar LDFLAGS="-Wl,-rpath-link,$root/$lib:$root/lib/$triplet"
  RUN="qemu-$(echo "$arch" | sed s/arm64/aarch64/)-static -L $root"
  export PKG_CONFIG_SYSROOT_DIR="$root"
  export PKG_CONFIG_LIBDIR="$root/$lib/pkgconfig:$root/$lib/openblas-pthread/pkgconfig:$root/usr/share/pkgconfig"
fi
build=build/release-$compiler-gcc
[ $# -gt 0 ] || set -- $(ls test/test_*.c | sed 's|test/test_\(.*\)\.c|\1|')
programs=$(printf "$build/test/test_%s " "$@")
make CC="$CC" AR="$AR" LDFLAGS="$LDFLAGS" $programs

export RUN
ulimit -t "${SECONDS_EACH:-600}"
scripts/run_tests.sh $programs
