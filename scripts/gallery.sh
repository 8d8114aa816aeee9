#!/bin/sh
# gallery.sh EXAMPLES - write docs/textbook.md and docs/textbook.zh-CN.md from gallery.pages and from
# what the programs in the folder EXAMPLES print and draw. Run from the top of the repository, with
# MNIST there. A page whose program is not built is left out, and named.
set -eu
export LC_ALL=C
examples=$1
table=scripts/gallery.pages
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
limit=61440 # bytes of a committed figure

mkdir -p "$top/print" "$top/figures"
# shellcheck disable=SC2013 # a name is one word
for program in $(sed -n 's/^page //p' $table); do
  if [ ! -x "$examples/$program" ]; then
    echo "gallery: no program $program, its page is left out" >&2
    continue
  fi
  echo "  DOCS $program"
  options=$(awk -v p="$program" '$1 == "page" {here = $2 == p} here && $1 == "options" {
              sub(/^options */, ""); print}' $table)
  ! "$examples/$program" --help | grep -q '^  --out ' || options="$options --out $top/figures"
  # shellcheck disable=SC2086 # options are words
  "$examples/$program" $options >"$top/output"
  sed "s|$top/figures/|figures/|; s/ *$//" "$top/output" >"$top/print/$program"
done

for file in "$top"/figures/*.png; do
  size=$(wc -c <"$file")
  [ "$size" -lt $limit ] && continue
  echo "gallery: ${file##*/} has $size bytes, $limit are too many" >&2
  exit 1
done

# Width on the page: half the pixels, which are two to the point, and no more than a page has.
for file in "$top"/figures/*.png; do
  name=${file##*/}
  od -An -tu1 -j16 -N4 "$file" | awk -v name="${name%.png}" '{
    width = (($1 * 256 + $2) * 256 + $3) * 256 + $4
    print name, (width > 1640 ? 820 : int(width / 2))}'
done >"$top/widths"

write() { # write LANGUAGE OTHER_FILE OTHER_NAME
  awk -v language="$1" -v other="$2" -v other_name="$3" -v top="$top" '
    function image(name, title) {
      if (figures > 1 && width[name] > 400 && width[name] <= 480) width[name] = 400 # two abreast
      printf "<img src=\"figures/%s.png\" width=\"%d\" alt=\"%s\">\n", name, width[name], title
    }
    # What was read of a block, when the next begins.
    function finish(    i, line, lines, output, file, command) {
      if (kind == "chapter") printf (argument == "+" ? "## %.0s%s\n\n" : "## %s. %s\n\n"), argument, title
      if (kind == "intro") printf "# %s\n\n[%s](%s)\n\n", title, other_name, other
      if (kind == "outro") printf "## %s\n\n", title
      file = top "/print/" argument
      if (kind == "page") {
        if ((getline line <file) <= 0) { kind = ""; return }
        printf (section == "+" ? "### %.0s%s\n\n" : "### %s %s\n\n"), section, title
      }
      for (i = 1; i <= texts; i++) printf "%s\n\n", text[i]
      if (kind == "page") {
        lines = 0
        do output[++lines] = line; while ((getline line <file) > 0)
        close(file)
        command = "./examples/" argument options
        if (fold) printf "<details><summary><code>%s</code>: %s</summary>\n\n", command, output[lines]
        printf "```console\n$ %s\n", command
        for (i = 1; i <= lines; i++) print output[i]
        print "```\n"
        if (fold) print "</details>\n"
        if (!figures) for (i = 1; i <= drawn; i++)
          if (all[i] == argument || index(all[i], argument "_") == 1) figure[++figures] = all[i]
        for (i = 1; i <= figures; i++) image(figure[i], title)
        if (figures) print ""
      }
      kind = ""
    }
    BEGIN {
      while ((getline line <(top "/widths")) > 0) {
        split(line, word, " "); width[word[1]] = word[2]; all[++drawn] = word[1]
      }
      print "<!-- written by scripts/gallery.sh from scripts/gallery.pages; do not edit -->\n"
    }
    /^#/ || !NF { next }
    { key = $1; value = $0; sub(/^[^ ]+ */, "", value) }
    key ~ /^(intro|outro|chapter|page)$/ {
      finish()
      kind = key; argument = value; title = section = options = ""; texts = figures = fold = 0
    }
    key == "section" { section = value }
    key == "title." language { title = value }
    key == "text." language { text[++texts] = value }
    key == "options" { options = " " value }
    key == "figure" { figure[++figures] = value }
    key == "fold" { fold = 1 }
    END { finish() }' $table
}
write en textbook.zh-CN.md 中文 | sed '${/^$/d;}' >"$top/en.md"
write zh textbook.md English | sed '${/^$/d;}' >"$top/zh.md"

mkdir -p docs/figures
find docs/figures -name '*.png' ! -name digit_page.png -exec rm -f {} + # a browser's, of docs/export.md
mv "$top"/figures/*.png docs/figures/
mv "$top/en.md" docs/textbook.md
mv "$top/zh.md" docs/textbook.zh-CN.md
