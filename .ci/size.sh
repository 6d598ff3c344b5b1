#!/usr/bin/env bash
# style.md 4: no file over 500 lines, no folder over 12 files; one fact a file, two rooms instead of one long one.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
while IFS= read -r file; do
    lines=$(wc -l < "$file")
    if [ "$lines" -gt 500 ]; then echo "$file: $lines lines, at most 500: split it by role"; bad=1; fi
done < <(git ls-files -co --exclude-standard -- '*.rs' '*.sh' '*.mjs' '*.py')
while IFS= read -r dir; do
    files=$(find "$dir" -maxdepth 1 -type f -name '*.rs' | wc -l)
    if [ "$files" -gt 12 ] && [ "$dir" != src ]; then echo "$dir: $files files, at most 12: make a folder"; bad=1; fi
done < <(find src tests -type d)
exit $bad
