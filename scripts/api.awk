# api.awk - a section of the reference from a header escaped for HTML: the first comment describes, each
# later one is followed by what it declares.
function close_part() { if (open) print "</pre></article>"; open = 0 }
function open_part(id) {
  close_part()
  printf "<article%s><pre>", id == "" ? "" : " id=\"" id "\""
  open = 1
}

NR == 1 {
  brief = $0
  sub(/^\/\* [a-z_0-9]*\.h - /, "", brief); sub(/ ?\*\/$/, "", brief); sub(/[.:;,]$/, "", brief)
  print "<section id=\"" name "\"><h2>nablas/" name ".h</h2><p>" brief "</p>"
  open_part("")
  first = 1
}
first {
  line = $0
  ends = sub(/ ?\*\/$/, "", line)
  sub(/^\/\* /, "", line); sub(/^ \* ?/, "", line)
  print line
  if (ends) { close_part(); first = 0 }
  next
}

/^#(ifndef|endif|include|if|else|elif)/ || /^#define NABLAS_/ || /^NB_(BEGIN|END)_DECLS$/ || /^\/\* ---/ { next }
/^$/ { blank = 1; next }

# A comment after an empty line begins a part, whose name is its first word where that is one of ours.
/^\/\*/ && blank {
  id = $2; sub(/[^A-Za-z0-9_].*/, "", id)
  if (id !~ /^(nb|NB)_/ || id in seen) id = ""
  else seen[id] = 1
  open_part(id)
  blank = 0
}
!open { open_part(""); blank = 0 }
/^\/\*/ { comment = 1; sub(/^\/\* /, "") }
comment { sub(/^ \* ?/, ""); if (sub(/ ?\*\/$/, "")) comment = 0; print "<i>" $0 "</i>"; next }
{ if (blank) print ""; blank = 0; print }
END { close_part(); print "</section>" }
