#!/bin/sh
# Make sure that a real MariaDB, a real Redis, a real browser and what mysqlclient compiles against are here.
# Given servers (TEST_MARIADB_URL, TEST_REDIS_URL) are not installed a second time.
set -eu
PATH="$PATH:/usr/sbin:/usr/local/sbin"
missing=""
if [ -z "${TEST_MARIADB_URL:-}" ] && ! command -v mariadbd >/dev/null; then missing="$missing mariadb-server"; fi
if [ -z "${TEST_REDIS_URL:-}" ] && ! command -v redis-server >/dev/null; then missing="$missing redis-server"; fi
if ! command -v chromium >/dev/null; then missing="$missing chromium"; fi
if ! command -v pkg-config >/dev/null; then missing="$missing pkg-config"; fi
if ! command -v mariadb_config >/dev/null && ! command -v mysql_config >/dev/null; then missing="$missing libmariadb-dev"; fi
if ! command -v cc >/dev/null; then missing="$missing gcc libc6-dev"; fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # The servers that the packages bring are not started: the tests start their own.
    RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "The tests need$missing. Install them, or give servers in TEST_MARIADB_URL and TEST_REDIS_URL." >&2
    exit 1
fi
