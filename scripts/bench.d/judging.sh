# What a campaign reads in the results of `sip load`, and how it judges them; counts in passed and failed.

number() { sed -n "s/.*\"$2\": \([0-9.]*\).*/\1/p" "$out/$1.json" | head -1; } # FILE NAME
percentile() { sed -n "/\"$2\": {/,/}/s/.*\"$3\": \([0-9.]*\).*/\1/p" "$out/$1.json" | head -1; } # FILE HISTOGRAM NAME
check() { # WHAT FIGURE least|most BOUND
  if awk -v v="$2" -v b="$4" -v how="$3" 'BEGIN { exit !(v != "" && (how == "least" ? v + 0 >= b + 0 : v + 0 <= b + 0)) }'; then
    passed=$((passed + 1)) && echo "  ok   $1: $2 (at $3 $4)"
  else
    failed=$((failed + 1)) && echo "  FAIL $1: ${2:-unknown} (at $3 $4)"
  fi
}
