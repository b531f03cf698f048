# shellcheck shell=sh
# What deps/get and deps/root share: the cache outside of the tree, a work folder
# that ends with the run, and apt with a set-up of its own. They set $deps, and
# define say and die.

cache=${RINGLET_CACHE:-${XDG_CACHE_HOME:-${HOME:?names no folder: set RINGLET_CACHE}/.cache}/ringlet}
work=

case $cache in
*[[:space:]]*) die "make cannot work in '$cache', which has a blank in its name: set RINGLET_CACHE to another folder" ;;
/*) ;;
*) cache=$PWD/$cache ;;
esac

# make_work FOLDER...: the work folder, and these in the cache.
make_work() {
	[ -z "$work" ] || return 0
	(mkdir -p "$cache" && cd "$cache" && mkdir -p "$@") 2>/dev/null ||
		die "cannot write to $cache: set RINGLET_CACHE to a folder of your own"
	work=$(mktemp -d "$cache/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# The line of a failed command's log that says most.
complaint() {
	sed -n -E -e 's/^E: (Failed to fetch .*)/\1/p' -e '/^npm (ERR!|error) (code|errno|syscall) /d' \
		-e 's/^npm (ERR!|error) (.*)/\2/p' "$work/log" | head -n 1
}

# debian_open WORK KIND SUITE...: apt with a configuration of its own, which lives
# as long as this run: the machine's mirror, Debian's keyring, the indexes of the
# suites (KIND: deb or deb-src), no package installed. The machine's own set-up
# is only read. Sets $mirror.
debian_open() {
	apt=$1/apt
	kind=$2
	shift 2
	for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
		[ ! -e "$keyring" ] || break
	done
	[ -e "$keyring" ] || die "no keyring of Debian's archive: apt-get install debian-archive-keyring"
	mkdir -p "$apt/none/partial" "$apt/state/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/state/status"
	mirror=$(find_mirror)
	[ -n "$mirror" ] || die "apt on this machine names no Debian mirror: put one into /etc/apt/sources.list.d/"
	cat >"$apt/conf" <<EOF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
EOF
	for each; do
		printf '%s [signed-by=%s] %s %s main\n' "$kind" "$keyring" "$mirror" "$each"
	done >"$apt/sources.list"
}

# The archive of Debian itself among what apt is set up with: a list that apt
# makes, so that it holds whatever way the machine writes its sources.
find_mirror() {
	apt-get -o Dir::State::lists="$apt/none" update --print-uris 2>/dev/null |
		sed -n "s|^'\(.*\)/dists/\([^/]*\)/InRelease'.*|\1 \2|p" |
		awk '
			$1 ~ /security/ || $1 ~ /^cdrom:/ { next }
			$2 !~ /^((old)*stable|testing|unstable|bookworm|trixie|forky|duke|sid)$/ { next }
			$1 ~ /\/debian$/ { print $1; found = 1; exit }
			other == "" { other = $1 }
			END { if (!found) print other }'
}

apt_get() { apt-get -c "$work/apt/conf" -q "$@" >"$work/log" 2>&1 </dev/null; }
