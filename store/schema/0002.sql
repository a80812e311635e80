-- SPDX-License-Identifier: Apache-2.0
-- The store, version 2: Kafka and the readers of it. Units, NULL and `batch` as in version 1.
--
-- A series is a topic's watermarks, or one reader's places in one topic, or the source tables inside
-- one topic. Collectors tell all they see at every sweep; lag_change keeps what changed.

CREATE TABLE series (
	id INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,     -- 0 marks, 1 source tables, 2 + enum reader_kind: a reader's places
	cluster INTEGER NOT NULL,  -- dim; 0 = not told
	topic INTEGER NOT NULL,    -- dim
	reader INTEGER NOT NULL,   -- dim; 0 = none
	source INTEGER NOT NULL,
	batch INTEGER NOT NULL,    -- in which it was first told
	minute INTEGER NOT NULL DEFAULT 0, -- rows before this ms are one a minute or fewer
	hour INTEGER NOT NULL DEFAULT 0,   -- rows before this ms are one an hour or fewer
	UNIQUE (kind, cluster, topic, reader)
);

-- How a series changed (store/lag_pack.h): what is between two rows was seen not to change. Rows of
-- key 1 are keyframes: the whole state after the row before them, from which reading may begin.
CREATE TABLE lag_change (
	series INTEGER NOT NULL,
	at INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	key INTEGER NOT NULL,
	x BLOB NOT NULL,
	PRIMARY KEY (series, at, batch, key)
) WITHOUT ROWID;

-- One look: of a Kafka cluster, or (cluster NULL) of whatever else tells places. What a series of
-- the same source holds was still so at the newest one that could see it.
CREATE TABLE sweep (
	source INTEGER NOT NULL,
	at INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	cluster INTEGER, -- dim
	took_ms INTEGER,
	brokers INTEGER, brokers_down INTEGER, topics INTEGER, partitions INTEGER, groups INTEGER,
	unread INTEGER,
	problem TEXT,
	missed BLOB,     -- series it could not see, store/lag_sweeps.h; NULL = it saw all
	PRIMARY KEY (source, at, batch)
) WITHOUT ROWID;

-- Source tables inside a topic: a minute (or, later, an hour) of those told in one batch. The newest
-- row that names a table in a minute replaces those before it.
CREATE TABLE topic_minute (
	series INTEGER NOT NULL,
	minute INTEGER NOT NULL, -- of record time: ms / 60000
	batch INTEGER NOT NULL,
	x BLOB NOT NULL,         -- store/topic_pack.h
	PRIMARY KEY (series, minute, batch)
) WITHOUT ROWID;
CREATE TABLE topic_tbl (
	series INTEGER NOT NULL,
	tbl INTEGER NOT NULL,      -- dim; 0 = records of no table
	batch INTEGER NOT NULL,
	first_at INTEGER NOT NULL, -- record time of the first minute told
	PRIMARY KEY (series, tbl)
) WITHOUT ROWID;

-- Connectors of Kafka Connect, on change.
CREATE TABLE connector (
	connect INTEGER NOT NULL,   -- dim
	connector INTEGER NOT NULL, -- dim
	at INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	source INTEGER NOT NULL,
	gone INTEGER NOT NULL,
	sink INTEGER NOT NULL,
	state INTEGER NOT NULL,     -- enum connector_state
	worst INTEGER NOT NULL,
	tasks INTEGER,
	tasks_failed INTEGER,
	worker TEXT,
	trace TEXT,
	consumer TEXT,              -- of a sink: its consumer group
	topics TEXT,
	PRIMARY KEY (connect, connector, at, batch)
) WITHOUT ROWID;
