#!/bin/sh
# Looks for secrets in what is about to be committed. To commit all the same: git commit --no-verify
if ! command -v penstock >/dev/null 2>&1; then
  echo "Not committed: this repository scans commits for secrets, and \`penstock\` is not in PATH." >&2
  echo "Install penstock, or add its folder to PATH. To commit without the scan: git commit --no-verify" >&2
  exit 1
fi
penstock scan --staged
code=$?
if [ "$code" -gt 1 ]; then
  echo "Not committed: penstock could not scan all of it, see above. To commit all the same: git commit --no-verify" >&2
fi
exit "$code"
