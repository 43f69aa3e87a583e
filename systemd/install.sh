#!/bin/sh
# Installs, upgrades, takes back and removes qualitywatch as a service.  Run it as root from the unpacked source, or with a wheel:
#
#   systemd/install.sh install                 user, directories, program under /opt, unit; again with a newer source: upgrade
#   systemd/install.sh secret ami_secret       store a secret, read from the terminal or standard input, for root alone
#   systemd/install.sh rollback                back to the program before the last upgrade
#   systemd/install.sh status                  what is installed, what runs, what can be gone back to
#   systemd/install.sh uninstall [--purge]     remove the program; with --purge configuration, secrets, history and user as well
#
# Options of install:  --from FILE|DIR  wheel or source (default: the folder above this script)
#                      --wheels DIR     from a folder that holds the wheels of everything: no index is asked
#                      --extras LIST    of charts, web, channels, separated by commas (default: all three)
#                      --no-lock        newest fitting libraries and build tools instead of those of the two locks
#                      --no-compile     no native modules, even where there is a C compiler
#                      --no-start       do not start or restart the service
# For all of them:     --root DIR       a throw-away root instead of /: nothing outside of it is touched
#
# Each release is a virtual environment of its own under /opt/qualitywatch/releases; /opt/qualitywatch/bin points into the one in
# use.  An upgrade is prepared beside the running service, has to understand the present configuration, and only then takes over:
# state.db and rollup.db are copied meanwhile.  When the new program does not come up, the old one is put back with its state.
# A rollback keeps the state as it is; only when the new program has changed its form, the copies take its place, and what is
# newer is kept beside them.  From the moment the service is stopped, whatever goes wrong (a full disk, Ctrl-C, a lost connection)
# leads back to the release that was in use, running if it ran.
#
# The Debian package (build-deb.sh) brings this script and the wheels, and dpkg runs it; then apt installs, upgrades and removes.

set -eu
umask 022

ROOT=''
FROM=''
WHEELS=''
EXTRAS='charts,web,channels'
LOCK=yes
COMPILE=yes
START=yes
PURGE=no
KEEP=3 # releases
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

say() { printf '%s\n' "$*" || true; } # nobody may be listening any more
die() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}
usage() {
    sed -n '2,17s/^# \{0,1\}//p' "$0"
    exit "$1"
}

trap 'exit 1' HUP INT TERM PIPE # by way of the EXIT trap, if there is one

[ $# -ge 1 ] || usage 2
COMMAND=$1
shift
NAME=''
if [ "$COMMAND" = secret ]; then
    [ $# -ge 1 ] || die 'secret: name the secret, such as ami_secret'
    NAME=$1
    shift
fi
while [ $# -gt 0 ]; do
    case $1 in
    --root | --from | --wheels | --extras)
        [ $# -ge 2 ] || die "$1 needs a value"
        [ -n "$2" ] || [ "$1" = --extras ] || die "$1 is empty" # --root "$unset" must not mean the machine itself
        case $1 in
        --root) ROOT=$2 ;;
        --from) FROM=$2 ;;
        --wheels) WHEELS=$2 ;;
        --extras) EXTRAS=$2 ;;
        esac
        shift
        ;;
    --no-lock) LOCK=no ;;
    --no-compile) COMPILE=no ;;
    --no-start) START=no ;;
    --purge) PURGE=yes ;;
    *) die "unknown option $1; see $0 help" ;;
    esac
    shift
done
if [ -n "$ROOT" ]; then
    [ -d "$ROOT" ] || die "$ROOT is not a directory"
    ROOT=$(CDPATH='' cd -- "$ROOT" && pwd -P)
    case $ROOT in
    / | //) die '--root is the machine itself: leave it out if that is meant' ;;
    esac
fi

OPT=$ROOT/opt/qualitywatch
ETC=$ROOT/etc/qualitywatch
STATE=$ROOT/var/lib/qualitywatch
UNIT=$ROOT/etc/systemd/system/qualitywatch.service
CONFIG=$ETC/qualitywatch.yml
PACKAGE=$ROOT/usr/lib/qualitywatch # where the Debian package has this script
BY_DPKG=no
if [ "${DPKG_MAINTSCRIPT_PACKAGE:-}" = qualitywatch ]; then
    BY_DPKG=yes
