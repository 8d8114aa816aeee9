# man.awk - the body of a man page from a header whose backslashes and hyphens are escaped for roff: the
# first comment describes, each later one is followed by what it declares.
function close_part() { if (open) print ".fi"; open = 0 }
function say(line) { print (line ~ /^[.\047]/ ? "\\&" : "") line }
function open_part(title) { close_part(); print title; print ".nf"; open = 1 }

# The first comment: "/* name.h - what it is." and its lines up to the end.
NR == 1 {
  brief = $0
  sub(/^\/\* [a-z_0-9]*\.h \\- /, "", brief)
  sub(/ ?\*\/$/, "", brief); sub(/[.:;,]$/, "", brief)
  print ".SH NAME\nnablas_" name " \\- " brief
  print ".SH SYNOPSIS\n.nf\n.B #include <nablas/" name ".h>\n.fi"
  open_part(".SH DESCRIPTION")
  first = 1
}
first {
  line = $0
  ends = sub(/ ?\*\/$/, "", line)
  sub(/^\/\* /, "", line); sub(/^ \* ?/, "", line)
  say(line)
  if (ends) { close_part(); print ".SH DECLARATIONS"; first = 0 }
  next
}

/^#(ifndef|endif|include|if|else|elif)/ || /^#define NABLAS_/ || /^NB_(BEGIN|END)_DECLS$/ { next }
/^$/ { blank = 1; next }

# A comment that names what follows begins a part of its own.
/^\/\* nb_|^\/\* NB_/ {
  title = $0
  sub(/^\/\* /, "", title); sub(/ \\- .*/, "", title); sub(/:.*/, "", title); sub(/ ?\*\/$/, "", title)
  if (length(title) > 60) title = substr(title, 1, 57) "..."
  gsub(/"/, "", title)
  open_part(".SS \"" title "\"")
  blank = 0
}
!open { print ".nf"; open = 1; blank = 0 }
/^\/\*/ { comment = 1; sub(/^\/\* /, "") }
comment { sub(/^ \* ?/, ""); if (sub(/ ?\*\/$/, "")) comment = 0 }
{ if (blank) print ""; blank = 0; say($0) }
END { close_part() }
