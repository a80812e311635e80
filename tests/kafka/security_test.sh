#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every way to log in, against the real broker; which rights are missing, in the doctor's words; and no
# secret in anything that Weir says or keeps.
. tests/kafka/lib.sh
kafka_start --secure
d=$work/kafka
sasl=$(cat "$d/sasl")
topics --create --topic t --partitions 2 >/dev/null
seq 10 | kcat -b "$kafka" -t t -P
kcat -b "$kafka" -q -e -X auto.offset.reset=earliest -G g t >/dev/null 2>&1
doctor() { "$B/weir-collect" doctor --config "$work/$1.ini" 2>&1 | tee -a "$work/said" || true; }
once() { "$B/weir-collect" --once --config "$work/$1.ini" >"$work/out" 2>&1; status=$?; cat "$work/out" >>"$work/said"; return $status; }
inline() { # name of a store, lines of librdkafka
	name=$1; shift
	{ printf '[kafka prod]\nbrokers = %s\nlibrdkafka =\n' "$sasl"; printf '\t%s\n' "$@"; } | configure "$name"
}
export RIVER=river-bed WRONG=muddy-bank
for mechanism in SCRAM-SHA-256 SCRAM-SHA-512 PLAIN; do
	inline "$mechanism" 'security.protocol = SASL_PLAINTEXT' "sasl.mechanisms = $mechanism" \
		'sasl.username = weir' 'sasl.password = env:RIVER'
done

# Rights, one after the other, as the doctor asks for them.
doctor SCRAM-SHA-256 | grep -q "MEND.*no topic can be seen.*--allow-principal User:weir --operation Describe --topic '\*'" || die topic
acls --add --allow-principal User:weir --operation Describe --topic '*' >/dev/null
doctor SCRAM-SHA-256 >"$work/two"
grep -q 'ok.*connected: 1 broker, 1 topic with 2 partitions' "$work/two" || die connected
grep -q "MEND.*no group can be seen.*--operation Describe --group '\*'" "$work/two" || die group
grep -q "MEND.*retention of 1 topic cannot be read.*--operation DescribeConfigs --topic '\*'" "$work/two" || die configs
acls --add --allow-principal User:weir --operation Describe --group '*' >/dev/null
acls --add --allow-principal User:weir --operation DescribeConfigs --topic '*' >/dev/null
for mechanism in SCRAM-SHA-256 SCRAM-SHA-512 PLAIN; do
	doctor $mechanism >"$work/three"
	grep -q MEND "$work/three" && die "$mechanism: $(cat "$work/three")"
	grep -q 'commits of 1 group can be read' "$work/three" || die "$mechanism: no commits"
	once $mechanism || die "$mechanism: $(cat "$work/out")"
	grep -q '^kafka prod: [1-9][0-9]* facts read, [1-9]' "$work/out" || die "$mechanism: no facts"
done

# A properties file as clouds give it, with what only Java knows.
printf 'bootstrap.servers=%s\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nclient.dns.lookup=use_all_dns_ips\nssl.endpoint.identification.algorithm=\nnot.a.property=1\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n  username="weir" password="river-bed";\n' \
	"$sasl" >"$work/client.properties"
printf '[kafka prod]\nproperties = %s/client.properties\n' "$work" | configure file
chmod 644 "$work/client.properties"
doctor file >"$work/four"
grep -q 'MEND.*others may read the secrets.*chmod 600' "$work/four" || die 'world-readable'
grep -q 'line 4: client.dns.lookup: only Java clients have it' "$work/four" || die 'java only'
grep -q 'line 6: librdkafka knows no property not.a.property' "$work/four" || die 'unknown property'
chmod 600 "$work/client.properties"
once file || die "file: $(cat "$work/out")"

# Certificates, ours shown and not.
printf '[kafka prod]\nbrokers = %s\nlibrdkafka =\n\tsecurity.protocol = SSL\n\tssl.ca.location = %s/ca.pem\n\tssl.certificate.location = %s/client.pem\n\tssl.key.location = %s/client.key\n' \
	"$(cat "$d/ssl")" "$d" "$d" "$d" | configure mtls
doctor mtls | grep -q 'commits of 1 group can be read' || die 'mTLS'
printf '[kafka prod]\nbrokers = %s\nlibrdkafka =\n\tsecurity.protocol = SSL\n\tssl.ca.location = %s/client.pem\n' \
	"$(cat "$d/ssl")" "$d" | configure badca
doctor badca | grep -qi 'MEND.*certificate' || die 'a wrong CA is not told'

# A token by a command: bare, in JSON, and none.
cat >"$work/token" <<'P'
import base64, json, sys, time
b64 = lambda o: base64.urlsafe_b64encode(json.dumps(o).encode()).rstrip(b"=").decode()
now = int(time.time())
token = b64({"alg": "none"}) + "." + b64({"sub": "weir", "iat": now, "exp": now + 600}) + "."
print(json.dumps({"access_token": token, "expires_in": 600}) if sys.argv[1:] else token)
P
for form in '' json; do
	printf '[kafka prod]\nbrokers = %s\ntoken_command = python3 %s/token %s\nlibrdkafka =\n\tsecurity.protocol = SASL_PLAINTEXT\n\tsasl.mechanisms = OAUTHBEARER\n' \
		"$sasl" "$work" "$form" | configure "token$form"
	doctor "token$form" | grep -q 'commits of 1 group can be read' || die "token $form: $(tail -3 "$work/said")"
done
sed 's|^token_command.*|token_command = echo oops; exit 3|' "$work/token.ini" >"$work/notoken.ini"
doctor notoken | grep -q 'MEND.*token_command: it ended with status 3' || die 'a failing token_command is not told'

# What is wrong is refused, in words, without the secret.
sed 's/RIVER/WRONG/' "$work/PLAIN.ini" >"$work/wrong.ini"
once wrong && die 'a wrong password passed'
grep -qi 'authentication' "$work/out" || die "wrong: $(cat "$work/out")"
inline written 'sasl.password = river-bed'
once written && die 'a secret in the configuration passed'
grep -q 'a secret is not written here' "$work/out" || die "written: $(cat "$work/out")"

# Nobody has said or kept one.
"$B/weir-collect" dump --config "$work/PLAIN.ini" >>"$work/said"
for db in "$work"/*.db; do cat "$db" >>"$work/said"; done
cat "$work"/state/weir/* >>"$work/said" 2>/dev/null || true
! grep -a -q -e river-bed -e muddy-bank "$work/said" || die "a secret was told: $(grep -a -o '.\{40\}river-bed\|.\{40\}muddy-bank' "$work/said" | head -2)"
