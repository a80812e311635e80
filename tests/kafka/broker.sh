#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A real Apache Kafka for tests: one node (KRaft, broker and controller), on loopback, small.
#
#   broker.sh jars                        fetch the jars with Maven into build/kafka (once); of the
#                                         version in pom.xml, or of KAFKA_VERSION
#   broker.sh start DIR [--secure] [K=V]  start one in DIR (made if missing; data stay there) and wait
#                                         until it answers; prints its address, 127.0.0.1:PORT
#                                         K=V are lines of server.properties, over those below
#   broker.sh stop DIR                    end it in order and wait
#   broker.sh kill DIR                    end it at once (SIGKILL) and wait
#   broker.sh pause DIR, resume DIR       SIGSTOP, SIGCONT: it is there and does not answer
#   broker.sh tool DIR CLASS [ARGUMENT]   one of Kafka's own tools, connected to it, for example
#                                         tool DIR org.apache.kafka.tools.TopicCommand --list
#
# A second start of the same DIR goes on with the data and the ports there are. In DIR then stand:
#   address       127.0.0.1:PORT          plain text, no account; may do everything
#   pid, broker.log, server.properties
# and with --secure also, for an account `weir` (password river-bed) that may do nothing yet:
#   sasl          127.0.0.1:PORT          SASL_PLAINTEXT with SCRAM-SHA-256, SCRAM-SHA-512, PLAIN, and
#                                         OAUTHBEARER with unsigned tokens (alg none, sub weir)
#   ssl           127.0.0.1:PORT          SSL; knows clients by certificate (CN=weir) where they show one
#   ca.pem client.pem client.key          of that listener; client.key has no password
#
# Ends with 77 and a line that says why where there is no JVM or no Maven: a test skips then, aloud.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
version=${KAFKA_VERSION:-$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$here/pom.xml")}
lib=$top/build/kafka/$version
password=river-bed

skip() { echo "no Kafka broker for tests: $1; make setup-tests installs it" >&2; exit 77; }
fail() { echo "broker.sh: $1" >&2; exit 1; }

jars() {
	command -v java >/dev/null || skip 'no java'
	[ ! -e "$lib/done" ] || return 0
	command -v mvn >/dev/null || skip 'no mvn'
	mkdir -p "$top/build/kafka"
	# Several tests may come here at once.
	exec 9>"$top/build/kafka/lock"
	flock 9
	if [ ! -e "$lib/done" ]; then
		echo "broker.sh: fetching Apache Kafka $version" >&2
		mvn -q -B -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies \
			-DincludeScope=runtime -DoutputDirectory="$lib" >"$top/build/kafka/mvn.log" 2>&1 || {
			tail -5 "$top/build/kafka/mvn.log" >&2
			skip 'Maven could not fetch the jars'
		}
		touch "$lib/done"
	fi
	exec 9>&-
}

small='-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -XX:-UsePerfData'
run_tool() { # class, arguments
	# shellcheck disable=SC2086
	java -Xms16m -Xmx256m $small -Dlog4j.configuration="file:$here/log4j-tool.properties" \
		-cp "$lib/*" "$@"
}

free_ports() { # how many
	python3 - "$1" <<'P'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*[one.getsockname()[1] for one in held])
P
}

certificates() { # DIR
	(
		cd "$1"
		sign="openssl x509 -req -days 30 -sha256 -CA ca.pem -CAkey ca.key -CAcreateserial"
		openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=weir tests' -keyout ca.key -out ca.pem
		printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >server.ext
		for who in server client; do
			name=localhost
			[ $who = server ] || name=weir
			openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout $who.key -out $who.csr
			if [ $who = server ]; then $sign -extfile server.ext -in $who.csr -out $who.pem
			else $sign -in $who.csr -out $who.pem; fi
		done
		cat server.key server.pem >server.both.pem
	) >"$1/openssl.log" 2>&1 || fail "openssl: $(tail -1 "$1/openssl.log")"
}

