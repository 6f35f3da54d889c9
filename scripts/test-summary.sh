#!/usr/bin/env bash
# Prints one line per test suite from the XML reports of Surefire and Failsafe, and why tests were skipped.
# Exit code 1 when a test failed or none ran.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

mapfile -t reports < <(find . -maxdepth 5 -path '*/target/*-reports/TEST-*.xml' | LC_ALL=C sort)
if [ ${#reports[@]} -eq 0 ]; then
  echo "No test ran."
  exit 1
fi

awk '
  function attribute(line, name,   value) {
    if (!match(line, " " name "=\"[^\"]*\"")) return ""
    value = substr(line, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    gsub("&lt;", "<", value); gsub("&gt;", ">", value); gsub("&quot;", "\"", value)
    gsub("&#10;", " ", value); gsub("&amp;", "\\&", value)
    return value
  }
  FNR == 1 { in_suite = 0; module = FILENAME; sub(/\/target\/.*/, "", module); sub(/^\.\/(engine\/)?/, "", module) }
  # An element may be spread over lines: collect until its ">".
  /<testsuite / { in_suite = 1; head = "" }
  in_suite == 1 {
    head = head " " $0
    if ($0 !~ />/) next
    in_suite = 2
    suite = attribute(head, "name"); sub(/.*\./, "", suite)
    tests = attribute(head, "tests") + 0
    failed = attribute(head, "failures") + attribute(head, "errors")
    skipped = attribute(head, "skipped") + 0
    seconds = attribute(head, "time")
    rows[++count] = sprintf("%-12s %-44s %6d %7d %8d %9.1f s", module, suite, tests - skipped, failed, skipped, seconds)
    ran += tests - skipped; bad += failed; skips += skipped
  }
  /<testcase / { test = attribute($0, "name") }
  /<skipped/ {
    reason = attribute($0, "message")
    # Surefire puts the message of an assumption into the text.
    if (reason == "" && match($0, /Assumption failed: /)) reason = substr($0, RSTART + RLENGTH)
    sub(/\]\]>.*/, "", reason)
    if (reason == "") reason = "no reason given"
    key = suite ": " reason
    if (!(key in times)) order[++reasons] = key
    times[key]++
  }
  /<(failure|error)[ >]/ && in_suite == 2 { broken[++breaks] = suite "." test ": " attribute($0, "message") }
  END {
    printf "%-12s %-44s %6s %7s %8s %11s\n", "MODULE", "SUITE", "RAN", "FAILED", "SKIPPED", "TIME"
    for (i = 1; i <= count; i++) print rows[i]
    if (reasons) { print "\nSkipped, and why:" }
    for (i = 1; i <= reasons; i++) printf "  %dx %s\n", times[order[i]], order[i]
    if (breaks) { print "\nFailed:" }
    for (i = 1; i <= breaks; i++) print "  " substr(broken[i], 1, 300)
    printf "\n%d passed, %d failed, %d skipped\n", ran - bad, bad, skips
    exit (bad > 0 || ran == 0) ? 1 : 0
  }
' "${reports[@]}"