fi

# --- small parts ----------------------------------------------------------------------------------------------------------

need_root() { [ "$(id -u)" = 0 ] || die 'run this as root'; }

need_no_package() {
    if [ "$BY_DPKG" = no ] && [ -e "$PACKAGE/install.sh" ]; then
        die 'the Debian package is installed: apt installs, upgrades and removes qualitywatch here'
    fi
}

made_by_hand() { [ -e "$OPT/bin" ] && [ ! -L "$OPT/bin" ]; }

not_dpkgs() { # an installation from the source that the package has not taken over
    [ -f "$UNIT" ] && [ ! -L "$UNIT" ] && [ -d "$OPT/current/" ] && [ ! -f "$OPT/current/by-dpkg" ]
}

has_systemd() { [ -d "$ROOT/run/systemd/system" ]; }

is_active() { has_systemd && systemctl is-active --quiet qualitywatch; }

is_kept_running() { # or would be in a moment: one that is between two attempts is not active
    has_systemd || return 1
    case $(systemctl show --property ActiveState --value qualitywatch 2>/dev/null) in
    active | activating | reloading | deactivating) ;;
    *) return 1 ;;
    esac
}

user_id() { # of the service, empty when there is no such user
    sed -n 's/^qualitywatch:[^:]*:\([0-9]*\):\([0-9]*\):.*/\1:\2/p' "$ROOT/etc/passwd" 2>/dev/null || true
}

own() { # give files to the service, as far as its user exists here
    ids=$(user_id)
    [ -z "$ids" ] || chown "$@" 2>/dev/null || die "cannot change the owner of $*"
}

release_in_use() { [ ! -L "$OPT/current" ] || basename "$(readlink "$OPT/current")"; }

release_before() { [ ! -L "$OPT/previous" ] || basename "$(readlink "$OPT/previous")"; }

point() { # a link to a release, in one step: at no moment is there none
    ln -sfn "releases/$2" "$OPT/$1.new"
    mv -T "$OPT/$1.new" "$OPT/$1"
}

use_unit() { # of a release; that of the package is always the newest
    unit=$OPT/releases/$1/qualitywatch.service
    [ -f "$unit" ] && [ ! -e "$PACKAGE/install.sh" ] || return 0
    ! cmp -s "$unit" "$UNIT" || return 0
    install -m 0644 "$unit" "$UNIT.new"
    mv "$UNIT.new" "$UNIT"
    ! has_systemd || systemctl daemon-reload
}

stop_service() { # whatever it does; 1 when it goes on
    has_systemd || return 0
    systemctl stop qualitywatch 2>/dev/null || true # it fails when there is no such unit
    ! is_kept_running
}

start_service() { # fails when it does not become ready
    has_systemd || return 0
    systemctl start qualitywatch && systemctl is-active --quiet qualitywatch
}

# --- state ----------------------------------------------------------------------------------------------------------------
# The folder belongs to the service's user: root follows no link in it, and writes through none.

is_own() { # $1 is a file itself, and no link to one of somebody else's
    [ -f "$1" ] && [ ! -L "$1" ]
}

schema() { # the form of a database; a log of what is not yet in it is brought into it
    "$1/bin/python" -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone()[0])' "$2" 2>/dev/null
}

copy_state() { # $1: the release that the copies belong to; the service is stopped
    rm -rf "$STATE/before-upgrade"
    [ -d "$STATE" ] || return 0
    mkdir -m 0700 "$STATE/before-upgrade"
    for name in state.db rollup.db; do
        [ ! -L "$STATE/$name" ] || say "$name is a link: it is not copied, and a rollback can only go on with it as it is."
        is_own "$STATE/$name" || continue
        size=$(find "$STATE/$name" "$STATE/$name-wal" -printf '%k\n' 2>/dev/null | awk '{ sum += $1 } END { print sum }')
        free=$(df -Pk "$STATE" | awk 'NR == 2 { print $4 }')
        if [ $((size * 2)) -gt "$free" ]; then
            say "No room for a copy of $name ($size KiB): a rollback can only go on with it as it is."
            continue
        fi
        for file in "$STATE/$name" "$STATE/$name-wal"; do
            ! is_own "$file" || cp -pP "$file" "$STATE/before-upgrade/"
        done
    done
    printf '%s\n' "$1" >"$STATE/before-upgrade/release" # last: without it the copies are not complete
}

