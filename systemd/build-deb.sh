#!/bin/sh
# Builds a Debian package that holds all it needs: program and libraries as wheels, unit, and install.sh, which sets them up.
#
#   systemd/build-deb.sh [--output DIR] [--revision N]      into DIR (default: the present one); prints where the package is
#
# --revision: 1 unless said otherwise; more for the same version with newer libraries.
# PYTHON:     the python3 of the machines it is for (default: /usr/bin/python3, Debian's own).  The libraries hold machine code for
#             one version of Python and one architecture: build on the release of Debian that it is for.
# DEBFULLNAME, DEBEMAIL: who built it.  SOURCE_DATE_EPOCH: when; the same source, libraries and time make the same package.
#
# Needs dpkg-deb, python3 and python3-venv; root is not needed.  pip downloads what requirements.lock names, and what builds the
# wheel (build-requirements.lock), each file known by its hash.  Installing the package downloads nothing.

set -eu
umask 022

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
SOURCE=$(dirname "$HERE")
PYTHON=${PYTHON:-/usr/bin/python3}
OUTPUT=.
REVISION=1

die() {
    printf 'build-deb.sh: %s\n' "$*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --output | --revision)
        [ $# -ge 2 ] || die "$1 needs a value"
        case $1 in
        --output) OUTPUT=$2 ;;
        --revision) REVISION=$2 ;;
        esac
        shift 2
        ;;
    help | --help | -h)
        sed -n '2,12s/^# \{0,1\}//p' "$0"
        exit
        ;;
    *) die "unknown option $1; see $0 help" ;;
    esac
done
[ -d "$OUTPUT" ] || die "$OUTPUT is not a directory"
OUTPUT=$(CDPATH='' cd -- "$OUTPUT" && pwd)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
lib=$tree/usr/lib/qualitywatch
doc=$tree/usr/share/doc/qualitywatch
mkdir -p "$tree/DEBIAN" "$lib/wheels" "$doc" "$tree/usr/bin" "$tree/usr/lib/systemd/system"
mkdir "$tree/etc"
mkdir -m 0750 "$tree/etc/qualitywatch" # given to the service by install.sh

# --- program and libraries ------------------------------------------------------------------------------------------------

"$PYTHON" -m venv "$scratch/venv" || die 'a virtual environment cannot be made: apt-get install python3-venv'
pip() { "$scratch/venv/bin/python" -m pip --disable-pip-version-check --quiet "$@" >&2; }
pip download --require-hashes --only-binary :all: --no-deps --requirement "$HERE/requirements.lock" --dest "$lib/wheels"
# Plain, not compiled as install.sh does it: what a compiler makes needs the C library of the machine that it ran on, and is another
# with each version of the compiler, while the same source and libraries are to make the same package.
unset HATCH_BUILD_HOOKS_ENABLE
pip install --require-hashes --only-binary :all: --requirement "$HERE/build-requirements.lock"
pip wheel --no-build-isolation --no-deps --wheel-dir "$lib/wheels" "$SOURCE" # alone pip would download what builds by its name
chmod 0644 "$lib/wheels"/*

# --- everything else ------------------------------------------------------------------------------------------------------

install -m 0755 "$HERE/install.sh" "$lib/install.sh"
install -m 0644 "$HERE/requirements.lock" "$HERE/qualitywatch.example.yml" "$lib/"
install -m 0644 "$HERE/qualitywatch.service" "$tree/usr/lib/systemd/system/"
ln -s /opt/qualitywatch/bin/qualitywatch "$tree/usr/bin/qualitywatch"
# The configuration itself is nobody's but the administrator's, who fills it in: install.sh makes it once, and dpkg never asks about
# it.  Beside it the example of the present version, to compare with.
install -m 0644 "$HERE/qualitywatch.example.yml" "$tree/etc/qualitywatch/"
echo /etc/qualitywatch/qualitywatch.example.yml >"$tree/DEBIAN/conffiles"

# --- what dpkg has to know ------------------------------------------------------------------------------------------------

wheel=$(basename "$lib"/wheels/qualitywatch-*.whl)
upstream=$(printf '%s\n' "$wheel" | cut -d- -f2 | sed -E 's/(a|b|rc|\.dev)([0-9]+)/~\1\2/') # 1.0rc1 comes before 1.0
version=$upstream-$REVISION
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-The qualitywatch authors} <${DEBEMAIL:-maintainers@localhost}>"
python=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
after=$("$PYTHON" -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
# A wheel says in its name which C library it needs, as in manylinux_2_28; it may say so more than once, and the least of these counts.
# The most that one of them needs is what the package needs.
libc=$(cd "$lib/wheels" && for file in *manylinux*; do
    printf '%s\n' "$file" | sed 's/manylinux2014/manylinux_2_17/' | grep -o 'manylinux_2_[0-9]*' | cut -d_ -f3 | sort -n | head -n 1
done | sort -n | tail -n 1)
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git -C "$SOURCE" log -1 --format=%ct 2>/dev/null || date +%s)
fi
export SOURCE_DATE_EPOCH

install -m 0644 "$HERE/debian/copyright" "$doc/copyright"
sed -e '1,/^$/d' -e 's/^$/./' -e 's/^/ /' "$SOURCE/LICENSE" >>"$doc/copyright"
gzip -9n <"$SOURCE/CHANGELOG.md" >"$doc/changelog.gz"
{
    printf 'qualitywatch (%s) unstable; urgency=medium\n\n' "$version"
    printf '  * Version %s of qualitywatch, with the libraries of its requirements.lock.\n\n' "$upstream"
    printf ' -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -Ru -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$doc/changelog.Debian.gz"

install -m 0755 "$HERE/debian/postinst" "$HERE/debian/prerm" "$HERE/debian/postrm" "$tree/DEBIAN/"
sed 1d "$HERE/install.sh" >>"$tree/DEBIAN/postrm"
(cd "$tree" && find usr -type f -exec md5sum {} + | LC_ALL=C sort -k 2) >"$tree/DEBIAN/md5sums"
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@MAINTAINER@/$(printf '%s' "$maintainer" | sed 's,[/&\],\\&,g')/" \
    -e "s/@SIZE@/$(du -sk --apparent-size --exclude=DEBIAN "$tree" | cut -f1)/" -e "s/@LIBC@/2.${libc:-17}/" \
    -e "s/@PYTHON@/$python/" -e "s/@PYTHON_AFTER@/$after/" "$HERE/debian/control" >"$tree/DEBIAN/control"
if grep -q '@[A-Z_]*@' "$tree/DEBIAN/control"; then
    die 'a value of the control file is missing'
fi

# Wheels are compressed already: more would cost minutes and save nothing.
package=$OUTPUT/qualitywatch_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz -z0 --build "$tree" "$package" >&2
printf '%s\n' "$package"