properties() { # DIR, secure
	# shellcheck disable=SC2046
	set -- "$1" "$2" $(free_ports 4)
	listeners=PLAINTEXT://127.0.0.1:$3
	[ "$2" = no ] || listeners=$listeners,SASL_PLAINTEXT://127.0.0.1:$5,SSL://127.0.0.1:$6
	cat <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$4
listeners=$listeners,CONTROLLER://127.0.0.1:$4
advertised.listeners=$listeners
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL
log.dirs=$1/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.retention.check.interval.ms=5000
num.network.threads=1
num.io.threads=2
num.recovery.threads.per.data.dir=1
background.threads=2
log.cleaner.dedupe.buffer.size=2097152
log.retention.check.interval.ms=1000
log.segment.delete.delay.ms=500
log.initial.task.delay.ms=1000
auto.create.topics.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=300
controller.quorum.fetch.timeout.ms=600
P
	echo "127.0.0.1:$3" >"$1/address"
	[ "$2" = yes ] || return 0
	echo "127.0.0.1:$5" >"$1/sasl"
	echo "127.0.0.1:$6" >"$1/ssl"
	login=org.apache.kafka.common.security
	cat <<P
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=$login.scram.ScramLoginModule required;
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;
listener.name.sasl_plaintext.plain.sasl.jaas.config=$login.plain.PlainLoginModule required user_weir="$password";
listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config=$login.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
ssl.keystore.type=PEM
ssl.keystore.location=$1/server.both.pem
ssl.truststore.type=PEM
ssl.truststore.location=$1/ca.pem
ssl.client.auth=requested
ssl.principal.mapping.rules=RULE:^CN=(.*?)\$/\$1/,DEFAULT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
P
}

create() { # DIR, secure, K=V...
	dir=$1 secure=$2
	shift 2
	[ "$secure" = no ] || certificates "$dir"
	properties "$dir" "$secure" >"$dir/server.properties"
	for line; do echo "$line" >>"$dir/server.properties"; done
	set -- format -t "$(run_tool kafka.tools.StorageTool random-uuid 2>/dev/null)" \
		-c "$dir/server.properties"
	if [ "$secure" = yes ]; then
		set -- "$@" -S "SCRAM-SHA-256=[name=weir,password=$password]" \
			-S "SCRAM-SHA-512=[name=weir,password=$password]"
	fi
	run_tool kafka.tools.StorageTool "$@" >"$dir/format.log" 2>&1 ||
		fail "format: $(tail -3 "$dir/format.log")"
}

running() { [ -e "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null; }

answers() { kcat -b "$1" -L -m 1 >/dev/null 2>&1; }

start() { # DIR, [--secure], K=V...
	command -v kcat >/dev/null || skip 'no kcat'
	jars
	mkdir -p "$1"
	dir=$(cd "$1" && pwd)
	secure=no
	shift
	[ "${1:-}" != --secure ] || { secure=yes; shift; }
	[ -e "$dir/server.properties" ] || create "$dir" $secure "$@"
	running "$dir" && fail "$dir: runs already"
	# shellcheck disable=SC2086
	setsid java -Xms64m -Xmx${KAFKA_HEAP:-320m} $small -Ddir="$dir" \
		-Dlog4j.configuration="file:$here/log4j.properties" -cp "$lib/*" \
		kafka.Kafka "$dir/server.properties" >>"$dir/broker.out" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	address=$(cat "$dir/address")
	for _ in $(seq 300); do
		! answers "$address" || { echo "$address"; return 0; }
		running "$dir" || fail "the broker ended: $(tail -5 "$dir/broker.out" "$dir/broker.log")"
		sleep 0.2
	done
	fail "$dir: does not answer after a minute"
}

finish() { # DIR, signal
	[ -e "$1/pid" ] || return 0
	pid=$(cat "$1/pid")
	kill "-$2" "$pid" 2>/dev/null || true
	for i in $(seq 150); do
		kill -0 "$pid" 2>/dev/null || break
		[ "$i" -lt 100 ] || kill -KILL "$pid" 2>/dev/null || true
		sleep 0.1
	done
	rm -f "$1/pid"
}

what=${1:-help}
[ $# -eq 0 ] || shift
case $what in
jars) jars ;;
start) start "$@" ;;
stop) finish "$1" TERM ;;
kill) finish "$1" KILL ;;
pause) kill -STOP "$(cat "$1/pid")" ;;
resume) kill -CONT "$(cat "$1/pid")" ;;
tool)
	dir=$1 class=$2
	shift 2
	jars
	# In place of this shell: who ends it ends the tool.
	# shellcheck disable=SC2086
	exec java -Xms16m -Xmx256m $small -Dlog4j.configuration="file:$here/log4j-tool.properties" \
		-cp "$lib/*" "$class" --bootstrap-server "$(cat "$dir/address")" "$@"
	;;
*) sed -n '3,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
esac