restore_state() { # of release $1, where release $2 has changed the form of a file; the service is stopped
    [ ! -L "$STATE/before-upgrade" ] || return 0
    is_own "$STATE/before-upgrade/release" || return 0
    [ "$(cat "$STATE/before-upgrade/release")" = "$1" ] || return 0
    for name in state.db rollup.db; do
        copy=$STATE/before-upgrade/$name
        file=$STATE/$name
        is_own "$copy" || continue
        is_own "$file" || continue
        form=$(schema "$OPT/releases/$2" "$copy") || continue
        [ "$form" != "$(schema "$OPT/releases/$2" "$file" || true)" ] || continue
        # Complete before it takes the place of the other, in one step; without room for a second copy it is the only one.
        rm -f "$file.restoring"
        cp -pP "$copy" "$file.restoring" || mv "$copy" "$file.restoring" || return 1
        newer=$file.newer-$STAMP
        [ ! -f "$file-wal" ] || mv "$file-wal" "$newer-wal" || return 1
        rm -f "$file-shm"
        ln "$file" "$newer" && mv "$file.restoring" "$file" || return 1
        say "$name is as it was before the upgrade; what was stored since is kept as $newer."
    done
}

bring_back_newer() { # undoes restore_state
    for name in state.db rollup.db; do
        file=$STATE/$name
        newer=$file.newer-$STAMP
        rm -f "$file.restoring"
        if [ -f "$newer" ]; then
            rm -f "$file-wal" "$file-shm"
            mv "$newer" "$file" || return 1
        fi
        [ ! -f "$newer-wal" ] || mv "$newer-wal" "$file-wal" || return 1
    done
}

# --- changing from one release to another -----------------------------------------------------------------------------------

begin_change() { # $1: from this release (empty: from nothing), $2: to that; until it is over, every way out leads back
    OLD=$1
    NEW=$2
    STAMP=$(date +%Y%m%d-%H%M%S)
    trap undo_change EXIT
}

undo_change() {
    trap - EXIT
    trap '' HUP INT TERM PIPE
    set +e # each step for itself: the service is started whatever became of the others
    [ -z "$OLD" ] || use_unit "$OLD"
    if ! stop_service; then
        printf 'install.sh: the service cannot be stopped: systemctl status qualitywatch\n' >&2
        exit 1
    fi
    if [ -n "$OLD" ]; then
        point current "$OLD" # first: whoever starts the service now starts the program of before
    else
        rm -f "$OPT/current"
    fi
    if [ "$COMMAND" = rollback ]; then
        bring_back_newer
    else
        restore_state "$OLD" "$NEW"
    fi || printf 'install.sh: the state could not be put back: see %s\n' "$STATE" >&2
    [ -s "$STATE/before-upgrade/release" ] || rm -rf "$STATE/before-upgrade" # half a copy is only in the way of a full disk
    [ "$COMMAND" = rollback ] || rm -rf "$OPT/releases/$NEW"
    if [ "$was_active" = yes ] && ! start_service; then
        printf 'install.sh: release %s does not start either: journalctl -u qualitywatch\n' "$OLD" >&2
    elif [ -n "$OLD" ]; then
        printf 'install.sh: release %s is in use again, with its state\n' "$OLD" >&2
    fi
    exit 1
}

start_changed() { # when it ran before
    [ "$was_active" = yes ] || return 0
    if ! start_service; then
        say "Release $NEW does not start; its last words:" >&2
        journalctl --unit qualitywatch --lines 20 --no-pager >&2 || true
        exit 1
    fi
}

end_change() { trap - EXIT; }

# --- install and upgrade --------------------------------------------------------------------------------------------------

