#!/bin/sh
# Brings what the tests need and this machine lacks: PostgreSQL's server and
# Chromium, from the system's packages. It says what it cannot bring; the tests
# that need it then fail with a sentence of their own, none is skipped.
set -u

has_postgres() {
	command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}
has_chromium() {
	[ -n "${FANFARE_TEST_CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1 ||
		command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1
}

[ -n "${FANFARE_TEST_POSTGRES:-}" ] || has_postgres || want="${want:-} postgresql"
has_chromium || want="${want:-} chromium"
[ -n "${want:-}" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && as_root="sudo"
	if [ -z "$as_root" ]; then
		echo "The tests need:$want. Install it, or run this as somebody who may." >&2
		exit 0
	fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "The tests need:$want. Install it with this system's package manager." >&2
	exit 0
fi
echo "Installing for the tests:$want"
# shellcheck disable=SC2086
if ! { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $want >/dev/null; }; then
	echo "Could not install:$want. The tests that need it will say so." >&2
fi
