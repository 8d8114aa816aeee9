#!/bin/sh
# deps.sh - the packages nablas builds with: install them, or say which are missing.
#
#   deps.sh install [dev | mpi]   install what is missing (apt), or print what to install and how
#   deps.sh check [test]    exit 0 if all is there to build the library and the examples, with `test`
#                           also the tests; else name what is missing and what to type
#
# `install` means also what fetches data and draws letters in figures, `install dev` also the tools of
# the format check, the linter, the fuzzer and the comparison with NumPy, `install mpi` Open MPI.
set -u

# what       how it is found              apt                 dnf             pacman    brew
build_needs='
cc           cmd:cc                       gcc                 gcc             gcc       gcc
libc         header:stdlib.h              libc6-dev           glibc-devel     glibc     -
pkg-config   cmd:pkg-config               pkg-config          pkgconf         pkgconf   pkg-config
OpenBLAS     pc:openblas                  libopenblas-dev     openblas-devel  openblas  openblas
LAPACKE      header:lapacke.h             liblapacke-dev      lapack-devel    lapacke   lapack
libpng       pc:libpng                    libpng-dev          libpng-devel    libpng    libpng
libjpeg      pc:libjpeg                   libjpeg-dev         libjpeg-turbo-devel libjpeg-turbo jpeg-turbo
zlib         pc:zlib                      zlib1g-dev          zlib-devel      zlib      zlib
minizip      pc:minizip                   libminizip-dev      minizip-compat-devel minizip minizip
jansson      pc:jansson                   libjansson-dev      jansson-devel   jansson   jansson
cairo        pc:cairo                     libcairo2-dev       cairo-devel     cairo     cairo
protobuf-c   pc:libprotobuf-c             libprotobuf-c-dev   protobuf-c-devel protobuf-c protobuf-c
protoc-c     cmd:protoc-c                 protobuf-c-compiler protobuf-c-compiler protobuf-c protobuf-c
fontconfig   pc:fontconfig                libfontconfig-dev   fontconfig-devel fontconfig fontconfig
'
test_needs='
cmocka       pc:cmocka                    libcmocka-dev       libcmocka-devel cmocka    cmocka
libzip       pc:libzip                    libzip-dev          libzip-devel    libzip    libzip
'
run_needs='
DejaVu       font:DejaVuSans.ttf          fonts-dejavu-core   dejavu-sans-fonts ttf-dejavu font-dejavu
curl         cmd:curl                     curl                curl            curl      curl
certificates file:/etc/ssl/certs          ca-certificates     ca-certificates ca-certificates ca-certificates
'
mpi_needs='
MPI          cmd:mpicc                    libopenmpi-dev      openmpi-devel   openmpi   open-mpi
mpiexec      cmd:mpiexec                  openmpi-bin         openmpi         openmpi   open-mpi
'
dev_needs='
clang        cmd:clang                    clang               clang           clang     llvm
libFuzzer    fuzzer:clang                 libclang-rt-dev     compiler-rt     compiler-rt llvm
clang-format cmd:clang-format             clang-format        clang-tools-extra clang   clang-format
clang-tidy   cmd:clang-tidy               clang-tidy          clang-tools-extra clang   llvm
OpenBLAS-serial openblas:serial       libopenblas0-serial -               -         -
OpenBLAS-openmp openblas:openmp       libopenblas0-openmp -               -         -
NumPy        python:numpy                 python3-numpy       python3-numpy   python-numpy numpy
'

cc=${CC:-cc} pkg_config=${PKG_CONFIG:-pkg-config} # with options, perhaps

found() { # found HOW
  case $1 in
    cmd:cc) command -v "${cc%% *}" >/dev/null 2>&1 ;;
    cmd:pkg-config) command -v "${pkg_config%% *}" >/dev/null 2>&1 ;;
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
    pc:openblas) [ -n "${BLAS_LIBS:-}" ] || $pkg_config --exists openblas 2>/dev/null ;;
    pc:*) $pkg_config --exists "${1#pc:}" 2>/dev/null ;;
    header:*) echo "#include <${1#header:}>" | $cc $($pkg_config --cflags openblas 2>/dev/null) -E - >/dev/null 2>&1 ;;
    font:*) find -L /usr/share/fonts /usr/local/share/fonts "$HOME/.fonts" "$HOME/.local/share/fonts" \
                 "$HOME/Library/Fonts" /Library/Fonts -name "${1#font:}" 2>/dev/null | grep -q . ;;
    openblas:*) # Debian has OpenBLAS built in three ways; who has not has one to test with
                ! command -v apt-get >/dev/null 2>&1 ||
                ls /usr/lib/*/openblas-"${1#openblas:}"/libopenblas.so.0 >/dev/null 2>&1 ;;
    file:*) [ -e "${1#file:}" ] ;;
    fuzzer:*) program=$(mktemp) # the library is looked for only when linking
              echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
              "${1#fuzzer:}" -x c -fsanitize=fuzzer,address - -o "$program" >/dev/null 2>&1
              set -- $?; rm -f "$program"; return "$1" ;;
    python:*) "${PYTHON:-python3}" -c "import ${1#python:}" >/dev/null 2>&1 ||
              /usr/bin/python3 -c "import ${1#python:}" >/dev/null 2>&1 ;;
  esac
}

missing() { # missing COLUMN: the names in that column of what is not found
  echo "$all" | while read -r what how apt dnf pacman brew; do
    [ -n "$what" ] || continue
    found "$how" && continue
    case $1 in
      what) echo "$what" ;; apt) echo "$apt" ;; dnf) echo "$dnf" ;;
      pacman) echo "$pacman" ;; brew) echo "$brew" ;;
    esac
  done | grep -v '^-$' | sort -u | tr '\n' ' ' | sed 's/ $//'
}

case "$*" in
  check) all=$build_needs ;;
  'check test') all=$build_needs$test_needs ;;
  install) all=$build_needs$test_needs$run_needs ;;
  'install dev') all=$build_needs$test_needs$run_needs$dev_needs ;;
  'install mpi') all=$build_needs$mpi_needs ;;
  *) echo "usage: deps.sh install [dev | mpi] | check [test]" >&2; exit 2 ;;
esac
lacking=$(missing what)
[ -n "$lacking" ] || exit 0

if [ "$1" = check ]; then
  echo "nablas: missing: $lacking. 'make deps' installs it, or says which packages carry it." >&2
  exit 1
fi

if ! command -v apt-get >/dev/null 2>&1; then
  cat >&2 <<EOF
nablas: missing: $lacking
Install the packages that carry them, then type make again:
  Fedora        sudo dnf install $(missing dnf)
  Arch          sudo pacman -S $(missing pacman)
  macOS         brew install $(missing brew)
  Debian-like   sudo apt-get install $(missing apt)
EOF
  exit 1
fi

sudo=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || {
    echo "nablas: missing: $lacking. You are not root, and there is no sudo. As root:" >&2
    echo "  apt-get install $(missing apt)" >&2
    exit 1
  }
  sudo=sudo
fi
packages=$(missing apt)
echo "nablas: installing $packages"
install="$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
# An apt cache that was never filled knows no package: fill it and try once more.
# shellcheck disable=SC2086
$install $packages >/dev/null 2>&1 || { $sudo apt-get update -q && $install $packages; } || exit 1
lacking=$(missing what)
[ -z "$lacking" ] || { echo "nablas: still missing after the installation: $lacking" >&2; exit 1; }
