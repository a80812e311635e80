# SPDX-License-Identifier: Apache-2.0
# For the scripts beside it: a broker in $work/kafka that ends with the script, and short words.
. tests/cli/lib.sh
broker="sh $PWD/tests/kafka/broker.sh"
trap '$broker stop "$work/kafka"; rm -rf "$work"' EXIT
kafka_start() { # arguments of broker.sh start after DIR; sets $kafka
	status=0
	kafka=$($broker start "$work/kafka" "$@") || status=$?
	[ $status -eq 0 ] || exit $status
}
topics() { $broker tool "$work/kafka" org.apache.kafka.tools.TopicCommand "$@"; }
groups_tool() { $broker tool "$work/kafka" org.apache.kafka.tools.consumer.group.ConsumerGroupCommand "$@"; }
acls() { $broker tool "$work/kafka" kafka.admin.AclCommand "$@"; }
