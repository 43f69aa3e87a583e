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
#                      --no-lock        newest fitting libraries instead of those of requirements.lock
#                      --no-start       do not start or restart the service
# For all of them:     --root DIR       a throw-away root instead of /: nothing outside of it is touched
#
# Each release is a virtual environment of its own under /opt/qualitywatch/releases; /opt/qualitywatch/bin points into the one in
# use.  An upgrade is prepared beside the running service, has to understand the present configuration, and only then takes over:
# state.db and rollup.db are copied meanwhile.  When the new program does not come up, the old one is put back with its state.
# A rollback keeps the state as it is; only when the new program has changed its form, the copies take its place, and what is
# newer is kept beside them.
#
# The Debian package (build-deb.sh) brings this script and the wheels, and dpkg runs it; then apt installs, upgrades and removes.

set -eu
umask 022

ROOT=''
FROM=''
WHEELS=''
EXTRAS='charts,web,channels'
LOCK=yes
START=yes
PURGE=no
KEEP=3 # releases
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

say() { printf '%s\n' "$*"; }
die() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}
usage() {
    sed -n '2,16s/^# \{0,1\}//p' "$0"
    exit "$1"
}

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
        case $1 in
        --root) ROOT=$2 ;;
        --from) FROM=$2 ;;
        --wheels) WHEELS=$2 ;;
        --extras) EXTRAS=$2 ;;
        esac
        shift
        ;;
    --no-lock) LOCK=no ;;
    --no-start) START=no ;;
    --purge) PURGE=yes ;;
    *) die "unknown option $1; see $0 help" ;;
    esac
    shift
done
if [ -n "$ROOT" ]; then
    [ -d "$ROOT" ] || die "$ROOT is not a directory"
    ROOT=$(CDPATH='' cd -- "$ROOT" && pwd)
    [ "$ROOT" != / ] || ROOT=''
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

has_systemd() { [ -d "$ROOT/run/systemd/system" ]; }

is_active() { has_systemd && systemctl is-active --quiet qualitywatch; }

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
    ln -s "releases/$2" "$OPT/$1.new"
    mv -T "$OPT/$1.new" "$OPT/$1"
}

schema() { # the form of a database, 0 when there is none
    [ -f "$1" ] || { say 0; return; }
    "$OPT/current/bin/python" -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone()[0])' "$1"
}

stop_service() {
    if is_active; then
        systemctl stop qualitywatch
    fi
}

start_service() { # fails when it does not become ready
    has_systemd || return 0
    systemctl start qualitywatch && systemctl is-active --quiet qualitywatch
}

copy_state() { # $1: the release that the copies belong to; the service is stopped
    rm -rf "$STATE/before-upgrade"
    [ -d "$STATE" ] || return 0
    mkdir -m 0700 "$STATE/before-upgrade"
    for name in state.db rollup.db; do
        [ -f "$STATE/$name" ] || continue
        size=$(du -k "$STATE/$name" | cut -f1)
        free=$(df -Pk "$STATE" | awk 'NR == 2 { print $4 }')
        if [ $((size * 2)) -gt "$free" ]; then
            say "No room for a copy of $name ($size KiB): a rollback can only go on with it as it is."
            continue
        fi
        for file in "$STATE/$name" "$STATE/$name-wal"; do
            [ ! -f "$file" ] || cp -p "$file" "$STATE/before-upgrade/"
        done
    done
    say "$1" >"$STATE/before-upgrade/release"
}

restore_state() { # where the new program has changed the form of a file; the service is stopped
    stamp=$(date +%Y%m%d-%H%M%S)
    for name in state.db rollup.db; do
        copy=$STATE/before-upgrade/$name
        [ -f "$copy" ] && [ -f "$STATE/$name" ] || continue
        [ "$(schema "$copy")" != "$(schema "$STATE/$name")" ] || continue
        for file in "$name" "$name-wal" "$name-shm"; do
            [ ! -f "$STATE/$file" ] || mv "$STATE/$file" "$STATE/$file.newer-$stamp"
            [ ! -f "$STATE/before-upgrade/$file" ] || cp -p "$STATE/before-upgrade/$file" "$STATE/$file"
        done
        say "$name is as it was before the upgrade; what was stored since is kept as $STATE/$name.newer-$stamp."
    done
}