make_user() {
    [ -z "$(user_id)" ] || return 0
    if [ -n "$ROOT" ]; then
        [ -f "$ROOT/etc/passwd" ] || return 0
        set -- --prefix "$ROOT"
    else
        set --
    fi
    if grep -q '^qualitywatch:' "$ROOT/etc/group"; then # userdel leaves a group that others are members of
        set -- "$@" --gid qualitywatch
    else
        set -- "$@" --user-group
    fi
    useradd "$@" --system --home-dir /var/lib/qualitywatch --no-create-home --shell /usr/sbin/nologin qualitywatch
    say 'Made the user qualitywatch.'
}

make_directories() {
    mkdir -p "$OPT/releases" "$ETC" "$STATE" "$(dirname "$UNIT")"
    [ -d "$ETC/credentials" ] || mkdir -m 0700 "$ETC/credentials"
    chmod 0700 "$ETC/credentials"
    chmod 0750 "$ETC" "$STATE"
    own "0:$(user_id | cut -d: -f2)" "$ETC"
    own "$(user_id)" "$STATE"
}

make_config() { # 1 when it was there already
    [ ! -f "$CONFIG" ] || return 1
    install -m 0640 "$HERE/qualitywatch.example.yml" "$CONFIG"
    own "0:$(user_id | cut -d: -f2)" "$CONFIG"
}

can_compile() { # the source of a program that can be; says what is missed
    [ "$COMPILE" = yes ] && [ -z "$WHEELS" ] && grep -qs 'hooks\.mypyc' "$FROM/pyproject.toml" || return 1
    "$made/bin/python" -c 'import shutil, sys, sysconfig
from pathlib import Path
has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
sys.exit(not (has_headers and shutil.which(sysconfig.get_config_var("CC").split()[0])))' && return 0
    say 'Not compiled: no C compiler or no headers of Python, so an event takes a third more CPU (apt-get install gcc python3-dev).'
    return 1
}

prepare_build() { # what makes a wheel of a source: in an environment of its own, each file known by its hash, and gone afterwards
    builder=$pip
    isolation=''
    [ "$LOCK" = yes ] && [ -z "$WHEELS" ] && [ -d "$FROM" ] || return 0
    "$python" -m venv "$made/build"
    builder="$made/build/bin/python -m pip --disable-pip-version-check --quiet"
    isolation=--no-build-isolation # pip would download what builds by its name alone
    # shellcheck disable=SC2086
    $builder install --require-hashes --only-binary :all: --requirement "$HERE/build-requirements.lock"
}

build_wheel() { # of a source, with native modules if told 1; sets FROM
    # shellcheck disable=SC2086
    HATCH_BUILD_HOOKS_ENABLE=${2:-0} nice $builder wheel $isolation --no-deps --wheel-dir "$made/wheel" "$1" || return 1
    FROM=$(echo "$made/wheel"/qualitywatch-*.whl)
}

compile_program() { # into a wheel, which is then what is installed; of a copy, because native modules land beside their source
    mkdir "$made/source" || return 1
    (cd "$FROM" && cp -R --parents qualitywatch rules systemd tests/captures pyproject.toml README.md LICENSE "$made/source") || return 1
    build_wheel "$made/source" 1 && native=yes
}

