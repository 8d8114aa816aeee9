#!/bin/sh
# check_house.sh LIBRARY.a... LIBRARY.so... - three rules of docs/design.md that a compiler does not
# see: an include points down the floors, the shared libraries export what the public headers declare,
# and memory is taken in one place.
set -u
archives=$(echo "$@" | tr ' ' '\n' | grep '\.a$') shared=$(echo "$@" | tr ' ' '\n' | grep '\.so$')

# floor folder, lowest first; a folder may include from its own floor's folder and those below it.
floors='0 base
1 kernel
1 numeric
2 plot
2 tensor
3 op
3 data
3 digit
3 io
4 graph
4 table
4 images
5 derivative
5 picture
6 optim
6 nn
7 export
7 train'
floor_of() { echo "$floors" | awk -v f="$1" '$2 == f {print $1}'; }
# The folder that a public header belongs to: where its source stands.
home_of() {
  for candidate in lib/*/"$1".c lib/*/x"$1".c; do
    [ -e "$candidate" ] && { candidate=${candidate%/*}; echo "${candidate#lib/}"; return; }
  done
}

bad=0
for file in lib/*/*.[ch] lib/include/nablas/*.h; do
  folder=${file%/*} folder=${folder#lib/}
  case $file in
    lib/include/nablas/nablas.h) continue ;;
    lib/include/*) stem=${file##*/}; folder=$(home_of "${stem%.h}") ;;
  esac
  mine=$(floor_of "$folder")
  [ -n "$mine" ] || { echo "$file: on no floor of docs/design.md"; bad=1; continue; }
  for header in $(sed -n 's/^#include "\(.*\)"/\1/p' "$file"); do
    case $header in
      nablas/nablas.h) echo "$file: includes nablas.h, which is for users"; bad=1; continue ;;
      nablas/*) stem=${header#nablas/}; other=$(home_of "${stem%.h}") ;;
      */*) other=${header%%/*} ;;
      *) other=$folder ;;
    esac
    theirs=$(floor_of "$other")
    [ -n "$theirs" ] || { echo "$file: $header is on no floor"; bad=1; continue; }
    if [ "$theirs" -gt "$mine" ] || { [ "$theirs" -eq "$mine" ] && [ "$other" != "$folder" ]; }; then
      echo "$file: includes $header of $other, which is not below $folder"; bad=1
    fi
  done
done

# The shared libraries export what the public headers declare, all of it and nothing else.
names=$(mktemp -d) && trap 'rm -rf "$names"' EXIT
"${CC:-cc}" -E -P -Ilib/include lib/include/nablas/nablas.h >"$names/headers"
grep -oE '\bnb_[A-Za-z0-9_]+' "$names/headers" | sort -u >"$names/all"
{ grep -oE '\bnb_[A-Za-z0-9_]+ ?\([^*]' "$names/headers" | sed 's/ *(.*//'
  sed -nE 's/^extern const [a-z_]+ (nb_[a-z0-9_]+).*/\1/p' "$names/headers"; } | sort -u >"$names/declared"
for library in $shared; do
  nm -D --defined-only "$library" | awk '$2 ~ /[A-Z]/ && $3 !~ /^(__|_init|_fini)/ {print $3}'
done | sort -u >"$names/exported"
private=$(comm -23 "$names/exported" "$names/all")
[ -z "$private" ] || { echo "exported, but in no public header:" $private; bad=1; }
missing=$(comm -23 "$names/declared" "$names/exported")
[ -z "$missing" ] || { echo "declared in a public header, but not exported:" $missing; bad=1; }

# All memory comes from the replaceable allocator, so that tests can count it and make it fail.
takers=$(nm -A -u $archives 2>/dev/null | sed -n 's/.*:\([a-z_]*\)\.o: *U \(.*\)/\1 \2/p' |
         grep -E ' (malloc|calloc|realloc|free|aligned_alloc|posix_memalign|strdup|strndup)$' |
         grep -v '^memory ')
[ -z "$takers" ] || { echo "memory taken elsewhere than in lib/base/memory.c:"; echo "$takers"; bad=1; }
exit $bad