# --- install and upgrade --------------------------------------------------------------------------------------------------

make_user() {
    [ -z "$(user_id)" ] || return 0
    if [ -n "$ROOT" ]; then
        [ -f "$ROOT/etc/passwd" ] || return 0
        set -- --prefix "$ROOT"
    else
        set --
    fi
    useradd "$@" --system --user-group --home-dir /var/lib/qualitywatch --no-create-home --shell /usr/sbin/nologin qualitywatch
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
    pip="$made/bin/python -m pip --disable-pip-version-check --quiet"
    # Not quoted on purpose, here and below: a program and its options.
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
        # shellcheck disable=SC2086
        $pip install --no-deps "$FROM"
    else
        # shellcheck disable=SC2086
        $pip install "${FROM}[${EXTRAS}]"
    fi
    # shellcheck disable=SC2086
    $pip check
    version=$("$made/bin/qualitywatch" --version)
    trap - EXIT
    say "Made release $RELEASE: $version."
}

check_config() { # with the new program, as the service will read it
    if ! found=$(CREDENTIALS_DIRECTORY="$ETC/credentials" STATE_DIRECTORY="$STATE" \
        "$OPT/releases/$1/bin/qualitywatch" check --config "$CONFIG" 2>&1); then
        printf '%s\n' "$found" >&2
        rm -rf "$OPT/releases/$1"
        die 'the new program does not accept the configuration: nothing was changed'
    fi
}

install_unit() {
    if [ "$BY_DPKG" = yes ]; then
        # dpkg has laid out the new unit; one that an installation from the source left would come before it.
        if [ -f "$UNIT" ] && [ ! -L "$UNIT" ]; then
            rm "$UNIT"
            link=$(dirname "$UNIT")/multi-user.target.wants/qualitywatch.service
            [ ! -L "$link" ] || ln -sf /usr/lib/systemd/system/qualitywatch.service "$link"
        fi
    elif cmp -s "$HERE/qualitywatch.service" "$UNIT"; then
        return 0
    else
        install -m 0644 "$HERE/qualitywatch.service" "$UNIT"
    fi
    if has_systemd; then
        systemctl daemon-reload
    fi
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
    if is_active; then
        was_active=yes
    fi
    if [ -n "$before" ] && [ "$START" = no ] && [ "$was_active" = yes ]; then
        die "release $RELEASE is ready, but the service runs: stop it, or leave out --no-start"
    fi
    install_unit
    stop_service
    [ -z "$before" ] || copy_state "$before"
    point current "$RELEASE"
    [ -L "$OPT/bin" ] || ln -s current/bin "$OPT/bin"
    [ -z "$before" ] || point previous "$before"
    if [ "$was_active" = yes ] && ! start_service; then
        say 'The new program does not start; its last words:' >&2
        journalctl --unit qualitywatch --lines 20 --no-pager >&2 || true
        stop_service
        restore_state
        point current "$before"
        rm -f "$OPT/previous"
        start_service || die "the old program does not start either: journalctl -u qualitywatch"
        rm -rf "$OPT/releases/$RELEASE"
        die "release $before is in use again, with its state"
    fi
    prune_releases
}

do_install() {
    if [ -e "$OPT/bin" ] && [ ! -L "$OPT/bin" ]; then
        die "$OPT was made by hand: stop the service and move it away (mv $OPT $OPT.old), then run this again"
    fi
    make_user
    make_directories
    is_new=yes
    make_config || is_new=no
    make_release
    if [ "$is_new" = no ] && [ -n "$(release_in_use)" ]; then
        check_config "$RELEASE"
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
    was_active=no
    if is_active; then
        was_active=yes
    fi
    stop_service
    if [ -f "$STATE/before-upgrade/release" ] && [ "$(cat "$STATE/before-upgrade/release")" = "$before" ]; then
        restore_state
    fi
    point current "$before"
    point previous "$now"
    if [ "$was_active" = yes ]; then
        start_service || die 'it does not start: journalctl -u qualitywatch'
    fi
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