make_release() { # sets RELEASE; what could not be completed is removed again
    python=$(command -v python3 || true)
    [ -n "$python" ] || die 'python3 is missing: apt-get install python3 python3-venv'
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die 'Python 3.11 or later is needed'
    [ -n "$FROM" ] || FROM=$(dirname "$HERE")
    [ -e "$FROM" ] || die "$FROM does not exist"
    [ -z "$WHEELS" ] || [ -d "$WHEELS" ] || die "$WHEELS is not a directory"
    RELEASE=$(date +%Y%m%d-%H%M%S)
    made=$OPT/releases/$RELEASE
    [ ! -e "$made" ] || die "$made exists already: try again in a second"
    trap 'rm -rf "$made"' EXIT
    "$python" -m venv "$made" || die 'a virtual environment cannot be made: apt-get install python3-venv'
    # Not quoted on purpose where it is used: a program and its options.
    pip="$made/bin/python -m pip --disable-pip-version-check --quiet"
    source=$FROM
    native=no
    prepare_build
    if can_compile; then
        say 'Compiling what every event passes through; this takes some minutes.'
        compile_program >"$made/compile.log" 2>&1 || say "It cannot be compiled and stays plain: $(tail -n 3 "$made/compile.log")"
    fi
    if [ -n "$WHEELS" ]; then
        export PIP_CONFIG_FILE=/dev/null # an index or folder that pip is told of elsewhere has no say
        pip="$pip --isolated"
        # shellcheck disable=SC2086
        $pip install --no-index --find-links "$WHEELS" --require-hashes --requirement "$HERE/requirements.lock"
        # shellcheck disable=SC2086
        $pip install --no-index --find-links "$WHEELS" --no-deps qualitywatch
    elif [ "$LOCK" = yes ]; then
        # shellcheck disable=SC2086
        $pip install --require-hashes --requirement "$HERE/requirements.lock"
        [ ! -d "$FROM" ] || build_wheel "$FROM"
        # shellcheck disable=SC2086
        $pip install --no-deps "$FROM"
    else
        # shellcheck disable=SC2086
        $pip install "${FROM}[${EXTRAS}]"
    fi
    if [ "$native" = yes ] && ! "$made/bin/python" -I -c 'import qualitywatch.pipeline'; then
        say 'What was compiled does not run here: it stays plain.'
        rm -rf "$made/wheel"
        build_wheel "$source"
        # shellcheck disable=SC2086
        $pip install --no-deps --force-reinstall "$FROM"
    fi
    rm -rf "$made/build" "$made/source" "$made/wheel" "$made/compile.log"
    # shellcheck disable=SC2086
    $pip check
    version=$("$made/bin/qualitywatch" --version)
    if [ "$BY_DPKG" = yes ]; then
        : >"$made/by-dpkg"
    else
        install -m 0644 "$HERE/qualitywatch.service" "$made/" # goes back together with the program
    fi
    trap - EXIT
    say "Made release $RELEASE: $version."
}

accepts_config() { # a release, as the service will read it
    found=$(CREDENTIALS_DIRECTORY="$ETC/credentials" STATE_DIRECTORY="$STATE" \
        "$OPT/releases/$1/bin/qualitywatch" check --config "$CONFIG" 2>&1) && return 0
    printf '%s\n' "$found" >&2
    return 1
}

install_unit() {
    if [ "$BY_DPKG" = no ]; then
        # One that was made before releases had units is given what is in use.
        [ -z "$1" ] || [ -f "$OPT/releases/$1/qualitywatch.service" ] || [ ! -f "$UNIT" ] || cp "$UNIT" "$OPT/releases/$1/"
        use_unit "$RELEASE"
        return
    fi
    # dpkg has laid out the new unit; one that an installation from the source left would come before it.
    if [ -f "$UNIT" ] && [ ! -L "$UNIT" ]; then
        rm "$UNIT"
        link=$(dirname "$UNIT")/multi-user.target.wants/qualitywatch.service
        [ ! -L "$link" ] || ln -sf /usr/lib/systemd/system/qualitywatch.service "$link"
    fi
    ! has_systemd || systemctl daemon-reload
}

prune_releases() {
    # Names are times: the newest are the last.
    find "$OPT/releases" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | head -n "-$KEEP" | while read -r old; do
        if [ "$old" != "$(release_in_use)" ] && [ "$old" != "$(release_before)" ]; then
            rm -rf "$OPT/releases/$old"
        fi
    done
}

take_over() { # from nothing, or from an earlier release
    before=$(release_in_use)
    was_active=no
    ! is_kept_running || was_active=yes
    if [ -n "$before" ] && [ "$START" = no ] && [ "$was_active" = yes ]; then
        die "release $RELEASE is ready, but the service runs: stop it, or leave out --no-start"
    fi
    begin_change "$before" "$RELEASE"
    install_unit "$before"
    stop_service || exit 1
    if [ -n "$before" ]; then
        rm -f "$OPT/previous" # its copies of the state go now
        copy_state "$before"
    fi
    point current "$RELEASE"
    [ -L "$OPT/bin" ] || ln -s current/bin "$OPT/bin"
    start_changed
    end_change
    [ -z "$before" ] || point previous "$before"
    prune_releases
}

