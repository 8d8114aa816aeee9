#!/bin/sh
# check_house.sh LIBRARY - three rules of docs/design.md that a compiler does not see: an include
# points down the floors, every exported name begins with nb_, and memory is taken in one place.
set -u
library=$1

# floor folder, lowest first; a folder may include from its own floor's folder and those below it.
floors='0 base
1 kernel
1 numeric
1 plot
2 tensor
3 op
3 data
3 io
4 graph
5 derivative
6 optim
6 nn
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

foreign=$(nm -g --defined-only "$library" 2>/dev/null | awk 'NF == 3 && $3 !~ /^_?nb_/ {print $3}' |
          grep -vE '^_*(asan|odr_asan|gcov|__)' | sort -u)
[ -z "$foreign" ] || { echo "exported without nb_:" $foreign; bad=1; }

# All memory comes from the replaceable allocator, so that tests can count it and make it fail.
takers=$(nm -A -u "$library" 2>/dev/null | sed -n 's/.*:\([a-z_]*\)\.o: *U \(.*\)/\1 \2/p' |
         grep -E ' (malloc|calloc|realloc|free|aligned_alloc|posix_memalign|strdup|strndup)$' |
         grep -v '^memory ')
[ -z "$takers" ] || { echo "memory taken elsewhere than in lib/base/memory.c:"; echo "$takers"; bad=1; }
exit $bad
