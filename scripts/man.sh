#!/bin/sh
# man.sh OUT VERSION FILE... - man pages: OUT/man3/nablas_NAME.3 for each header NAME.h, from the header,
# and OUT/man1/nablas-NAME.1 for each other file, a program, from its --help.
set -eu
out=$1 version=$2
shift 2
mkdir -p "$out/man1" "$out/man3"

# What roff would read as its own is escaped.
escape() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"; }

begin() { # begin TITLE SECTION
  printf '.TH "%s" %s "" "nablas %s" "nablas"\n' "$1" "$2" "$version"
}

section1() { # section1 PROGRAM
  name=${1##*/}
  text=$("$1" --help | escape)
  begin "NABLAS-$(echo "$name" | tr '[:lower:]' '[:upper:]')" 1
  printf '.SH NAME\nnablas\\-%s \\- %s\n.SH SYNOPSIS\n.B %s\n' "$(echo "$name" | escape)" \
    "$(echo "$text" | sed -n '2s/\.$//p')" "$(echo "$text" | sed -n '1s/^usage: //p')"
  printf '.SH DESCRIPTION\n.nf\n%s\n.fi\n' "$(echo "$text" | sed 1d)"
  printf '.SH "SEE ALSO"\n.BR nablas_nablas (3)\n'
}

section3() { # section3 HEADER
  name=${1##*/} name=${name%.h}
  begin "NABLAS_$(echo "$name" | tr '[:lower:]' '[:upper:]')" 3
  escape <"$1" | awk -v name="$name" -f scripts/man.awk
  printf '.SH "SEE ALSO"\n.BR nablas_nablas (3)\n'
}

# Another make may read a page meanwhile: it is whole at any time.
for file; do
  name=${file##*/}
  case $name in
    *.h) section=3 page=$out/man3/nablas_${name%.h}.3 ;;
    *) section=1 page=$out/man1/nablas-$name.1 ;;
  esac
  section$section "$file" >"$page.$$"
  mv "$page.$$" "$page"
done
