#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what building (build) or testing (test) needs on Debian 12; says what it does. Does
# nothing where everything is there.
set -eu
build='build-essential pkg-config libncurses-dev libsqlite3-dev libjansson-dev zlib1g-dev libzstd-dev libcurl4-openssl-dev liblz4-dev libsnappy-dev librdkafka-dev'
test="$build libcmocka-dev libvterm-dev clang libclang-rt-14-dev valgrind ncurses-term locales python3-venv cppcheck sqlite3 jq procps maven kcat openssl"
case ${1:-build} in
build) want=$build ;;
test) want=$test ;;
*) echo "usage: setup.sh build|test" >&2; exit 2 ;;
esac
missing=
for package in $want; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $package"
done
if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null; then
		echo "setup: not a Debian system; please install:$missing" >&2
		exit 1
	fi
	sudo=
	if [ "$(id -u)" != 0 ]; then
		sudo=sudo
		command -v sudo >/dev/null || {
			echo "setup: run as root or install sudo, to install:$missing" >&2
			exit 1
		}
	fi
	echo "setup: installing$missing"
	$sudo apt-get update -qq
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
[ "${1:-build}" = test ] || exit 0
# delta-rs, the other reader of Delta tables that tests compare with.
venv=build/venv
stamp=$venv/done.$(cksum <tests/interop/requirements.txt | cut -d' ' -f1)
if [ ! -e "$stamp" ]; then
	echo "setup: Python packages of tests/interop/requirements.txt into $venv"
	rm -rf "$venv" # part of one, when this was interrupted
	python3 -m venv "$venv"
	"$venv/bin/pip" install -q --disable-pip-version-check -r tests/interop/requirements.txt
	touch "$stamp"
fi
# Apache Kafka, the broker that tests run; without it they skip, aloud (never in CI).
for version in $(sed -n 's|.*<kafka\.[a-z]*>\(.*\)</kafka\..*|\1|p' tests/kafka/pom.xml); do
	KAFKA_VERSION=$version sh tests/kafka/broker.sh jars || [ $? = 77 ]
done