do_install() {
    if made_by_hand; then
        die "$OPT was made by hand: stop the service and move it away (mv $OPT $OPT.old), then run this again"
    fi
    make_user
    make_directories
    is_new=yes
    make_config || is_new=no
    make_release
    if [ "$is_new" = no ] && [ -n "$(release_in_use)" ] && ! accepts_config "$RELEASE"; then
        rm -rf "$OPT/releases/$RELEASE"
        die 'the new program does not accept the configuration: nothing was changed'
    fi
    take_over
    before=$(release_before)
    if [ -n "$before" ]; then
        say "Upgraded. To go back to release $before: $0 rollback"
    else
        say "Installed. Next: fill in $CONFIG, $0 secret ami_secret, then $OPT/bin/qualitywatch doctor --config $CONFIG"
        say 'and, when all is well: systemctl enable --now qualitywatch'
    fi
}

# --- everything else ------------------------------------------------------------------------------------------------------

do_secret() {
    case $NAME in
    '' | *[!A-Za-z0-9_.-]*) die "$NAME is not the name of a secret" ;;
    esac
    [ -d "$ETC/credentials" ] || die 'install first'
    if [ -t 0 ]; then
        printf '%s (not shown): ' "$NAME"
        stty -echo
        trap 'stty echo' EXIT
        IFS= read -r secret
        stty echo
        trap - EXIT
        say ''
    else
        IFS= read -r secret || [ -n "$secret" ]
    fi
    [ -n "$secret" ] || die 'nothing was given'
    (umask 077 && printf '%s\n' "$secret" >"$ETC/credentials/$NAME.new")
    mv "$ETC/credentials/$NAME.new" "$ETC/credentials/$NAME"
    say "Stored $ETC/credentials/$NAME; it is passed on at the next start of the service."
}

do_rollback() {
    before=$(release_before)
    now=$(release_in_use)
    [ -n "$before" ] && [ -d "$OPT/releases/$before" ] || die 'there is no release to go back to'
    accepts_config "$before" || die "release $before does not accept the configuration: nothing was changed"
    was_active=no
    ! is_kept_running || was_active=yes
    begin_change "$now" "$before"
    stop_service || exit 1
    point current "$before"
    use_unit "$before"
    restore_state "$before" "$now"
    start_changed
    end_change
    point previous "$now"
    say "Release $before is in use again; $now can be gone back to in the same way."
}

do_status() {
    now=$(release_in_use)
    [ -n "$now" ] || die 'not installed'
    say "in use:   $now, $("$OPT/bin/qualitywatch" --version)"
    say "before:   $(release_before)"
    if is_active; then
        say 'service:  active'
    else
        say 'service:  not active'
    fi
}

do_uninstall() {
    if made_by_hand || { [ "$BY_DPKG" = yes ] && not_dpkgs; }; then
        # A package that could not be set up beside it goes without it.
        [ "$BY_DPKG" = yes ] || die "$OPT was made by hand: remove it by hand"
        say "$OPT is not of this package: it stays, with its configuration and history."
        return
    fi
    if has_systemd; then
        systemctl disable --now qualitywatch 2>/dev/null || true
    fi
    [ "$BY_DPKG" = yes ] || rm -f "$UNIT"
    if has_systemd; then
        systemctl daemon-reload
    fi
    rm -rf "$OPT"
    if [ "$PURGE" = yes ]; then
        rm -rf "$ETC" "$STATE"
        if [ -n "$(user_id)" ]; then
            if [ -n "$ROOT" ]; then
                userdel --prefix "$ROOT" qualitywatch
            else
                userdel qualitywatch
            fi
        fi
        say 'Removed, with configuration, secrets, history and user.'
    else
        more='install.sh uninstall --purge'
        [ "$BY_DPKG" = no ] || more='apt-get purge qualitywatch'
        say "Removed. Configuration and secrets stay in $ETC, history and alerts in $STATE (to remove them too: $more)."
    fi
}

case $COMMAND in
install)
    need_root
    need_no_package
    do_install
    ;;
secret)
    need_root
    do_secret
    ;;
rollback)
    need_root
    do_rollback
    ;;
status) do_status ;;
uninstall)
    need_root
    need_no_package
    do_uninstall
    ;;
help | --help | -h) usage 0 ;;
*) usage 2 ;;
esac
