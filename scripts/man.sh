#!/bin/sh
# man.sh OUT VERSION PROGRAM... - man pages: OUT/man1/nablas-NAME.1 for each program, from its --help,
# and OUT/man3/nablas_NAME.3 for each public header, from the header.
set -eu
out=$1 version=$2
shift 2
mkdir -p "$out/man1" "$out/man3"

# What roff would read as its own is escaped.
escape() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"; }

begin() { # begin TITLE SECTION
  printf '.TH "%s" %s "" "nablas %s" "nablas"\n' "$1" "$2" "$version"
}

for program; do
  name=${program##*/}
  text=$("$program" --help | escape)
  {
    begin "NABLAS-$(echo "$name" | tr '[:lower:]' '[:upper:]')" 1
    printf '.SH NAME\nnablas\\-%s \\- %s\n.SH SYNOPSIS\n.B %s\n' "$(echo "$name" | escape)" \
      "$(echo "$text" | sed -n '2s/\.$//p')" "$(echo "$text" | sed -n '1s/^usage: //p')"
    printf '.SH DESCRIPTION\n.nf\n%s\n.fi\n' "$(echo "$text" | sed 1d)"
    printf '.SH "SEE ALSO"\n.BR nablas_nablas (3)\n'
  } >"$out/man1/nablas-$name.1"
done

for header in lib/include/nablas/*.h; do
  name=${header##*/} name=${name%.h}
  {
    begin "NABLAS_$(echo "$name" | tr '[:lower:]' '[:upper:]')" 3
    escape <"$header" | awk -v name="$name" -f scripts/man.awk
    printf '.SH "SEE ALSO"\n.BR nablas_nablas (3)\n'
  } >"$out/man3/nablas_$name.3"
done
