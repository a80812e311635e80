#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The real broker that other tests stand on: starts, keeps its data over a kill, knows accounts.
. tests/kafka/lib.sh
kafka_start --secure
d=$work/kafka
topics --create --topic t --partitions 1 >/dev/null
seq 100 | kcat -b "$kafka" -t t -P
[ "$(kcat -b "$kafka" -t t -C -e -q | wc -l)" = 100 ] || die 'not 100 records'

account='-X sasl.username=weir -X sasl.password=river-bed'
for mechanism in SCRAM-SHA-256 SCRAM-SHA-512 PLAIN; do
	# shellcheck disable=SC2086
	kcat -X security.protocol=SASL_PLAINTEXT -X sasl.mechanisms=$mechanism $account \
		-b "$(cat "$d/sasl")" -L | grep -q '1 brokers' || die "$mechanism"
done
kcat -X security.protocol=SSL -X ssl.ca.location="$d/ca.pem" -X ssl.key.location="$d/client.key" \
	-X ssl.certificate.location="$d/client.pem" -b "$(cat "$d/ssl")" -L | grep -q '1 brokers' ||
	die SSL
# That account may see nothing yet.
kcat -X security.protocol=SASL_PLAINTEXT -X sasl.mechanisms=PLAIN -X sasl.username=weir \
	-X sasl.password=river-bed -b "$(cat "$d/sasl")" -L | grep -q '^ 0 topics' || die 'it saw topics'

$broker kill "$d"
kafka_start
[ "$(kcat -b "$kafka" -t t -C -e -q | wc -l)" = 100 ] || die 'not 100 records after a kill'
