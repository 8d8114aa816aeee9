#!/bin/sh
# test_gradient_check.sh - gradient_check as a person uses it: each planted slip has its name. Prints lines
# as cmocka does. EXAMPLES and TOOLS as in test_cli.sh.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"

run() { "$examples/gradient_check" "$@" >"$out" 2>"$err"; status=$?; }

# shows SLIP VERDICT NAME
shows() { prints "^$1 +$2 +$3\$"; echo "^$1 +$2 +$3\$" >>"$shown"; }

each_planted_slip_has_its_name() {
  shown=$out.shown
  run --demo
  exits 0; silent "$err"
  shows 'a right gradient' right agrees
  shows 'the sign is wrong' wrong 'wrong +factor -1'
  shows 'half of it' wrong 'wrong +factor 0.5'
  shows 'it was never written' wrong 'wrong +factor 0'
  shows 'a division by 0' wrong 'not finite'
  shows 'the decay 0.05 w\^2 was forgotten' wrong 'wrong +term in w 0.1'
  shows '0.3 w was forgotten' wrong 'wrong +term constant 0.3'
  shows '0.3 x was forgotten' wrong 'wrong +term in x 0.3'
  shows 'right, beside a corner' right kink
  shows 'right, beside a jump' right jump
  shows 'right, of a constant' right vacuous
  shows 'right, too faint to see' right 'below noise'
  shows 'right, a million waves' right truncation
  shows 'right, of a staircase' right rounding
  shows 'right, a bias before batch norm' right 'before batch norm'
  shows 'right, batch norm of one row' right 'batch of one'
  shows 'right, with 1e-7 in the logarithm' right bias
  shows '1e20 hides the function' unknown unresolved
  shows 'the function counts its calls' unknown nondeterministic
  shows 'the function changes x' unknown 'input overwritten'
  shows 'one element further' wrong 'wrong +shifted 1'
  shows 'a right operation, y = x W' right agrees
  shows 'dW transposed' wrong 'wrong +transposed'
  shows 'dx = dy W, not dy W\^T' wrong 'wrong +transposed'
  shows 'dW one element too early' wrong 'wrong +shifted 1'
  shows 'the last row is left out of dW' wrong 'wrong +rows left out 7'
  shows 'beta is ignored' wrong accumulated
  shows 'alpha is ignored' wrong fused
  shows 'forward writes into x' wrong 'input overwritten'
  shows 'forward counts its calls' wrong nondeterministic
  shows 'dropout that always draws' wrong 'mask redrawn'
  shows 'the sign is wrong in float32' wrong 'one precision alone'
  shows 'forward begins at row 0, not lo' wrong 'rows mixed'
  shows 'rows use the row before' wrong 'rows mixed'
  shows 'W is copied where lo is 0 only' wrong 'one thread alone'
  shows 'of packed rows the double' wrong packed
  shows 'by element, but uses the next' wrong 'columns mixed'
  shows 'NB_PRODUCT, but y = x W \+ x' wrong 'another kind'
  missed=$(grep -Evf "$shown" "$out") && problem "lines that no test expects: $missed"
  [ "$(awk 'length > 80' "$out" | wc -l)" -eq 0 ] || problem 'a line is wider than 80 columns'
}

the_net_of_two_inputs_is_right() {
  run --net simple
  exits 0
  prints '^the gradient is right'
  run --net simple --json
  exits 0
  prints '"verdict": "right".*"breach": ""'
}

check each_planted_slip_has_its_name the_net_of_two_inputs_is_right
