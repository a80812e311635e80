/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_SWEEPER_H
#define COLLECTORS_KAFKA_SWEEPER_H

/*
 * The program inside weir-collect that talks to Kafka: a process of its own for each cluster, since
 * librdkafka's admin calls can end, hang or corrupt the process they are made in. It is started as
 * `weir-collect --kafka-sweeper` with one end of a socket pair as descriptor 3, gets its plan and
 * orders there and answers in frames (wire.h). Returns the process's exit status.
 */
#define KAFKA_SWEEPER_WORD "--kafka-sweeper"
enum { KAFKA_SWEEPER_FD = 3 };

int kafka_sweeper_main(int fd);

#endif
